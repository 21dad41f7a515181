"""A failed Telegram call → what to do, and what the manager is told. Pure, one table.

Reference: Kommo, Update delivery status (codes 901 to 905); Bot API, error descriptions.
"""

from dataclasses import dataclass

from kommo.models import ErrorCode

UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TOO_LARGE, TOO_MANY = 401, 403, 404, 413, 429


@dataclass(frozen=True)
class Verdict:
    """What a refusal of Telegram means: whether to try again, and the status for Kommo."""

    code: ErrorCode
    text: str
    retry: bool = False


NOTHING_TO_SEND = Verdict(ErrorCode.OTHER, "The message holds nothing that Telegram can show.")
NO_SUCH_CONVERSATION = Verdict(
    ErrorCode.NO_CONVERSATION, "This conversation is not known to the Telegram bridge."
)
BOT_REMOVED = Verdict(
    ErrorCode.INTEGRATION_OFF, "The Telegram bot of this conversation is not set up any more."
)
BOT_REVOKED = Verdict(
    ErrorCode.INTEGRATION_OFF, "Telegram no longer accepts the bot's token.", retry=True
)
GAVE_UP = Verdict(
    ErrorCode.INTERNAL, "Telegram could not be reached in time. The message was not delivered."
)
REFUSED = Verdict(ErrorCode.OTHER, "Telegram refused the message.")
UNSUPPORTED = Verdict(ErrorCode.OTHER, "Telegram has nothing to show this kind of message with.")
NO_FILE = Verdict(ErrorCode.OTHER, "Kommo told of a file without saying where it is.")
FILE_EMPTY = Verdict(ErrorCode.OTHER, "The file is empty.")
FILE_GONE = Verdict(ErrorCode.OTHER, "The file is not there any more: send it again.")
FILE_TOO_BIG = Verdict(
    ErrorCode.OTHER, "The file is bigger than 50 MB, the most that Telegram takes from bots."
)
FILE_FORBIDDEN = Verdict(
    ErrorCode.OTHER, "The file's address is not one that the Telegram bridge may fetch from."
)
FILE_UNREACHABLE = Verdict(
    ErrorCode.INTERNAL, "The file could not be fetched from Kommo in time.", retry=True
)

_BY_DESCRIPTION: tuple[tuple[str, Verdict], ...] = (
    ("bot was blocked by the user", Verdict(ErrorCode.OTHER, "The client has blocked the bot.")),
    (
        "user is deactivated",
        Verdict(ErrorCode.NO_CONVERSATION, "The client's Telegram account was deleted."),
    ),
    (
        "can't initiate conversation",
        Verdict(ErrorCode.NO_CONVERSATION, "The client has not started the bot yet."),
    ),
    (
        "chat not found",
        Verdict(ErrorCode.NO_CONVERSATION, "Telegram does not know this chat for this bot."),
    ),
    (
        "peer_id_invalid",
        Verdict(ErrorCode.NO_CONVERSATION, "Telegram does not know this chat for this bot."),
    ),
    (
        "can't send messages to the bot",
        Verdict(ErrorCode.NO_CONVERSATION, "The other side of this chat is a bot."),
    ),
    ("message text is empty", NOTHING_TO_SEND),
    ("too long", Verdict(ErrorCode.OTHER, "The message is too long for Telegram.")),
)

_BY_STATUS = {
    TOO_MANY: Verdict(ErrorCode.OTHER, "Telegram asks to slow down.", retry=True),
    UNAUTHORIZED: BOT_REVOKED,
    NOT_FOUND: BOT_REVOKED,
    TOO_LARGE: Verdict(ErrorCode.OTHER, "The file is too big for Telegram."),
    FORBIDDEN: Verdict(ErrorCode.NO_CONVERSATION, "The bot may not write to this chat."),
}


def refusal(status: int, description: str) -> Verdict:
    """Return what a refused call means.

    Args:
        status: the `error_code` of Telegram's answer, such as 400 or 403.
        description: Telegram's own words; matched by parts in lower case, as they change.
    """
    words = description.lower()
    for part, verdict in _BY_DESCRIPTION:
        if part in words:
            return verdict
    return _BY_STATUS.get(status, REFUSED)
