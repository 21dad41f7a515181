"""A client blocks the bot or comes back: whether it may write, and what the manager reads."""

import pytest
from aiogram.types import Chat, ChatMemberUpdated

from bot.translate.incoming.messages import is_with_client
from bot.translate.incoming.reachability import BLOCKED, UNBLOCKED, notice, reachability
from kommo.ids import SourceId

ANN = {"id": 555, "is_bot": False, "first_name": "Ann"}
BOT = {"id": 700001, "is_bot": True, "first_name": "Shop"}
PRIVATE = {"id": 555, "type": "private", "first_name": "Ann"}


def change(status, chat=PRIVATE):
    """Return how the bot's place in a chat changed."""
    until = {"until_date": 0} if status == "kicked" else {}
    return ChatMemberUpdated.model_validate(
        {
            "chat": chat,
            "from": ANN,
            "date": 1767348000,
            "old_chat_member": {"user": BOT, "status": "member"},
            "new_chat_member": {"user": BOT, "status": status, **until},
        }
    )


@pytest.mark.parametrize(
    ("status", "is_reachable", "text"),
    [
        pytest.param("kicked", False, BLOCKED, id="blocked"),
        pytest.param("left", False, BLOCKED, id="left"),
        pytest.param("member", True, UNBLOCKED, id="back"),
    ],
)
def test_a_block_and_its_end_are_told(status, is_reachable, text):
    """The bot knows whether it may write, and the manager reads it in the conversation."""
    told = reachability(change(status), bot_id=700001)
    assert told is not None
    assert (told.address.conversation_id, told.is_reachable) == ("tg:700001:555", is_reachable)
    shown = notice(told, update_id=9, source_id=SourceId("sales"), language="en")
    assert (shown.content.text, shown.external_id) == (text, "tg:700001:555:notice:9")
    assert shown.silent


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
def test_groups_and_channels_are_no_clients(kind):
    """Only one person's chat with the bot is bridged."""
    chat = {"id": -100555, "type": kind, "title": "Friends"}
    assert reachability(change("kicked", chat), bot_id=700001) is None
    assert not is_with_client(Chat.model_validate(chat))
    assert is_with_client(Chat.model_validate(PRIVATE))
