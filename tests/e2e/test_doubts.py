"""Which database this is: where that is in doubt, nothing is sent twice and nothing is lost."""

import shutil

import pytest

from bot.receive.catch_up.schedule import CatchUpPace
from storage.database import Database
from storage.location import HEARTBEAT

QUICK = CatchUpPace(every_s=0.1, grace_s=0.0)
CLIENTS = range(555, 560)


def name(client):
    """Return our id of a client's conversation."""
    return f"tg:700001:{client}"


@pytest.fixture
async def talking(bridge, telegram, kommo, eventually):
    """A bridge with some clients who have written; the next start looks quickly."""
    for client in CLIENTS:
        telegram.client_says("hi", chat_id=client, name=f"Client {client}")
    await eventually(lambda: len(kommo.conversations) == len(CLIENTS))
    first = await kommo.manager_says("hello", to=name(CLIENTS[0]))
    await eventually(lambda: kommo.statuses_of(first) == [1])
    bridge.options["pace"] = QUICK
    return bridge


async def missed_by_all(kommo):
    """Have something written to each client that no hook tells."""
    return [await kommo.manager_says("missed", to=name(client), hook=False) for client in CLIENTS]


def last_texts(telegram):
    """Return what each client read last."""
    return [(telegram.texts_to(client) or [None])[-1] for client in CLIENTS]


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 32, b"\xff\xfe", b"2026-03-0"], ids=["empty", "zeros", "odd", "torn"]
)
async def test_a_damaged_sign_of_life_is_no_sign_of_a_copy(
    talking, telegram, kommo, eventually, content
):
    """After a power cut everything that was written meanwhile is read back and sent."""
    await talking.stop()
    await missed_by_all(kommo)
    talking.settings.location.beside(HEARTBEAT).write_bytes(content)
    await talking.start()
    await eventually(lambda: last_texts(telegram) == ["missed"] * len(CLIENTS))


async def test_without_a_sign_of_life_a_person_decides(
    talking, telegram, kommo, eventually, command
):
    """A database that was moved: what is not known is listed, told to the manager, and kept."""
    await talking.stop()
    ids = await missed_by_all(kommo)
    talking.settings.location.beside(HEARTBEAT).unlink()
    await talking.start()
    await eventually(lambda: [kommo.statuses_of(one) for one in ids] == [[-1]] * len(ids))
    assert kommo.account.message(ids[0]).statuses[-1].error_code == 903
    assert last_texts(telegram) == ["hello", None, None, None, None]
    code, listed, _errors = await command("queue", "list")
    assert (code, listed.count("may have been delivered")) == (0, len(ids))
    (item_id, *_rest) = [item.id for item in await dead(talking)]
    assert (await command("queue", "retry", f"outgoing-{item_id}"))[0] == 0
    await eventually(lambda: "missed" in last_texts(telegram))
    assert last_texts(telegram).count("missed") == 1


async def dead(bridge):
    """Return the dead items of the inbox."""
    async with Database.open(bridge.settings.database) as database, database.snapshot() as found:
        return await found.to_telegram.list_items(states=("dead",), limit=10)


async def test_one_unknown_message_costs_nobody_elses_answers(
    talking, telegram, kommo, eventually
):
    """A message that Kommo has and this database does not puts its own conversation in doubt."""
    await talking.stop()
    await forget_a_message(talking, CLIENTS[1])
    ids = await missed_by_all(kommo)
    await talking.start()
    await eventually(lambda: last_texts(telegram).count("missed") >= len(CLIENTS) - 1)
    others = [one for number, one in enumerate(ids) if number != 1]
    await eventually(lambda: [kommo.statuses_of(one) for one in others] == [[1]] * len(others))
    await eventually(lambda: kommo.statuses_of(ids[1]) in ([1], [-1]))


async def forget_a_message(bridge, client):
    """Let the database not know a client's message."""
    async with (
        Database.open(bridge.settings.database) as database,
        database.transaction() as tx,
    ):
        session = tx.messages._session
        for table, column in (("messages", "external_id"), ("outbox", "dedupe_key")):
            await session.rows(
                f"DELETE FROM {table} WHERE {column} LIKE :id", {"id": f"{name(client)}:%"}
            )


async def test_a_copy_of_everything_repeats_nothing_to_anybody(
    talking, telegram, kommo, eventually, tmp_path
):
    """Two conversations that show it are enough for those that do not."""
    await talking.stop()
    folder = talking.settings.database.parent
    names = [file.name for file in folder.glob("*.sqlite3*")]
    for one in names:
        shutil.copy(folder / one, tmp_path / f"copy of {one}")
    await talking.start()
    ids = [await kommo.manager_says("since", to=name(client)) for client in CLIENTS]
    await eventually(lambda: [kommo.statuses_of(one) for one in ids] == [[1]] * len(ids))
    for client in CLIENTS[:3]:
        telegram.client_says("news?", chat_id=client)
        await eventually(lambda one=client: kommo.texts_in(name(one))[-1] == "news?")
    await talking.stop()
    for one in names:
        shutil.copy(tmp_path / f"copy of {one}", folder / one)
    await talking.start()
    await eventually(lambda: [kommo.statuses_of(one)[-1] for one in ids[:3]] == [-1] * 3)
    lost = await kommo.manager_says("lost", to=name(CLIENTS[0]), hook=False)
    await eventually(lambda: kommo.statuses_of(lost) == [1])
    assert telegram.texts_to(CLIENTS[0]).count("since") == 1


async def test_a_doubt_does_not_outlive_its_time(talking, telegram, kommo, eventually):
    """What is missed by a later stop is sent again, in the same conversation too."""
    await talking.stop()
    await missed_by_all(kommo)
    talking.settings.location.beside(HEARTBEAT).unlink()
    await talking.start()
    await eventually(lambda: len(kommo.calls("history")) > len(CLIENTS))
    await talking.stop()
    ids = [await kommo.manager_says("later", to=name(one), hook=False) for one in CLIENTS]
    await talking.start()
    await eventually(lambda: [kommo.statuses_of(one) for one in ids] == [[1]] * len(ids))
    assert last_texts(telegram) == ["later"] * len(CLIENTS)
