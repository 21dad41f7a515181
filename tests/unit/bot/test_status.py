"""What Telegram's refusals mean, and what the manager reads."""

import pytest

from bot.translate.status import (
    BOT_REVOKED,
    BUTTONS_REFUSED,
    REFUSED,
    TOO_LONG,
    WINDOW_CLOSED,
    refusal,
)


@pytest.mark.parametrize(
    ("code", "description", "expected"),
    [
        pytest.param(403, "Forbidden: bot was blocked by the user", 905, id="blocked"),
        pytest.param(403, "Forbidden: USER_IS_BLOCKED", 905, id="blocked-in-capitals"),
        pytest.param(403, "Forbidden: INPUT_USER_DEACTIVATED", 904, id="deactivated-in-capitals"),
        pytest.param(
            400, "Bad Request: not enough rights to send photos to the chat", 904, id="no-photos"
        ),
        pytest.param(
            400, "Bad Request: not enough rights to send text messages to the chat", 904, id="mute"
        ),
        pytest.param(400, "Bad Request: CHAT_WRITE_FORBIDDEN", 904, id="no-writing"),
        pytest.param(400, "Bad Request: MESSAGE_TOO_LONG", 905, id="too-long-in-capitals"),
        pytest.param(403, "Forbidden: user is deactivated", 904, id="deactivated"),
        pytest.param(
            403, "Forbidden: bot can't initiate conversation with a user", 904, id="never-started"
        ),
        pytest.param(400, "Bad Request: chat not found", 904, id="no-chat"),
        pytest.param(400, "Bad Request: PEER_ID_INVALID", 904, id="no-peer"),
        pytest.param(400, "Bad Request: message text is empty", 905, id="empty"),
        pytest.param(400, "Bad Request: message is too long", 905, id="too-long"),
        pytest.param(400, "Bad Request: message caption is too long", 905, id="caption-too-long"),
        pytest.param(403, "Forbidden: bot was kicked from the group chat", 904, id="kicked"),
        pytest.param(
            403, "Forbidden: bot is not a member of the supergroup chat", 904, id="no-member"
        ),
        pytest.param(400, "Bad Request: the group chat was deleted", 904, id="group-deleted"),
        pytest.param(
            400, "Bad Request: have no write access to the chat", 904, id="no-write-access"
        ),
        pytest.param(403, "Forbidden: the bot can't send messages to the bot", 904, id="a-bot"),
        pytest.param(400, "Bad Request: file is too big", 905, id="file-too-big"),
        pytest.param(400, "Bad Request: PHOTO_INVALID_DIMENSIONS", 905, id="photo-dimensions"),
        pytest.param(400, "Bad Request: IMAGE_PROCESS_FAILED", 905, id="photo-broken"),
        pytest.param(400, "Bad Request: wrong file identifier/HTTP URL specified", 905, id="url"),
        pytest.param(400, "Bad Request: BUTTON_DATA_INVALID", 905, id="button-data"),
        pytest.param(400, "Bad Request: reply markup is too long", 905, id="keyboard-too-long"),
        pytest.param(400, "Bad Request: VOICE_MESSAGES_FORBIDDEN", 905, id="voice"),
        pytest.param(400, "Bad Request: message can't be edited", 905, id="edit"),
        pytest.param(400, "Bad Request: message to delete not found", 905, id="delete"),
        pytest.param(400, "Bad Request: BUSINESS_PEER_USAGE_MISSING", 905, id="24-hours"),
        pytest.param(400, "Bad Request: BUSINESS_CONNECTION_INVALID", 902, id="business"),
        pytest.param(413, "Request Entity Too Large", 905, id="too-large"),
        pytest.param(403, "Forbidden: something new", 904, id="forbidden-otherwise"),
        pytest.param(400, "Bad Request: something new", 905, id="unknown"),
    ],
)
def test_a_refusal_is_final_and_has_kommos_code(code, description, expected):
    """What cannot succeed is not tried again, and the manager reads a plain sentence."""
    verdict = refusal(code, description)
    assert (verdict.code, verdict.retry) == (expected, False)
    assert verdict.text.endswith(".")
    assert "Bad Request" not in verdict.text


@pytest.mark.parametrize("code", [401, 404, 429])
def test_what_may_pass_is_tried_again(code):
    """A revoked token and a flood say nothing about the message."""
    assert refusal(code, "whatever").retry


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        pytest.param("Bad Request: reply markup is too long", BUTTONS_REFUSED, id="keyboard"),
        pytest.param("Bad Request: text is too long", TOO_LONG, id="text"),
        pytest.param("Bad Request: BUSINESS_PEER_USAGE_MISSING", WINDOW_CLOSED, id="window"),
    ],
)
def test_the_more_exact_reason_is_told(description, expected):
    """Where descriptions share words, the manager reads the one that helps."""
    assert refusal(400, description) == expected


def test_a_revoked_token_has_its_own_code():
    """902 is Kommo's code for an integration that is off."""
    assert refusal(401, "Unauthorized") == BOT_REVOKED
    assert refusal(400, "Bad Request: what nobody has seen yet") == REFUSED
