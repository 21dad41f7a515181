"""The channel and its conversations by command: connect, list, read, erase."""

import io
import json
import sys

import pytest

from .conftest import ACCOUNT_ID, Bridge

CONVERSATION = "tg:700001:555"


@pytest.fixture
def with_token(config, kommo):
    """Settings that name a token in the place of the account."""

    def write(token):
        text = config.read_text(encoding="utf-8").replace(
            f'account_id = "{ACCOUNT_ID}"',
            f'access_token = "{token}"\napi_url = "{kommo.url}"',
        )
        config.write_text(text, encoding="utf-8")

    return write


@pytest.fixture
async def said(bridge, telegram, kommo, eventually):
    """A conversation with three messages in Kommo."""
    for text in ("one", "two", "three"):
        telegram.client_says(text)
    await eventually(lambda: len(kommo.received) == 3)
    return CONVERSATION


async def test_the_channel_is_connected_and_disconnected_by_command(command, kommo):
    """Connecting twice is harmless; disconnecting is a matter of one confirmation."""
    assert (await command("connect"))[0] == 0
    assert (await command("connect"))[0] == 0
    assert kommo.is_connected
    code, output, _ = await command("disconnect", "--yes")
    assert (code, kommo.is_connected) == (0, False)
    assert "next start connects again" in output


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        pytest.param(403, "check kommo.channel_id", id="refused"),
        pytest.param(503, "Kommo has an outage", id="outage"),
    ],
)
async def test_what_kommo_does_not_do_is_said_with_what_to_do(command, kommo, status, remedy):
    """Each command that asks the channel for something, in one line."""
    kommo.faults.fail("/v2/origin/custom/*", status=status, times=None)
    for arguments in (["connect"], ["disconnect", "--yes"], ["history", "tg:700001:555"]):
        code, output, errors = await command(*arguments)
        assert (code, output) == (1, "")
        assert remedy in errors
        assert errors.count("\n") == 1


async def test_the_account_is_looked_up_once(
    with_token, config, telegram, kommo, eventually, command
):
    """With a token, messages cross without account_id; later starts need no REST call."""
    with_token(kommo.access_token)
    bridge = Bridge(config)
    await bridge.start()
    try:
        telegram.client_says("hello")
        await eventually(lambda: [m.text for m in kommo.received] == ["hello"])
        kommo.faults.fail("/api/v4/*", status=500, times=None)
        await bridge.restart()
        telegram.client_says("again")
        await eventually(lambda: [m.text for m in kommo.received] == ["hello", "again"])
    finally:
        await bridge.stop()


async def test_a_wrong_token_is_named_with_its_remedy(with_token, command):
    """A refused lookup ends the command with what to do, and never with the token."""
    with_token("fake-expired-token")
    code, _, errors = await command("connect")
    assert code == 1
    assert "make a new one" in errors
    assert "fake-expired-token" not in errors


async def test_conversations_are_listed_for_people_and_programs(said, command):
    """`chats list` shows who wrote, `--json` prints one document."""
    _, output, _ = await command("chats", "list", "--json")
    [row] = json.loads(output)
    assert (row["conversation_id"], row["chat_id"], row["bot"]) == (said, 555, "700001")
    assert row["name"] in (await command("chats", "list"))[1]


async def test_history_is_read_by_either_sides_id(said, command, kommo):
    """History is newest first, as long as asked for, in Kommo's own fields."""
    _, output, _ = await command("history", said, "--limit", "2", "--json")
    assert [row["message"]["text"] for row in json.loads(output)] == ["three", "two"]
    kommo_id = kommo.conversations[said].id
    _, lines, _ = await command("history", kommo_id)
    assert [line.rpartition(" ")[2] for line in lines.splitlines()] == ["three", "two", "one"]


async def test_a_long_history_is_read_page_by_page(bridge, telegram, kommo, command, eventually):
    """More than Kommo gives at once arrives whole, in order, none twice."""
    said = [f"message {number}" for number in range(60)]
    for text in said:
        telegram.client_says(text)
    await eventually(lambda: len(kommo.received) == len(said))
    _, output, _ = await command("history", CONVERSATION, "--limit", "58", "--json")
    assert [row["message"]["text"] for row in json.loads(output)] == said[:1:-1]


async def test_a_forgotten_client_leaves_nothing_behind(said, bridge, command, config):
    """After `forget` the database knows neither the chat nor its name."""
    _, before, _ = await command("chats", "list", "--json")
    name = json.loads(before)[0]["name"]
    code, output, _ = await command("forget", "--chat", "555", "--yes")
    assert (code, said in output) == (0, True)
    assert json.loads((await command("chats", "list", "--json"))[1]) == []
    await bridge.stop()
    kept = b"".join(path.read_bytes() for path in config.parent.glob("*.sqlite3*"))
    assert name.encode() not in kept


async def test_an_unknown_chat_cannot_be_forgotten(bridge, command):
    """A number that nobody has is an error that says where to look."""
    code, _, errors = await command("forget", "--chat", "4242", "--yes")
    assert code == 1
    assert "chats list" in errors


async def test_a_hostile_name_breaks_no_command(bridge, telegram, kommo, eventually, command):
    """What a client is called is text: no markup, no second line, no command to the terminal."""
    name = "[/b][link=https://evil.example]Ann\x1b]0;owned\x07\x9b31m\nBob\tEve"
    telegram.client_says("one\x1b[2Jtwo\nthree", name=name)
    await eventually(lambda: kommo.texts_in("tg:700001:555"))
    for arguments in (["chats", "list"], ["history", "tg:700001:555"]):
        code, output, errors = await command(*arguments)
        assert (code, errors) == (0, "")
        assert len(output.splitlines()) == 1
        assert "[/b][link=https://evil.example]Ann" in output
        assert not any(char in output for char in "\x1b\x07\x9b")
    rows = json.loads((await command("chats", "list", "--json"))[1])
    assert rows[0]["name"].startswith("[/b][link=https://evil.example]Ann")


HOSTILE = "[/b][link=https://evil.example]Ann\x1b]0;owned\x07\x9b31m\u202e"
REFUSAL = {"ok": False, "error_code": 400, "description": f"Bad Request: {HOSTILE}"}
PRINTING = {
    "queue": ["queue", "list"],
    "trace": ["trace", "tg:700001:555"],
    "chats": ["chats", "list"],
    "history": ["history", "tg:700001:555"],
    "sources": ["sources", "list"],
    "templates": ["templates", "list"],
    "check": ["check"],
    "drop": ["queue", "drop", "outgoing-1"],
    "forget": ["forget", "--chat", "555"],
}


@pytest.mark.parametrize("is_json", [False, True], ids=["text", "json"])
async def test_what_came_from_outside_is_text_in_every_command(
    bridge, telegram, kommo, eventually, command, config, monkeypatch, is_json
):
    """Names, words, reasons and what Kommo lists reach the terminal as text."""
    telegram.bots[700001].username = HOSTILE
    kommo.account.sources.append({"id": 1, "external_id": HOSTILE, "name": HOSTILE})
    kommo.account.templates.append({"id": 1, "external_id": HOSTILE, "name": HOSTILE})
    access = f'[kommo]\napi_url = "{kommo.url}"\naccess_token = "{kommo.access_token}"'
    config.write_text(config.read_text().replace("[kommo]", access))
    telegram.client_says(HOSTILE, name=HOSTILE)
    await eventually(lambda: kommo.texts_in("tg:700001:555"))
    telegram.faults.fail("sendMessage", status=400, body=REFUSAL, times=None)
    answer = await kommo.manager_says(HOSTILE, to="tg:700001:555")
    await eventually(lambda: kommo.statuses_of(answer) == [-1])
    monkeypatch.setattr(sys, "stdin", io.StringIO("n\nn\n"))
    for name, arguments in PRINTING.items():
        asked = name in {"drop", "forget"}
        if is_json and asked:
            continue
        code, output, errors = await command(*arguments, *(["--json"] if is_json else []))
        said = output + errors
        assert (name, code) == (name, 1 if asked else 0), said
        assert said.strip(), name
        assert not any(char in said for char in "\x1b\x07\x9b\u202e"), (name, said)
