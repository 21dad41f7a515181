"""A failed Telegram call → what to do, and what the manager is told. Pure, one table.

Reference: Kommo, Update delivery status (codes 901 to 905); Bot API, error descriptions.
"""

from dataclasses import dataclass

from kommo.statuses import ErrorCode

BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_LARGE, TOO_MANY = 400, 401, 403, 404, 413, 429
SERVER_ERROR = 500


@dataclass(frozen=True)
class Verdict:
    """What a refusal of Telegram means: whether to try again, and the status for Kommo."""

    code: ErrorCode
    text: str
    retry: bool = False


NOTHING_TO_SEND = Verdict(
    ErrorCode.OTHER, "The message contains nothing that Telegram can display."
)
NO_SUCH_CONVERSATION = Verdict(
    ErrorCode.NO_CONVERSATION, "The Telegram bridge does not know this conversation."
)
UNKNOWN_NUMBER = Verdict(
    ErrorCode.NO_CONVERSATION,
    "No Telegram chat is known for this number: send the client an invitation link.",
)
NO_NUMBER = Verdict(
    ErrorCode.NO_CONVERSATION,
    "The message came without a phone number: add it to the contact, and write from there.",
)
BOT_REMOVED = Verdict(
    ErrorCode.INTEGRATION_OFF, "The Telegram bot of this conversation is no longer set up."
)
BOT_REVOKED = Verdict(
    ErrorCode.INTEGRATION_OFF, "Telegram no longer accepts the bot's token.", retry=True
)
BOT_UNUSABLE = Verdict(
    ErrorCode.INTEGRATION_OFF, "The Telegram bot was unavailable for too long.", retry=True
)
GAVE_UP = Verdict(
    ErrorCode.INTERNAL,
    "Telegram was unreachable for too long. The message was not delivered.",
    retry=True,
)
MAY_HAVE_ARRIVED = Verdict(
    ErrorCode.INTERNAL,
    "Telegram did not answer: the message may have arrived. Ask before sending it again.",
)
REFUSED = Verdict(ErrorCode.OTHER, "Telegram refused the message.")
UNSUPPORTED = Verdict(ErrorCode.OTHER, "Telegram cannot display this type of message.")
NO_FILE = Verdict(ErrorCode.OTHER, "Kommo sent a file without a link.")
FILE_EMPTY = Verdict(ErrorCode.OTHER, "The file is empty.")
FILE_GONE = Verdict(ErrorCode.OTHER, "The file no longer exists: send it again.")
FILE_TOO_BIG = Verdict(
    ErrorCode.OTHER, "The file is larger than 50 MB, the most that Telegram accepts from bots."
)
FILE_FORBIDDEN = Verdict(
    ErrorCode.OTHER,
    "The file is at an address that the Telegram bridge is not allowed to fetch from.",
)
FILE_UNREACHABLE = Verdict(
    ErrorCode.INTERNAL, "The file could not be fetched from Kommo in time.", retry=True
)

CLIENT_BLOCKED = Verdict(ErrorCode.OTHER, "The client has blocked the bot.")
ACCOUNT_DELETED = Verdict(ErrorCode.NO_CONVERSATION, "The client's Telegram account was deleted.")
UNKNOWN_CHAT = Verdict(ErrorCode.NO_CONVERSATION, "Telegram does not know this chat for this bot.")
NOT_STARTED = Verdict(ErrorCode.NO_CONVERSATION, "The client has not started the bot yet.")
PEER_IS_BOT = Verdict(ErrorCode.NO_CONVERSATION, "The other side of this chat is a bot.")
GROUP_LOST = Verdict(ErrorCode.NO_CONVERSATION, "The bot is no longer in this group.")
MAY_NOT_WRITE = Verdict(ErrorCode.NO_CONVERSATION, "The bot may not write to this chat.")
TOO_LONG = Verdict(ErrorCode.OTHER, "The message is too long for Telegram.")
FILE_REFUSED = Verdict(ErrorCode.OTHER, "Telegram does not accept this file.")
FILE_TOO_LARGE = Verdict(
    ErrorCode.OTHER, "The file is too large: Telegram accepts at most 50 MB from bots."
)
BUTTONS_REFUSED = Verdict(ErrorCode.OTHER, "Telegram does not accept the message's buttons.")
MESSAGE_GONE = Verdict(
    ErrorCode.OTHER, "The message is too old or no longer exists: Telegram cannot change it."
)
VOICE_FORBIDDEN = Verdict(ErrorCode.OTHER, "The client does not accept voice messages.")
WINDOW_CLOSED = Verdict(
    ErrorCode.OTHER,
    "The client has not written for 24 hours: Telegram does not accept answers now.",
)
TOO_LATE = Verdict(
    ErrorCode.OTHER,
    "The time to answer is over: send a template, or wait for the client to write.",
)
CLIENT_STOPPED = Verdict(
    ErrorCode.OTHER,
    "This client was blocked by the operator of the Telegram bridge. The message was not sent.",
)
NO_BUSINESS = Verdict(
    ErrorCode.INTEGRATION_OFF,
    "The business account is not connected: its owner can connect the bot again in Telegram.",
)
NO_RIGHT_TO_REPLY = Verdict(
    ErrorCode.INTEGRATION_OFF,
    "The business account's owner does not let the bot reply: allow it in Telegram, Chatbots.",
)
NOT_COVERED = Verdict(
    ErrorCode.INTEGRATION_OFF,
    "The business account's owner has left this chat out: add it in Telegram, Chatbots.",
)
TO_ITSELF = Verdict(ErrorCode.NO_CONVERSATION, "The business account cannot write to itself.")
MISSED = Verdict(
    ErrorCode.INTERNAL,
    "The Telegram bridge was not running when this was written. The message was not delivered.",
)
UNSURE = Verdict(
    ErrorCode.INTERNAL,
    "The Telegram bridge's database was restored: this may or may not have been delivered.",
)
DROPPED = Verdict(
    ErrorCode.OTHER,
    "The operator of the Telegram bridge gave this message up. It was not delivered.",
)
DROPPED_UNSURE = Verdict(
    ErrorCode.OTHER,
    "The operator of the Telegram bridge gave this message up. It may have arrived.",
)
SLOW_DOWN = Verdict(ErrorCode.OTHER, "Telegram asks to slow down.", retry=True)

_BY_DESCRIPTION: tuple[tuple[str, Verdict], ...] = (
    ("logged out", BOT_UNUSABLE),  # while the bot moves to another Bot API server
    ("terminated by", BOT_UNUSABLE),
    ("unauthorized", BOT_REVOKED),
    ("too many requests", SLOW_DOWN),
    ("flood", SLOW_DOWN),
    ("try again later", GAVE_UP),
    ("bot was blocked by the user", CLIENT_BLOCKED),
    ("user_is_blocked", CLIENT_BLOCKED),
    ("user is deactivated", ACCOUNT_DELETED),
    ("input_user_deactivated", ACCOUNT_DELETED),
    ("not enough rights", MAY_NOT_WRITE),
    ("chat_write_forbidden", MAY_NOT_WRITE),
    ("can't initiate conversation", NOT_STARTED),
    ("business_peer_usage_missing", WINDOW_CLOSED),
    ("business_peer_invalid", NOT_COVERED),
    ("business_connection_invalid", NO_BUSINESS),
    ("business connection not found", NO_BUSINESS),
    ("messages must not be sent to self", TO_ITSELF),
    ("chat not found", UNKNOWN_CHAT),
    ("peer_id_invalid", UNKNOWN_CHAT),
    ("can't send messages to the bot", PEER_IS_BOT),
    ("bot was kicked", GROUP_LOST),
    ("bot is not a member", GROUP_LOST),
    ("group chat was deleted", GROUP_LOST),
    ("group chat was upgraded", GROUP_LOST),
    ("have no write access", MAY_NOT_WRITE),
    ("invalid token specified", BOT_REVOKED),
    ("reply markup is too long", BUTTONS_REFUSED),
    ("reply_markup_too_long", BUTTONS_REFUSED),
    ("button_data_invalid", BUTTONS_REFUSED),
    ("button_url_invalid", BUTTONS_REFUSED),
    ("buttons are unallowed", BUTTONS_REFUSED),
    ("message text is empty", NOTHING_TO_SEND),
    ("too long", TOO_LONG),
    ("too_long", TOO_LONG),
    ("can't parse entities", REFUSED),
    ("file is too big", FILE_TOO_LARGE),
    ("photo_invalid_dimensions", FILE_REFUSED),
    ("image_process_failed", FILE_REFUSED),
    ("photo has unsupported extension", FILE_REFUSED),
    ("wrong file identifier", FILE_REFUSED),
    ("wrong file_id", FILE_REFUSED),
    ("wrong remote file identifier", FILE_REFUSED),
    ("wrong type of the web page content", FILE_REFUSED),
    ("failed to get http url content", FILE_REFUSED),
    ("wrong http url specified", FILE_REFUSED),
    ("can't upload file by url", FILE_REFUSED),
    ("voice_messages_forbidden", VOICE_FORBIDDEN),
    ("message to edit not found", MESSAGE_GONE),
    ("message can't be edited", MESSAGE_GONE),
    ("message to delete not found", MESSAGE_GONE),
    ("message can't be deleted", MESSAGE_GONE),
)

_BY_STATUS = {
    TOO_MANY: SLOW_DOWN,
    UNAUTHORIZED: BOT_REVOKED,
    NOT_FOUND: BOT_REVOKED,
    TOO_LARGE: FILE_TOO_LARGE,
    FORBIDDEN: MAY_NOT_WRITE,
}


def refusal(status: int, description: str) -> Verdict:
    """Return what a refused call means.

    A refusal of the bot, or with a status that says nothing of messages, is none of the message:
    it is tried again.

    Args:
        status: the `error_code` of Telegram's answer, such as 400 or 403.
        description: Telegram's own words; matched by parts in lower case, as they change.
    """
    if status >= SERVER_ERROR:
        return GAVE_UP
    words = description.lower()
    for part, verdict in _BY_DESCRIPTION:
        if part in words:
            return verdict
    return _BY_STATUS.get(status, REFUSED if status == BAD_REQUEST else BOT_UNUSABLE)
