"""Our identifiers: made and read in one place, and the same in every call."""

import pytest

from bot.translate.ids import (
    ChatAddress,
    parse_conversation,
    parse_lane,
    parse_message,
    participant_id,
    quote,
)
from kommo.models import Quote


@pytest.mark.parametrize(
    ("address", "conversation"),
    [
        pytest.param(ChatAddress(700001, 555), "tg:700001:555", id="private-chat"),
        pytest.param(ChatAddress(700001, -100555), "tg:700001:-100555", id="negative-id"),
        pytest.param(ChatAddress(700001, 555, 999), "tg:700001.999:555", id="business-account"),
    ],
)
def test_a_conversation_id_names_bot_and_chat_and_is_read_back(address, conversation):
    """An answer finds its way by the id alone, even when the database was lost."""
    assert address.conversation_id == conversation
    assert parse_conversation(conversation) == address
    assert parse_message(address.message_id(42)) == (address, 42)
    assert parse_message(address.message_id(42, part=2)) == (address, 42)
    assert address.message_id(42, part=2) == f"{conversation}:42:2"


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"tg:1:{1 << 60}",
        "tg:",
        "tg:1",
        "tg:a:1",
        "wa:1:2",
        "tg:1:2:3",
        "tg:1:2 ",
        "tg:１:2",
        "tg:1:2\n",
    ],
)
def test_what_is_not_ours_is_not_read_as_ours(text):
    """Ids of other integrations, or broken ones, name no chat."""
    assert parse_conversation(text) is None


@pytest.mark.parametrize(
    "text", ["", "tg:1:2", "tg:1:2:x", "tg:1:2:3:4:5", f"tg:1:2:{1 << 52}", "other"]
)
def test_what_is_no_message_of_ours_is_not_read_as_one(text):
    """A conversation's id, or anything else, is no message."""
    assert parse_message(text) is None


def test_a_participant_is_named_by_the_telegram_user():
    """The same person has the same id with every bot."""
    assert participant_id(555) == "tg:555"


def test_a_quote_names_the_message_by_our_id_if_it_has_one():
    """Kommo finds either; ours comes first."""
    assert quote("tg:1:2:3", "kommo") == Quote(external_id="tg:1:2:3")
    assert quote(None, "kommo") == Quote(kommo_message_id="kommo")


def test_an_id_that_is_none_of_telegrams_is_refused():
    """What no database could keep is not taken for a message of a chat."""
    with pytest.raises(ValueError, match="52 bits"):
        ChatAddress(700001, 555).message_id(1 << 70)


@pytest.mark.parametrize(
    ("lane", "read"),
    [
        pytest.param("tg:700001:now", (700001, "now"), id="urgent"),
        pytest.param("tg:700001.999:", (700001, ""), id="ordinary"),
        pytest.param("", None, id="of-no-bot"),
        pytest.param("tg:1", None, id="other"),
    ],
)
def test_a_lane_names_bot_and_urgency(lane, read):
    """What has to be done for one bot is told apart by how soon it is waited for."""
    assert parse_lane(lane) == read
