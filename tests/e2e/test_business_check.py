"""`check` names each business account, and the connections are read again at each start."""

import json

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
