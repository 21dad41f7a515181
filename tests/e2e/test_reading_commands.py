"""What only reads changes nothing in Kommo."""

import pytest

from bot.receive.catch_up.schedule import CatchUpPace
from tests.e2e.conftest import SCOPE_ID

ANN = 555
CONVERSATION = "tg:700001:555"
WRITING = ("POST", "PATCH", "PUT", "DELETE")


@pytest.fixture
async def unreached(bridge, telegram, kommo, eventually):
    """A client of whom nothing has reached Kommo: it refuses her messages for now."""
    fault = kommo.faults.fail(f"/v2/origin/custom/{SCOPE_ID}", times=None)
    telegram.client_says("hi")
    await eventually(lambda: fault.hits > 0)
    await bridge.stop()
    kommo.faults.remove(fault)
    return CONVERSATION


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("history", CONVERSATION), id="history"),
        pytest.param(("history", CONVERSATION, "--json"), id="history-json"),
        pytest.param(("trace", CONVERSATION), id="trace"),
        pytest.param(("chats", "list"), id="chats"),
        pytest.param(("queue", "list"), id="queue"),
        pytest.param(("history", "555"), id="history-number"),
        pytest.param(("check",), id="check"),
    ],
)
async def test_a_reading_command_makes_no_writing_call(unreached, kommo, command, arguments):
    """A conversation that Kommo does not have is not created by looking for it."""
    before = len(kommo.calls())
    await command(*arguments)
    made = [call for call in kommo.calls()[before:] if call.method in WRITING]
    assert made == []
    assert kommo.conversations == {}


async def test_reading_back_makes_no_chat_of_what_never_reached_kommo(
    unreached, bridge, telegram, kommo, eventually
):
    """There is no history to be read; the others' is."""
    fault = kommo.faults.fail(f"/v2/origin/custom/{SCOPE_ID}", times=None)
    bridge.options["pace"] = CatchUpPace(every_s=0.05, grace_s=0.0)
    await bridge.start()
    await eventually(lambda: fault.hits > 1)
    assert kommo.calls("chats") == []
    assert kommo.conversations == {}


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["text", "json"])
@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("555", f"555 is a Telegram number; its conversation is: {CONVERSATION}"),
        pytest.param("556", "chats list", id="number-of-nobody"),
        pytest.param("tg:700001:556", "neither the bridge nor Kommo knows", id="ours"),
        pytest.param("99999999-8888-4777-8666-555555555555", "neither the bridge", id="kommos"),
        pytest.param("no such thing", "neither the bridge nor Kommo knows", id="words"),
    ],
)
async def test_history_of_what_nobody_knows_is_a_failure(unreached, command, name, words, as_json):
    """One sentence that says what to ask for instead, and exit code 1."""
    code, said, errors = await command("history", name, *as_json)
    assert (code, said, errors.count("\n")) == (1, "", 1)
    assert words in errors


async def test_history_of_a_conversation_without_messages_is_none(unreached, command):
    """The bridge knows it, so that there is nothing to complain about."""
    code, said, errors = await command("history", CONVERSATION)
    assert (code, errors) == (0, "")
    assert "no messages" in said
