"""What could not be read is tried again after an upgrade, by the ordinary way of every message."""

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest

from bot.translate.incoming.unreadable import UNREADABLE
from tests.e2e.commands import run_command

ANN = 555
CONVERSATION = "tg:700001:555"
PLACEHOLDER = f"{UNREADABLE}\nwords"
PHOTO = [{"file_id": "FILE1", "file_unique_id": "u", "width": 9, "height": 9}]
UNREADABLE_PHOTO = {"photo": "some picture", "caption": "words"}
SHOTS = [{"type": "photo", "photo": PHOTO}] * 2
PAID = {"paid_media": {"star_count": 5, "paid_media": SHOTS}}
DATE = 1767348000


@pytest.fixture
async def parked(bridge, telegram, kommo, eventually):
    """A client's message that cannot be read, as the manager sees it."""
    telegram.client_sends(dict(UNREADABLE_PHOTO))
    await eventually(
        lambda: (
            CONVERSATION in kommo.conversations and kommo.texts_in(CONVERSATION) == [PLACEHOLDER]
        )
    )


async def upgrade(bridge, **content):
    """Make readable what is parked, as a newer version would, and try it again."""
    for item_id in await asyncio.to_thread(_change, bridge.settings.database, content):
        await run_command("queue", "retry", f"incoming-{item_id}", config=bridge.config)


def _change(file, content):
    """Change what is parked beside the running bridge; return which items those are."""
    question = "SELECT id, payload FROM outbox WHERE kind = 'update' AND state = 'dead'"
    with closing(sqlite3.connect(file, timeout=5)) as connection, connection:
        items = connection.execute(question).fetchall()
        for item_id, payload in items:
            parked = json.loads(payload)
            [kind] = parked["update"].keys() - {"update_id"}
            parked["update"][kind] |= {
                "photo": None,
                "caption": None,
                **(content or {"text": "words"}),
            }
            changed = (json.dumps(parked), item_id)
            connection.execute("UPDATE outbox SET payload = ? WHERE id = ?", changed)
    return [item_id for item_id, _payload in items]


async def test_a_retry_shows_every_part_once_in_the_order_of_the_chat(
    parked, bridge, telegram, kommo, eventually
):
    """The placeholder becomes the first part; the others are messages like any other."""
    await upgrade(bridge, **PAID)
    await eventually(lambda: len(kommo.received) == 3)
    await eventually(lambda: kommo.texts_in(CONVERSATION)[0] == "[paid media: 5 stars]")
    await upgrade(bridge)
    telegram.client_says("next")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "next")
    assert [one.content["type"] for one in kommo.received] == [
        "text",
        "picture",
        "picture",
        "text",
    ]
    moments = [one.msec_timestamp for one in kommo.received]
    assert moments == sorted(set(moments))


async def test_a_retry_leaves_the_recovery_of_missed_answers_on(
    bridge, telegram, kommo, eventually
):
    """The parts of a message that was retried are the bridge's own: nobody's answers get lost."""
    clients = range(ANN, ANN + 10)
    for client in clients:
        telegram.client_sends(dict(UNREADABLE_PHOTO), chat_id=client)
    await eventually(lambda: len(kommo.conversations) == len(clients))
    for client in clients:
        await kommo.manager_says("hello", to=f"tg:700001:{client}")
    await eventually(lambda: all(telegram.texts_to(client) == ["hello"] for client in clients))
    await upgrade(bridge, **PAID)
    await eventually(lambda: len(kommo.received) == 3 * len(clients))
    await bridge.stop()
    for client in clients:
        await kommo.manager_says("missed", to=f"tg:700001:{client}")
    await bridge.start()
    await eventually(
        lambda: all(telegram.texts_to(client) == ["hello", "missed"] for client in clients)
    )


async def test_what_is_still_unreadable_stays_parked(parked, bridge, kommo, eventually):
    """A retry too early changes nothing, and says why."""
    await upgrade(bridge, **UNREADABLE_PHOTO)
    rows = json.loads((await run_command("queue", "list", "--json", config=bridge.config))[1])
    await eventually(lambda: kommo.texts_in(CONVERSATION) == [PLACEHOLDER])
    assert len(rows) == 1


async def test_a_later_edit_is_not_undone_by_a_retry(parked, bridge, telegram, kommo, eventually):
    """What the client made of the message meanwhile is newer than what was parked."""
    [message_id] = [one["message_id"] for one in telegram.seen_by(ANN)]
    edited = {"message_id": message_id, "date": DATE, "edit_date": DATE + 60, "text": "better"}
    chat, user = telegram.peers[ANN].chat(), telegram.peers[ANN].user()
    telegram.push({"edited_message": {**edited, "chat": chat, "from": user}})
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["better"])
    await upgrade(bridge)
    telegram.client_says("next")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["better", "next"])


async def test_an_unreadable_event_is_parked_without_a_word(bridge, telegram, kommo, caplog, ann):
    """Of a reaction, a member's state or a press that cannot be read, only the log speaks."""
    chat, user = telegram.add_person(ANN).chat(), telegram.peers[ANN].user()
    for event in (
        {"message_reaction": {"chat": chat, "user": user}},
        {"my_chat_member": {"chat": chat, "from": user, "new_chat_member": {"status": "ghost"}}},
        {"callback_query": {"from": user, "data": "x"}},
    ):
        telegram.push(event)
    await ann.says("Hi")
    assert kommo.texts_in(CONVERSATION) == ["Hi"]
    assert caplog.text.count("it is kept, see `queue list`") == 3


async def test_an_edit_of_an_unknown_message_is_shown_once_and_can_be_edited(
    bridge, telegram, kommo, eventually, ann
):
    """The message itself expired while the bridge was off: its edit is what is left of it."""
    await ann.says("Hi")
    await bridge.stop()
    message_id = telegram.client_says("expired")
    telegram.bot(None).updates.clear()
    telegram.client_edits(message_id, "a typo")
    await bridge.start()
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["Hi", "a typo"])
    telegram.client_edits(message_id, "no typo")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["Hi", "no typo"])
    assert len(kommo.received) == 2


async def test_an_edited_command_of_a_stranger_makes_no_lead(bridge, telegram, kommo, eventually):
    """Operators correct their commands too."""
    message_id = telegram.client_says("/status")
    telegram.bot(None).updates.clear()
    telegram.client_edits(message_id, "/state")
    telegram.client_says("Hi", chat_id=777)
    await eventually(lambda: "tg:700001:777" in kommo.conversations)
    assert list(kommo.conversations) == ["tg:700001:777"]
