"""`check` names each business account, and the connections are read again at each start."""

import json
import sqlite3
from contextlib import closing

import pytest

OLGA = 999
CHAT = "tg:700001.999:555"


@pytest.fixture
async def connection(bridge, telegram, kommo, eventually):
    """Olga's account, in which Ann has written."""
    made = telegram.owner_connects(OLGA, name="Olga")
    telegram.client_says("hi", connection=made, name="Ann")
    await eventually(lambda: CHAT in kommo.conversations)
    return made


async def accounts(command):
    """Return what `check` says of business accounts: state and text."""
    _code, output, _errors = await command("check", "--offline", "--json")
    rows = json.loads(output)
    return [(row["state"], row["text"]) for row in rows if row["name"] == "business account"]


async def test_check_names_each_account_and_what_is_missing(connection, command):
    """Without the channel's bot, what the owner writes is left out: it says so."""
    assert await accounts(command) == [
        ("ok", "Olga: connected (bot 700001)"),
        ("warning", "what Olga writes on a phone is not shown in Kommo"),
    ]


async def test_a_right_taken_while_the_bridge_was_down_is_noticed(
    connection, bridge, telegram, kommo, command, eventually
):
    """Its update may be lost: at the start, each connection is read again."""
    await bridge.stop()
    telegram.connections[connection].rights = {}
    await bridge.start()
    refused = []

    async def answer():
        refused.append(await kommo.manager_says("Hello", to=CHAT))

    await eventually(lambda: telegram.calls("getBusinessConnection"))
    await answer()
    await eventually(lambda: kommo.statuses_of(refused[0]) == [-1])
    [status] = kommo.manager.message(refused[0]).statuses
    assert status.error_code == 902
    assert (await accounts(command))[0] == (
        "warning",
        "Olga: connected, but the bot may not reply (bot 700001)",
    )


def is_usable(bridge, connection):
    """Tell whether answers can go out through a connection, as far as the bridge knows."""
    with closing(
        sqlite3.connect(f"file:{bridge.settings.database}?mode=ro", uri=True)
    ) as database:
        question = "SELECT is_enabled AND can_reply FROM business_connections "
        [[answer]] = database.execute(f"{question} WHERE connection_id = ?", (connection,))
    return bool(answer)


async def refusal(kommo, eventually):
    """Return the code with which an answer fails."""
    answer = await kommo.manager_says("Hello", to=CHAT)
    await eventually(lambda: kommo.statuses_of(answer) == [-1])
    return kommo.manager.message(answer).statuses[-1].error_code


@pytest.mark.parametrize(
    ("end", "words"),
    [
        pytest.param(
            lambda made, connection: made[connection].rights.clear(),
            "Olga: connected, but the bot may not reply (bot 700001)",
            id="no-right",
        ),
        pytest.param(
            lambda made, connection: made.pop(connection),
            "Olga: no longer connected (bot 700001)",
            id="removed",
        ),
    ],
)
async def test_a_refused_answer_finds_out_how_the_account_is_connected(
    connection, bridge, telegram, kommo, command, eventually, end, words
):
    """No update told of it: the connection is read again, and `check` says the truth."""
    end(telegram.connections, connection)
    before = len(telegram.calls("getBusinessConnection"))
    assert await refusal(kommo, eventually) == 902
    await eventually(lambda: len(telegram.calls("getBusinessConnection")) == before + 1)
    await eventually(lambda: not is_usable(bridge, connection))
    assert (await accounts(command))[0] == ("warning", words)


async def test_an_odd_refusal_does_not_silence_an_account(
    connection, telegram, kommo, command, eventually
):
    """Telegram says that the connection is well: the next answer goes out."""
    body = {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: BUSINESS_CONNECTION_INVALID",
    }
    telegram.faults.fail("sendMessage", status=400, body=body)
    before = len(telegram.calls("getBusinessConnection"))
    assert await refusal(kommo, eventually) == 902
    await eventually(lambda: len(telegram.calls("getBusinessConnection")) == before + 1)
    second = await kommo.manager_says("Hello again", to=CHAT)
    await eventually(lambda: kommo.statuses_of(second) == [1])
    assert (await accounts(command))[0] == ("ok", "Olga: connected (bot 700001)")


@pytest.mark.parametrize("is_lost", [False, True], ids=["told", "update-lost"])
async def test_a_connection_made_while_the_bridge_was_down(
    connection, bridge, telegram, kommo, eventually, is_lost
):
    """Another id, the same conversation; the answer goes through the new one."""
    await bridge.stop()
    telegram.owner_disconnects(connection)
    again = telegram.owner_connects(OLGA, name="Olga")
    if is_lost:  # Telegram keeps updates for a day
        telegram.bot(None).updates.clear()
    telegram.client_says("Still there?", connection=again)
    await bridge.start()
    await eventually(lambda: kommo.texts_in(CHAT) == ["hi", "Still there?"])
    answer = await kommo.manager_says("Yes", to=CHAT)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    assert telegram.calls("sendMessage")[-1].text("business_connection_id") == again
    assert list(kommo.conversations) == [CHAT]


async def test_a_blocked_clients_deletions_are_not_told(
    connection, bridge, telegram, kommo, command, eventually
):
    """Nothing of a blocked client makes a call to Kommo."""
    code, _output, errors = await command("block", "--chat", "555")
    assert (code, errors) == (0, "")
    telegram.client_deletes(1, connection=connection)
    telegram.client_says("hello", connection=connection, chat_id=556, name="Bob")
    await eventually(lambda: "tg:700001.999:556" in kommo.conversations)
    assert kommo.texts_in(CHAT) == ["hi"]
