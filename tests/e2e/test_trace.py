"""`trace` and `queue list`: an operator learns what happened to one message, and what to do."""

import json

import pytest

from tests.e2e.commands import run_command

ANN = 555
CONVERSATION = "tg:700001:555"


@pytest.fixture
def traced(config):
    """Run `trace ID --json`; return its document."""

    async def run(name):
        code, output, errors = await run_command("trace", name, "--json", config=config)
        assert (code, errors) == (0, "")
        return json.loads(output)

    return run


def steps(document):
    """Return the names of the steps."""
    return [step["step"] for step in document["steps"]]


def statuses(document):
    """Return the delivery statuses of a trail."""
    return [step["status"] for step in document["steps"] if step["step"] == "status"]


async def wait_for_end(traced, name, step):
    """Return a trail once it has a step: it is on disk a moment after the other side saw it."""
    for _attempt in range(500):
        document = await traced(name)
        if step in steps(document):
            return document
    return pytest.fail(f"no {step} in {document}")


async def test_a_managers_message_can_be_followed_by_every_id(
    bridge, telegram, kommo, traced, eventually, ann
):
    """Whichever side's id is given, the way is the same: received, attempts, sent, statuses."""
    await ann.says("hi")
    telegram.faults.fail("sendMessage", status=502)
    message_id = await kommo.manager_says("hello", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    telegram.client_says("thanks")
    await eventually(lambda: kommo.statuses_of(message_id) == [1, 2])
    document = await wait_for_end(traced, message_id, "sent")
    while statuses(document) != [1, 2]:  # the last one is on disk a moment after Kommo has it
        document = await traced(message_id)
    (number,) = document["telegram_message_ids"]
    assert (document["direction"], document["conversation_id"]) == ("outgoing", CONVERSATION)
    assert document["kommo_message_id"] == message_id
    assert steps(document)[:3] == ["written", "received", "stored"]
    attempts = [step for step in document["steps"] if step["step"] == "attempt"]
    assert [attempt["outcome"] for attempt in attempts] == ["retry_later", "delivered"]
    assert "Telegram failed" in attempts[0]["reason"]
    assert "part" in steps(document)
    moments = [step["at"] for step in document["steps"]]
    assert moments == sorted(moments)
    names = [f"{ANN}/{number}", f"700001/{ANN}/{number}", f"{CONVERSATION}:{number}"]
    for name in (*names, document["item"]):
        other = await traced(name)
        assert other["steps"] == document["steps"], name


async def test_a_clients_message_can_be_followed(bridge, kommo, traced, ann):
    """Our id, Kommo's, Telegram's and the conversation lead to the same way."""
    await ann.says("hi")
    (message,) = kommo.messages_in(CONVERSATION)
    document = await wait_for_end(traced, message.msgid, "sent")
    assert steps(document) == ["written", "received", "stored", "attempt", "sent"]
    assert document["kommo_message_id"] == message.id
    number = message.msgid.rpartition(":")[2]
    for name in (message.id, CONVERSATION, f"{ANN}/{number}", document["item"]):
        other = await traced(name)
        assert other["steps"] == document["steps"], name


async def test_a_conversation_leads_to_its_newest_message_whatever_became_of_it(
    bridge, telegram, kommo, traced, eventually, command, ann
):
    """Also one that was not delivered, that waits, or that was given up; then a newer one."""
    await ann.says("hi")
    assert (await traced(CONVERSATION))["direction"] == "incoming"
    telegram.client_blocks(ANN)
    refused = await kommo.manager_says("refused", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(refused) == [-1])
    document = await traced(CONVERSATION)
    assert document["kommo_message_id"] == refused
    assert "dead" in steps(document)
    await command("queue", "drop", document["item"], "--yes")
    assert "dropped" in steps(await traced(CONVERSATION))
    telegram.client_unblocks(ANN)
    telegram.client_says("back")
    await eventually(lambda: "back" in kommo.texts_in(CONVERSATION))
    telegram.is_down = True
    waiting = await kommo.manager_says("waits", to=CONVERSATION)
    document = await wait_for_end(traced, CONVERSATION, "waits")
    assert document["kommo_message_id"] == waiting
    telegram.is_down = False
    await eventually(lambda: telegram.texts_to(ANN) == ["waits"])
    telegram.client_says("thanks")
    await eventually(lambda: "thanks" in kommo.texts_in(CONVERSATION))
    assert (await traced(CONVERSATION))["direction"] == "incoming"


async def test_steps_stand_in_the_order_of_cause_and_effect(
    bridge, kommo, traced, eventually, ann
):
    """What Telegram shows, dated in whole seconds, comes after the attempt that sent it."""
    await ann.says("hi")
    message_id = await kommo.manager_says("hello", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    await wait_for_end(traced, message_id, "status")
    document = await wait_for_end(traced, message_id, "sent")
    assert steps(document) == [
        "written",
        "received",
        "stored",
        "part",
        "attempt",
        "sent",
        "status",
    ]


async def test_the_way_is_told_in_words(bridge, config, telegram, kommo, eventually, ann):
    """On a terminal each step is a line with its time; a failure comes with its remedy."""
    await ann.says("hi")
    telegram.client_blocks(ANN)
    message_id = await kommo.manager_says("hello?", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [-1])
    code, output, _ = await run_command("trace", message_id, config=config)
    assert code == 0
    assert "outgoing message" in output
    assert "received from Kommo" in output
    assert "attempt 1 failed for good" in output
    assert "given up: The client has blocked the bot." in output
    assert "kommo-telegram queue retry outgoing-" in output
    code, output, _ = await run_command("queue", "list", "--json", config=config)
    # the status of the failure, which Kommo has just got, may still be listed for a moment
    (row,) = [row for row in json.loads(output) if row["state"] == "dead"]
    assert (
        row["remedy"]
        == f"wait until the client writes again, then: kommo-telegram queue retry {row['id']}"
    )
    code, output, _ = await run_command("queue", "list", config=config)
    assert f"action: {row['remedy']}" in output
    assert "reason: The client has blocked the bot." in output
    await run_command("queue", "drop", row["id"], "--yes", config=config)
    code, output, _ = await run_command("trace", row["id"], config=config)
    assert "dropped by the operator" in output


@pytest.mark.parametrize(
    "name",
    ["outgoing-99", "nonsense", "1/2", "1/2/3", "tg:700001:9", "tg:700001:9:9", "1/x", "1/2/3/4"],
)
async def test_an_id_of_nothing_is_a_readable_line(bridge, config, name):
    """What is not kept is said so, with the ids that could be given."""
    code, output, errors = await run_command("trace", name, "--json", config=config)
    assert (code, output) == (1, "")
    assert repr(name) in errors
    assert "Traceback" not in errors


async def test_what_waits_is_told_too(bridge, telegram, kommo, traced, eventually, ann):
    """While a message waits, its trail says for what, and for which earlier one."""
    await ann.says("hi")
    telegram.is_down = True
    first = await kommo.manager_says("first", to=CONVERSATION)
    second = await kommo.manager_says("second", to=CONVERSATION)
    document = await wait_for_end(traced, first, "attempt")
    assert steps(document)[-1] == "waits" or "waits" in steps(document)
    document = await traced(second)
    assert [step["text"] for step in document["steps"]][-1] == "waits behind an earlier message"
    telegram.is_down = False
    await eventually(lambda: telegram.texts_to(ANN) == ["first", "second"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["trace", "outgoing-1"],
        ["queue", "list"],
        ["queue", "list", "--json"],
        ["queue", "retry"],
        ["queue", "drop", "outgoing-1", "--yes"],
        ["chats", "list"],
        ["forget", "--chat", "555", "--yes"],
    ],
    ids=" ".join,
)
async def test_a_question_makes_no_database(config, arguments):
    """Before the first start there is no database, and asking does not make an empty one."""
    code, output, errors = await run_command(*arguments, config=config)
    assert (code, output) == (1, "")
    assert "there is no database at" in errors
    assert list(config.parent.glob("*.sqlite3*")) == []


@pytest.mark.parametrize(
    ("arguments", "code"), [(("connect",), 0), (("history", "tg:700001:555"), 1)]
)
async def test_asking_kommo_makes_no_database(config, kommo, arguments, code):
    """What a command does in Kommo needs nothing of ours, and leaves nothing that is root's."""
    assert (await run_command("connect", config=config))[0] == 0
    assert (await run_command(*arguments, config=config))[0] == code
    assert list(config.parent.glob("*.sqlite3*")) == []


async def test_check_makes_no_database(config, monkeypatch):
    """`check` says that the first start makes it, and fails when it could not.

    The folder of the installed service is made by systemd, at its first start.
    """
    code, output, _ = await run_command("check", config=config)
    assert code == 0
    assert "is not there yet: the first `run` makes it" in output
    assert list(config.parent.glob("*.sqlite3*")) == []
    text = config.read_text(encoding="utf-8")
    config.write_text(text + '\n[storage]\npath = "gone/b.sqlite3"\n', encoding="utf-8")
    code, output, _ = await run_command("check", "--offline", config=config)
    assert code == 1
    assert "cannot be made" in output
    monkeypatch.setenv("STATE_DIRECTORY", str(config.parent / "gone"))
    code, output, _ = await run_command("check", "--offline", config=config)
    assert code == 0
    assert "the service's first start makes it" in output
