"""What Telegram's refusals mean, and what the manager reads."""

import pytest

from bot.translate.outgoing import refusals
from bot.translate.outgoing.refusals import BUTTONS_REFUSED, TOO_LONG, WINDOW_CLOSED, refusal


@pytest.mark.parametrize(
    ("code", "description", "retry", "kommo_code", "verdict"),
    [
        pytest.param(
            403,
            "Forbidden: bot was blocked by the user",
            False,
            905,
            refusals.CLIENT_BLOCKED,
            id="blocked",
        ),
        pytest.param(
            403,
            "Forbidden: USER_IS_BLOCKED",
            False,
            905,
            refusals.CLIENT_BLOCKED,
            id="blocked-in-capitals",
        ),
        pytest.param(
            403,
            "Forbidden: user is deactivated",
            False,
            904,
            refusals.ACCOUNT_DELETED,
            id="deactivated",
        ),
        pytest.param(
            403,
            "Forbidden: INPUT_USER_DEACTIVATED",
            False,
            904,
            refusals.ACCOUNT_DELETED,
            id="deactivated-in-capitals",
        ),
        pytest.param(
            403,
            "Forbidden: bot can't initiate conversation with a user",
            False,
            904,
            refusals.NOT_STARTED,
            id="never-started",
        ),
        pytest.param(
            400, "Bad Request: chat not found", False, 904, refusals.UNKNOWN_CHAT, id="no-chat"
        ),
        pytest.param(
            400, "Bad Request: PEER_ID_INVALID", False, 904, refusals.UNKNOWN_CHAT, id="no-peer"
        ),
        pytest.param(
            403,
            "Forbidden: the bot can't send messages to the bot",
            False,
            904,
            refusals.PEER_IS_BOT,
            id="a-bot",
        ),
        pytest.param(
            403,
            "Forbidden: bot was kicked from the group chat",
            False,
            904,
            refusals.GROUP_LOST,
            id="kicked",
        ),
        pytest.param(
            403,
            "Forbidden: bot is not a member of the supergroup chat",
            False,
            904,
            refusals.GROUP_LOST,
            id="no-member",
        ),
        pytest.param(
            400,
            "Bad Request: the group chat was deleted",
            False,
            904,
            refusals.GROUP_LOST,
            id="group-deleted",
        ),
        pytest.param(
            403,
            "Forbidden: the group chat was deleted",
            False,
            904,
            refusals.GROUP_LOST,
            id="group-deleted-forbidden",
        ),
        pytest.param(
            400,
            "Bad Request: have no write access to the chat",
            False,
            904,
            refusals.MAY_NOT_WRITE,
            id="no-write-access",
        ),
        pytest.param(
            400,
            "Bad Request: CHAT_WRITE_FORBIDDEN",
            False,
            904,
            refusals.MAY_NOT_WRITE,
            id="no-writing",
        ),
        pytest.param(
            400,
            "Bad Request: not enough rights to send photos to the chat",
            False,
            904,
            refusals.MAY_NOT_WRITE,
            id="no-photos",
        ),
        pytest.param(
            400,
            "Bad Request: not enough rights to send text messages to the chat",
            False,
            904,
            refusals.MAY_NOT_WRITE,
            id="mute",
        ),
        pytest.param(401, "Unauthorized", True, 902, refusals.BOT_REVOKED, id="revoked"),
        pytest.param(
            401,
            "Unauthorized: invalid token specified",
            True,
            902,
            refusals.BOT_REVOKED,
            id="token-invalid",
        ),
        pytest.param(404, "Not Found", True, 902, refusals.BOT_REVOKED, id="token-malformed"),
        pytest.param(
            400, "Bad Request: Logged out", True, 902, refusals.BOT_UNUSABLE, id="logged-out"
        ),
        pytest.param(
            400,
            "Bad Request: Unauthorized",
            True,
            902,
            refusals.BOT_REVOKED,
            id="revoked-by-words",
        ),
        pytest.param(
            409,
            "Conflict: terminated by other getUpdates request",
            True,
            902,
            refusals.BOT_UNUSABLE,
            id="conflict",
        ),
        pytest.param(402, "Payment Required", True, 902, refusals.BOT_UNUSABLE, id="402"),
        pytest.param(406, "Not Acceptable", True, 902, refusals.BOT_UNUSABLE, id="406"),
        pytest.param(418, "I'm a teapot", True, 902, refusals.BOT_UNUSABLE, id="418"),
        pytest.param(420, "FLOOD_WAIT_7", True, 905, refusals.SLOW_DOWN, id="flood-in-capitals"),
        pytest.param(
            400, "Bad Request: PEER_FLOOD", True, 905, refusals.SLOW_DOWN, id="flood-of-a-peer"
        ),
        pytest.param(
            400, "Bad Request: too Many Requests", True, 905, refusals.SLOW_DOWN, id="flood-as-400"
        ),
        pytest.param(
            403,
            "Forbidden: bot was kicked from the channel chat",
            False,
            904,
            refusals.GROUP_LOST,
            id="kicked-from-a-channel",
        ),
        pytest.param(
            429, "Too Many Requests: retry after 5", True, 905, refusals.SLOW_DOWN, id="flood"
        ),
        pytest.param(
            400,
            "Bad Request: group chat was upgraded to a supergroup chat",
            False,
            904,
            refusals.GROUP_LOST,
            id="moved-without-an-id",
        ),
        pytest.param(
            400, "Bad Request: message is too long", False, 905, refusals.TOO_LONG, id="too-long"
        ),
        pytest.param(
            400,
            "Bad Request: message caption is too long",
            False,
            905,
            refusals.TOO_LONG,
            id="caption-too-long",
        ),
        pytest.param(
            400, "Bad Request: text is too long", False, 905, refusals.TOO_LONG, id="text-too-long"
        ),
        pytest.param(
            400,
            "Bad Request: MESSAGE_TOO_LONG",
            False,
            905,
            refusals.TOO_LONG,
            id="too-long-in-capitals",
        ),
        pytest.param(
            400,
            "Bad Request: message text is empty",
            False,
            905,
            refusals.NOTHING_TO_SEND,
            id="empty",
        ),
        pytest.param(
            400,
            "Bad Request: can't parse entities: unexpected end tag at byte offset 7",
            False,
            905,
            refusals.REFUSED,
            id="markup",
        ),
        pytest.param(
            400,
            "Bad Request: wrong file identifier/HTTP URL specified",
            False,
            905,
            refusals.FILE_REFUSED,
            id="url",
        ),
        pytest.param(
            400,
            "Bad Request: wrong remote file identifier specified: can't unserialize it",
            False,
            905,
            refusals.FILE_REFUSED,
            id="file-id",
        ),
        pytest.param(
            400,
            "Bad Request: wrong type of the web page content",
            False,
            905,
            refusals.FILE_REFUSED,
            id="url-content-type",
        ),
        pytest.param(
            400,
            "Bad Request: failed to get HTTP URL content",
            False,
            905,
            refusals.FILE_REFUSED,
            id="url-content",
        ),
        pytest.param(
            400,
            "Bad Request: wrong HTTP URL specified: unsupported URL protocol",
            False,
            905,
            refusals.FILE_REFUSED,
            id="url-protocol",
        ),
        pytest.param(
            400,
            "Bad Request: can't upload file by URL",
            False,
            905,
            refusals.FILE_REFUSED,
            id="url-upload",
        ),
        pytest.param(
            400,
            "Bad Request: file is too big",
            False,
            905,
            refusals.FILE_TOO_LARGE,
            id="file-too-big",
        ),
        pytest.param(
            413, "Request Entity Too Large", False, 905, refusals.FILE_TOO_LARGE, id="too-large"
        ),
        pytest.param(
            400,
            "Bad Request: PHOTO_INVALID_DIMENSIONS",
            False,
            905,
            refusals.FILE_REFUSED,
            id="photo-dimensions",
        ),
        pytest.param(
            400,
            "Bad Request: IMAGE_PROCESS_FAILED",
            False,
            905,
            refusals.FILE_REFUSED,
            id="photo-broken",
        ),
        pytest.param(
            400,
            "Bad Request: photo has unsupported extension",
            False,
            905,
            refusals.FILE_REFUSED,
            id="photo-ending",
        ),
        pytest.param(
            400,
            "Bad Request: wrong file_id or the file is temporarily unavailable",
            False,
            905,
            refusals.FILE_REFUSED,
            id="file-unavailable",
        ),
        pytest.param(
            400,
            "Bad Request: reply markup is too long",
            False,
            905,
            refusals.BUTTONS_REFUSED,
            id="keyboard-too-long",
        ),
        pytest.param(
            400,
            "Bad Request: BUTTON_DATA_INVALID",
            False,
            905,
            refusals.BUTTONS_REFUSED,
            id="button-data",
        ),
        pytest.param(
            400,
            "Bad Request: BUTTON_URL_INVALID",
            False,
            905,
            refusals.BUTTONS_REFUSED,
            id="button-url",
        ),
        pytest.param(
            400,
            "Bad Request: text buttons are unallowed in the inline keyboard",
            False,
            905,
            refusals.BUTTONS_REFUSED,
            id="button-text",
        ),
        pytest.param(
            400,
            "Bad Request: message to be replied not found",
            False,
            905,
            refusals.REFUSED,
            id="quote-gone",
        ),
        pytest.param(
            400,
            "Bad Request: message to edit not found",
            False,
            905,
            refusals.MESSAGE_GONE,
            id="edit-gone",
        ),
        pytest.param(
            400,
            "Bad Request: message can't be edited",
            False,
            905,
            refusals.MESSAGE_GONE,
            id="edit",
        ),
        pytest.param(
            400,
            "Bad Request: message to delete not found",
            False,
            905,
            refusals.MESSAGE_GONE,
            id="delete-gone",
        ),
        pytest.param(
            400,
            "Bad Request: message can't be deleted",
            False,
            905,
            refusals.MESSAGE_GONE,
            id="delete",
        ),
        pytest.param(
            400,
            "Bad Request: VOICE_MESSAGES_FORBIDDEN",
            False,
            905,
            refusals.VOICE_FORBIDDEN,
            id="voice",
        ),
        pytest.param(
            400,
            "Bad Request: BUSINESS_PEER_USAGE_MISSING",
            False,
            905,
            refusals.WINDOW_CLOSED,
            id="24-hours",
        ),
        pytest.param(
            400,
            "Bad Request: BUSINESS_PEER_INVALID",
            False,
            902,
            refusals.NOT_COVERED,
            id="business-peer",
        ),
        pytest.param(
            400,
            "Bad Request: BUSINESS_CONNECTION_INVALID",
            False,
            902,
            refusals.NO_BUSINESS,
            id="business",
        ),
        pytest.param(
            400,
            "Bad Request: business connection not found",
            False,
            902,
            refusals.NO_BUSINESS,
            id="business-gone",
        ),
        pytest.param(
            400,
            "Bad Request: messages must not be sent to self",
            False,
            904,
            refusals.TO_ITSELF,
            id="business-self",
        ),
        pytest.param(500, "Internal Server Error", True, 903, refusals.GAVE_UP, id="500"),
        pytest.param(502, "Bad Gateway", True, 903, refusals.GAVE_UP, id="502"),
        pytest.param(503, "Service Unavailable", True, 903, refusals.GAVE_UP, id="503"),
        pytest.param(504, "Gateway Timeout", True, 903, refusals.GAVE_UP, id="504"),
        pytest.param(
            500,
            "Internal Server Error: file is too big",
            True,
            903,
            refusals.GAVE_UP,
            id="500-with-words",
        ),
        pytest.param(
            403,
            "Forbidden: something new",
            False,
            904,
            refusals.MAY_NOT_WRITE,
            id="forbidden-otherwise",
        ),
        pytest.param(
            400, "Bad Request: something new", False, 905, refusals.REFUSED, id="unknown"
        ),
    ],
)
def test_each_refusal_has_its_verdict(code, description, retry, kommo_code, verdict):
    """Each is tried again or not, with Kommo's code, and the manager reads a plain sentence."""
    found = refusal(code, description)
    assert (found.retry, found.code, found.text) == (retry, kommo_code, verdict.text)
    assert found.text.endswith(".")
    assert "Bad Request" not in found.text


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        pytest.param("Bad Request: reply markup is too long", BUTTONS_REFUSED, id="keyboard"),
        pytest.param("Bad Request: REPLY_MARKUP_TOO_LONG", BUTTONS_REFUSED, id="in-capitals"),
        pytest.param("Bad Request: text is too long", TOO_LONG, id="text"),
        pytest.param("Bad Request: BUSINESS_PEER_USAGE_MISSING", WINDOW_CLOSED, id="window"),
    ],
)
def test_the_more_exact_reason_is_told(description, expected):
    """Where descriptions share words, the manager reads the one that helps."""
    assert refusal(400, description) == expected
