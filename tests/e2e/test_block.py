"""Blocked clients: nothing reaches Kommo, one line in `trace`, and answers that go out or not."""

import json

import pytest

from tests.e2e.commands import run_command

ANN, BOB, BOSS = 555, 556, 900
CONVERSATION = "tg:700001:555"


@pytest.fixture
def operators(config):
    """The settings, with an operators' chat."""
    text = config.read_text("utf-8")
    config.write_text(f"{text}\n[operators]\nchat_ids = [{BOSS}]\n", encoding="utf-8")


async def run(config, *words):
    """Run a command that succeeds; return what it says."""
    code, output, errors = await run_command(*words, config=config)
    assert (code, errors) == (0, "")
    return output


async def known(telegram, kommo, eventually):
    """Let both clients write; return what Kommo has heard by then."""
    telegram.client_says("hello", chat_id=ANN, name="Ann")
    telegram.client_says("hello", chat_id=BOB, name="Bob")
    await eventually(lambda: len(kommo.received) == 2)
    answer = await kommo.manager_says("Hello Ann", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    return answer


async def test_a_blocked_client_makes_no_call_to_kommo(bridge, telegram, kommo, eventually):
    """Whatever the client does; others are heard, and the answers still go out."""
    answer = await known(telegram, kommo, eventually)
    await run(bridge.config, "block", "--chat", str(ANN), "--reason", "spam")
    before = len(kommo.calls())
    mine = telegram.client_says("spam", chat_id=ANN)
    telegram.client_edits(mine, "more spam", chat_id=ANN)
    telegram.client_starts("x", chat_id=ANN)
    telegram.client_shares_phone("+14155550123", chat_id=ANN)
    telegram.client_blocks(chat_id=ANN)
    telegram.client_unblocks(chat_id=ANN)
    telegram.push({"message": {"chat": {"id": ANN, "type": "private"}, "message_id": 4242}})
    telegram.client_says("And me?", chat_id=BOB, name="Bob")
    await eventually(lambda: any(m.content.get("text") == "And me?" for m in kommo.received))
    assert [m.sender.client_id for m in kommo.received[2:]] == ["tg:556"]
    assert kommo.statuses_of(answer) == [1]
    assert len(kommo.calls()) == before + 1
    second = await kommo.manager_says("Are you there?", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(second) == [1])
    assert telegram.texts_to(ANN)[-1] == "Are you there?"


async def test_trace_has_one_line_of_a_blocked_clients_message(
    bridge, telegram, kommo, eventually
):
    """By our id, by Telegram's, and by the conversation; nothing of what was said."""
    await known(telegram, kommo, eventually)
    await run(bridge.config, "block", "--chat", CONVERSATION)
    mine = telegram.client_says("secret spam", chat_id=ANN)
    telegram.client_says("And me?", chat_id=BOB)
    await eventually(lambda: len(kommo.received) == 3)
    for name in (f"{CONVERSATION}:{mine}", f"{ANN}/{mine}", f"700001/{ANN}/{mine}"):
        trail = json.loads(await run(bridge.config, "trace", name, "--json"))
        assert [step["step"] for step in trail["steps"]] == ["blocked"]
    text = await run(bridge.config, "trace", CONVERSATION)
    assert "blocked" in text
    assert "secret spam" not in text
    assert b"secret spam" not in bridge.settings.database.read_bytes()


async def test_unblocked_the_client_is_heard_again(bridge, telegram, kommo, eventually):
    """What came meanwhile stays untold, also when it is edited later is it told as it is then."""
    await known(telegram, kommo, eventually)
    await run(bridge.config, "block", "--chat", str(ANN))
    telegram.client_says("unheard", chat_id=ANN)
    telegram.client_says("And me?", chat_id=BOB)
    await eventually(lambda: len(kommo.received) == 3)
    await run(bridge.config, "unblock", "--chat", str(ANN))
    telegram.client_says("sorry", chat_id=ANN)
    await eventually(lambda: len(kommo.received) == 4)
    texts = [m.content.get("text") for m in kommo.received if m.sender.client_id == "tg:555"]
    assert texts == ["hello", "sorry"]
    code, _output, errors = await run_command("unblock", "--chat", str(ANN), config=bridge.config)
    assert (code, errors) == (1, "kommo-telegram: client 555 is not blocked\n")


async def test_both_ways(bridge, telegram, kommo, eventually):
    """With --both a manager's answer fails with a text, until the client is unblocked."""
    await known(telegram, kommo, eventually)
    await run(bridge.config, "block", "--chat", str(ANN), "--both")
    first = await kommo.manager_says("Not sent", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(first) == [-1])
    [status] = kommo.manager.message(first).statuses
    assert status.error_code == 905
    assert "blocked by the operator" in status.error
    await run(bridge.config, "unblock", "--chat", str(ANN))
    second = await kommo.manager_says("Sent", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(second) == [1])
    assert "Not sent" not in telegram.texts_to(ANN)


async def test_the_list_of_blocks(bridge, telegram, kommo, eventually):
    """Who is blocked, since when and why; also somebody who never wrote."""
    await known(telegram, kommo, eventually)
    assert await run(bridge.config, "block", "--list") == "Nobody is blocked.\n"
    await run(bridge.config, "block", "--chat", str(ANN), "--reason", " [b]spam\x1b[31m  again ")
    await run(bridge.config, "block", "--chat", "777", "--both")
    rows = json.loads(await run(bridge.config, "block", "--list", "--json"))
    assert [(r["chat_id"], r["reason"] is None, r["both"], r["name"]) for r in rows] == [
        (ANN, False, False, "Ann"),
        (777, True, True, None),
    ]
    text = await run(bridge.config, "block", "--list")
    assert "\x1b" not in text
    assert "[b]spam" in text


@pytest.mark.parametrize("chat", ["", "nobody", "-5", "0", "1" * 30, "tg:1"])
async def test_who_is_no_client_cannot_be_blocked(bridge, chat):
    """A readable line, and nothing is stored."""
    code, _output, errors = await run_command("block", "--chat", chat, config=bridge.config)
    assert code == 1
    assert "is no client" in errors
    assert await run(bridge.config, "block", "--list", "--json") == "[]\n"


@pytest.mark.parametrize("words", [(), ("--list", "--chat", "5")])
async def test_block_wants_a_client_or_the_list(bridge, words):
    """Wrong usage is said."""
    code, _output, errors = await run_command("block", *words, config=bridge.config)
    assert code == 2
    assert "--list" in errors


async def test_a_block_survives_a_restart_and_being_forgotten(bridge, telegram, kommo, eventually):
    """Whoever is stopped stays so; what was said of them is erased with the rest."""
    await known(telegram, kommo, eventually)
    await run(bridge.config, "block", "--chat", str(ANN), "--reason", "rude Annabella")
    await bridge.restart()
    await run(bridge.config, "forget", "--chat", str(ANN), "--yes")
    telegram.client_says("hello again", chat_id=ANN)
    telegram.client_says("And me?", chat_id=BOB)
    await eventually(lambda: len(kommo.received) == 3)
    assert kommo.received[-1].sender.client_id == "tg:556"
    [row] = json.loads(await run(bridge.config, "block", "--list", "--json"))
    assert (row["chat_id"], row["reason"]) == (ANN, None)


async def test_operators_block_in_their_chat(operators, bridge, telegram, kommo, eventually):
    """/block with a reason, the list, /unblock; wrong names are said."""
    await known(telegram, kommo, eventually)

    async def told(text):
        before = len(telegram.texts_to(BOSS))
        telegram.client_says(text, chat_id=BOSS)
        await eventually(lambda: len(telegram.texts_to(BOSS)) > before)
        return telegram.texts_to(BOSS)[-1]

    assert "Client 555 is blocked" in await told("/block 555 too much spam")
    assert "555, Ann" in await told("/block")
    assert "too much spam" in await told("/block")
    telegram.client_says("spam", chat_id=ANN)
    assert "no client" in await told("/block Ann")
    assert "Whom?" in await told("/unblock")
    assert "no longer blocked" in await told("/unblock 555")
    assert "is not blocked" in await told("/unblock 555")
    assert "Nobody is blocked" in await told("/block")
    assert [m.content.get("text") for m in kommo.received] == ["hello", "hello"]


async def test_a_blocked_clients_press_is_answered_and_not_told(
    bridge, telegram, kommo, eventually
):
    """The client's app does not wait for ever."""
    await known(telegram, kommo, eventually)
    buttons = {"mode": "inline", "buttons": [[{"text": "Yes"}]]}
    asked = await kommo.manager_says("Yes?", to=CONVERSATION, markup=buttons)
    await eventually(lambda: kommo.statuses_of(asked) == [1])
    await run(bridge.config, "block", "--chat", str(ANN))
    press = telegram.client_presses(telegram.sent_to(ANN)[-1].message_id, "Yes", chat_id=ANN)
    await eventually(lambda: telegram.callbacks[press] is not None)
    assert len(kommo.received) == 2
    assert kommo.statuses_of(asked) == [1]
