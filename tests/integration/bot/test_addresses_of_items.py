"""Whose item it is: by its own id, by Kommo's, by a phone number; and where groups went."""

import pytest

from bot.deliver.telegram.addresses import Addresses, MovedError
from bot.deliver.telegram.errors import NotSentError
from bot.deliver.telegram.items import event_of
from bot.translate.outgoing import refusals
from storage.conversations import Conversation
from storage.database import Database
from storage.facts import moved_key
from tests.outgoing import ANN, BOT_ID, NOON, claim, says

PHONE = "+5511912345678"
STARTED = {"id": "started-chat"}


@pytest.fixture
async def database(tmp_path):
    """A database that knows a client and her number."""
    async with Database.open(tmp_path / "bridge.sqlite3", now=lambda: NOON) as opened:
        async with opened.transaction() as tx:
            await tx.conversations.remember(
                Conversation(ANN, BOT_ID, 555, "Ann", NOON, phone=PHONE)
            )
        yield opened


@pytest.fixture
def addresses(database):
    """Where conversations take place."""
    return Addresses(database, sources={BOT_ID: None}, region="BR")


async def of(addresses, item):
    """Return where an item leads to."""
    return await addresses.of(event_of(item), item)


async def test_an_items_own_id_says_it_all(addresses, database):
    """Even with an empty database an answer finds its way."""
    item = await claim(database, says("hello"), conversation_id="tg:700001:999")
    address = await of(addresses, item)
    assert (address.bot_id, address.chat_id) == (BOT_ID, 999)


async def test_kommos_chat_leads_to_its_conversation(addresses, database):
    """The item, and what waits beside it, moves into that conversation's order."""
    async with database.transaction() as tx:
        await tx.conversation_chats.save("kommo-chat", ANN, None, alias=ANN, now=NOON)
    payload = says("hello", conversation={"id": "kommo-chat"})
    item = await claim(database, payload, conversation_id=None)
    with pytest.raises(MovedError):
        await of(addresses, item)
    async with database.snapshot() as snapshot:
        moved = await snapshot.to_telegram.get(item.id)
    assert (moved.ordering_key, moved.conversation_id) == (ANN, ANN)


@pytest.mark.parametrize("written", [PHONE, "11 91234-5678", "(11) 91234 5678"])
async def test_a_manager_who_writes_first_finds_the_number(addresses, database, written):
    """However it is written; and Kommo's new chat is known as the client's from here on."""
    payload = says("hello", conversation=STARTED, receiver={"id": "r", "phone": written})
    item = await claim(database, payload, conversation_id=None)
    with pytest.raises(MovedError):
        await of(addresses, item)
    async with database.snapshot() as snapshot:
        started = await snapshot.conversation_chats.newest_started(ANN)
    assert (started.kommo_chat_id, started.state) == ("started-chat", "open")


@pytest.mark.parametrize(
    ("receiver", "expected"),
    [
        ({"id": "r", "phone": "+5511900000000"}, refusals.UNKNOWN_NUMBER),
        ({"id": "r"}, refusals.NO_NUMBER),
    ],
)
async def test_nobody_is_guessed(addresses, database, receiver, expected):
    """The manager reads what is missing."""
    payload = says("hello", conversation=STARTED, receiver=receiver)
    item = await claim(database, payload, conversation_id=None)
    with pytest.raises(NotSentError) as refused:
        await of(addresses, item)
    assert refused.value.verdict == expected


async def test_where_a_group_went_is_stored(addresses, database):
    """Its conversation stays; the calls go to the new chat."""
    item = await claim(database, says("hello"), conversation_id="tg:700001:-77")
    assert await addresses.note_moved(item, -1000077)
    async with database.snapshot() as snapshot:
        assert await snapshot.facts.get(moved_key(BOT_ID, -77)) == "-1000077"
