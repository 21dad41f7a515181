"""Which messages are none of the client's words, and call nobody."""

from datetime import UTC, datetime

import pytest
from aiogram.enums import ContentType
from aiogram.types import Chat, Message, User

from bot.translate.incoming import starts
from bot.translate.incoming.contents import MEDIA, READERS
from bot.translate.incoming.messages import client_message
from bot.translate.incoming.notices import QUIET, SAID, SILENT, is_quiet

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
UNDECIDED = {"any", "unknown"}
"""What a message without a known kind has: the last tests are about it."""


def message(**content):
    """Return a client's message with this content."""
    ann = User(id=555, is_bot=False, first_name="Ann")
    return Message(
        message_id=1, date=NOON, chat=Chat(id=555, type="private"), from_user=ann, **content
    )


def test_every_kind_of_message_is_decided():
    """A kind that comes with a newer library is said, quiet or left out, and only one of them."""
    kinds = {kind.value for kind in ContentType} - UNDECIDED
    assert kinds == QUIET | SAID | SILENT
    assert len(kinds) == len(QUIET) + len(SAID) + len(SILENT)
    assert {*MEDIA, *READERS} <= SAID


@pytest.mark.parametrize(
    ("content", "quiet"),
    [
        pytest.param({"text": "Hi"}, False, id="text"),
        pytest.param({"write_access_allowed": {}}, True, id="may-write"),
        pytest.param({"connected_website": "example.com"}, True, id="logged-in"),
        pytest.param({"group_chat_created": True}, True, id="a-service-message"),
        pytest.param(
            {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
            True,
            id="timer",
        ),
        pytest.param({"boost_added": {"boost_count": 1}}, True, id="boost"),
        pytest.param(
            {"web_app_data": {"data": "x", "button_text": "Order"}}, False, id="web-app-data"
        ),
        pytest.param({"something_new": {"x": 1}}, False, id="perhaps-content"),
        pytest.param({}, True, id="nothing-at-all"),
    ],
)
def test_what_the_client_did_not_say_is_silent(content, quiet):
    """Telegram's own news of the chat makes no lead; what may be the client's words does."""
    shown = message(**content)
    told = client_message(
        shown, bot_id=7, source_id=None, media_url=lambda file: f"https://x/{file.name}"
    )
    assert is_quiet(shown) is quiet
    assert told is not None
    assert [payload.silent for payload in told.payloads] == [quiet]


@pytest.mark.parametrize(
    ("line", "has_spoken", "quiet"),
    [
        pytest.param("/start", False, False, id="plain"),
        pytest.param("/start", True, False, id="plain-again"),
        pytest.param("Opened link: summer", False, True, id="by-a-link"),
        pytest.param("Opened link: summer", True, False, id="back-by-a-link"),
        pytest.param("[Opened an invitation link.]", False, True, id="invited"),
        pytest.param("[Opened an invitation link.]", True, False, id="back-by-an-invitation"),
    ],
)
def test_where_somebody_came_from_is_silent_until_they_speak(line, has_spoken, quiet):
    """A plain start is what the client sent; a link's name is not."""
    assert starts.is_quiet(line, has_spoken=has_spoken) is quiet
