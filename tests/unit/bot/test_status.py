"""What Telegram's refusals mean, and what the manager reads."""

import pytest

from bot.translate.status import BOT_REVOKED, REFUSED, refusal


@pytest.mark.parametrize(
    ("code", "description", "expected"),
    [
        pytest.param(403, "Forbidden: bot was blocked by the user", 905, id="blocked"),
        pytest.param(403, "Forbidden: user is deactivated", 904, id="deactivated"),
        pytest.param(
            403, "Forbidden: bot can't initiate conversation with a user", 904, id="never-started"
        ),
        pytest.param(400, "Bad Request: chat not found", 904, id="no-chat"),
        pytest.param(400, "Bad Request: PEER_ID_INVALID", 904, id="no-peer"),
        pytest.param(400, "Bad Request: message text is empty", 905, id="empty"),
        pytest.param(400, "Bad Request: message is too long", 905, id="too-long"),
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


def test_a_revoked_token_has_its_own_code():
    """902 is Kommo's code for an integration that is off."""
    assert refusal(401, "Unauthorized") == BOT_REVOKED
    assert refusal(400, "Bad Request: what nobody has seen yet") == REFUSED
