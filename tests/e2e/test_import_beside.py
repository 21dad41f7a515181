"""An import that is killed, and one beside a service that has other things to do."""

import asyncio
import json
import os
import random
import signal
import statistics
import time

import httpx
import pytest

from tests.e2e.commands import run_process
from tests.e2e.conftest import SCOPE_ID
from tests.e2e.exports import ANN, OWNER, account, chat, message, naming_bot, talk, written
from tests.e2e.lives import begin

CONVERSATION = "tg:700001:555"
KILLS = 20
SEND = f"/v2/origin/custom/{SCOPE_ID}"
LIVE = 15
"""So many messages each way: Telegram lets no more pass at once in one chat."""

QUIET, BUSY = 7001, 7002


@pytest.fixture
def config(config):
    """Settings that name the channel's bot."""
    return naming_bot(config)


def people(count, each):
    """Return an account of some clients."""
    return account(*(talk(each, peer=ANN + n, name=f"C{n}") for n in range(count)))


def is_whole(kommo, count, each):
    """Tell whether each client's messages are there, once and in order."""
    return all(
        kommo.texts_in(f"tg:700001:{ANN + n}") == [f"C{n} {number}" for number in range(each)]
        for n in range(count)
    )


@pytest.mark.parametrize("kommo", ["refuse", "accept"], indirect=True)
async def test_twenty_kills_at_random_moments(tmp_path, config, kommo, eventually):
    """Killed and repeated, an import brings each message once and in order."""
    chance = random.Random(7)
    path = written(tmp_path / "export", people(6, 60))
    log = tmp_path / "log"
    arguments = ["--config", str(config), "import", str(path), "--yes"]
    for _ in range(KILLS // 2):
        child = await begin(arguments, output=log, errors=log)
        goal = len(kommo.received) + chance.randrange(1, 30)
        await eventually(lambda: len(kommo.received) >= goal or not child.is_alive())  # noqa: B023
        child.kill()
        await asyncio.to_thread(child.join, 30)
    code, _, errors = await run_process("import", str(path), "--yes", config=config)
    assert code == 0, errors
    assert is_whole(kommo, 6, 60)
    assert len(kommo.received) == 6 * 60
    silent = [[one.is_silent for one in each.messages] for each in kommo.conversations.values()]
    assert silent == [[True] * 59 + [False]] * 6


async def test_an_interruption_records_and_says_how_to_go_on(tmp_path, config, kommo, eventually):
    """After Ctrl-C nothing has to be looked for, and a person knows what to do."""
    path = written(tmp_path / "export", talk(400))
    output, errors = tmp_path / "output", tmp_path / "errors"
    arguments = ["--config", str(config), "import", str(path), "--yes", "--json"]
    slow = kommo.faults.hang(SEND, seconds=0.05, times=None)
    child = await begin(arguments, output=output, errors=errors)
    await eventually(lambda: len(kommo.received) > 30)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGINT)
    await asyncio.to_thread(child.join, 30)
    assert child.exitcode == 1
    said = errors.read_text("utf-8")
    assert "The same command goes on where it stopped." in said
    assert "Traceback" not in said
    kommo.faults.remove(slow)
    taken = len(kommo.received)
    code, document, _ = await run_process("import", str(path), "--yes", "--json", config=config)
    assert code == 0
    assert json.loads(document)["imported_before"] in {taken, taken - 1}
    assert kommo.texts_in(CONVERSATION) == [f"Ann {number}" for number in range(400)]
    assert len(kommo.received) == 400


async def test_a_second_import_waits_for_the_first(tmp_path, config, kommo, eventually, command):
    """Two at the same time would tell Kommo the same."""
    path = written(tmp_path / "export", talk(400))
    log = tmp_path / "log"
    kommo.faults.hang(SEND, seconds=0.2, times=None)
    child = await begin(
        ["--config", str(config), "import", str(path), "--yes"], output=log, errors=log
    )
    await eventually(lambda: len(kommo.received) > 3)
    code, _, errors = await command("import", str(path), "--yes")
    child.kill()
    await asyncio.to_thread(child.join, 30)
    assert code == 1
    assert "another import is running" in errors


async def test_live_messages_go_ahead_both_ways(
    tmp_path, config, telegram, kommo, bridge, eventually
):
    """While an import runs, what clients and managers write crosses as before."""
    quiet = await _times(telegram, kommo, eventually, QUIET)
    path = written(tmp_path / "export", people(4, 3000))
    log = tmp_path / "log"
    child = await begin(
        ["--config", str(config), "import", str(path), "--yes"], output=log, errors=log
    )
    await eventually(lambda: len(kommo.conversations) >= 4)
    busy = await _times(telegram, kommo, eventually, BUSY)
    was_alive = child.is_alive()
    child.kill()
    await asyncio.to_thread(child.join, 30)
    assert was_alive
    assert statistics.quantiles(busy, n=10)[-1] < 2 * statistics.quantiles(quiet, n=10)[-1] + 0.1
    for client in (QUIET, BUSY):
        assert telegram.texts_to(client) == [f"to {client}, {n}" for n in range(LIVE)]


async def _times(telegram, kommo, eventually, client):
    """Let client and manager write in turn; return how long each message took to cross."""
    took, conversation = [], f"tg:700001:{client}"
    for number in range(LIVE):
        words, answer = f"from {client}, {number}", f"to {client}, {number}"
        began_at = time.monotonic()
        telegram.client_says(words, chat_id=client, name="Ben")
        await eventually(lambda text=words: text in kommo.texts_in(conversation))
        took.append(time.monotonic() - began_at)
        began_at = time.monotonic()
        await kommo.manager_says(answer, to=conversation)
        await eventually(lambda text=answer: text in telegram.texts_to(client))
        took.append(time.monotonic() - began_at)
    return took


async def test_what_was_live_is_not_imported_once_more(
    tmp_path, telegram, kommo, bridge, command, eventually
):
    """An export of the chat with the bot holds what the bridge has brought already."""
    telegram.client_says("live words", chat_id=ANN, name="Ann of today")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    await kommo.manager_says("live answer", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["live answer"])
    words, answer = kommo.messages_in(CONVERSATION)
    sent_at = _sent_at(telegram)
    export = chat(
        message(70, "old words", by=ANN),
        message(71, "old answer", by=700001),
        message(72, "live words", by=ANN, at_s=words.timestamp),
        message(73, "live answer", by=700001, at_s=sent_at),
        message(74, "other words", by=ANN, at_s=words.timestamp),
        peer=700001,
        name="Sales",
        kind="bot_chat",
    )
    path = written(tmp_path / "export", export)
    code, output, errors = await command("import", str(path), "--yes", "--json")
    assert code == 0, errors
    assert (json.loads(output)["sent"], json.loads(output)["already_live"]) == (3, 2)
    assert sorted(kommo.texts_in(CONVERSATION)) == sorted(
        ["old words", "old answer", "live words", "other words", "live answer"]
    )
    assert kommo.messages_in(CONVERSATION)[0].is_incoming
    assert kommo.messages_in(CONVERSATION)[0].sender.name == "Ann of today"
    assert answer.text == "live answer"


def _sent_at(telegram):
    """Return the second in which the bot wrote."""
    return int(telegram.seen_by(ANN)[-1]["date"])


async def test_a_webhook_about_an_imported_message_is_no_answer(
    tmp_path, config, telegram, kommo, bridge, command, eventually
):
    """Should Kommo tell of what was imported as a user, the client does not get it once more."""
    user = kommo.account.users[0]
    config.write_text(
        f'{config.read_text("utf-8")}\n[import.managers]\n{OWNER} = "{user.id}"\n', "utf-8"
    )
    telegram.client_says("hello", chat_id=ANN, name="Ann")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    export = chat(message(1, "question"), message(2, "old answer", by=OWNER))
    path = written(tmp_path / "export", export)
    code, _, errors = await command("import", str(path), "--yes")
    assert code == 0, errors
    imported = kommo.messages_in(CONVERSATION)[1]
    assert imported.text == "old answer"
    await kommo.manager.tells_late(imported.id)
    await kommo.manager_says("new answer", to=CONVERSATION)
    await eventually(lambda: "new answer" in telegram.texts_to(ANN))
    assert telegram.texts_to(ANN) == ["new answer"]


async def test_a_forgotten_client_leaves_no_import_behind(
    tmp_path, config, kommo, bridge, command
):
    """What is erased is erased, the links to files are dead, and an import may begin anew."""
    export = chat(message(1, "a", file="files/a.txt"), message(2, "b", by=OWNER))
    path = written(tmp_path / "export", export, files__a_dot_txt=b"private")
    assert (await command("import", str(path), "--yes"))[0] == 0
    link = kommo.messages_in(CONVERSATION)[0].content["media"]
    async with httpx.AsyncClient() as http:
        assert (await http.get(link)).content == b"private"
        assert (await command("forget", "--chat", str(ANN), "--yes"))[0] == 0
        assert (await http.get(link)).status_code == 403
        await bridge.stop()
        for file in config.parent.glob("kommo-telegram.sqlite3*"):
            assert b":export:1-" not in file.read_bytes()
        await bridge.start()
        assert (await command("import", str(path), "--yes"))[0] == 0
        assert (await http.get(link)).content == b"private"


async def test_who_is_forgotten_during_an_import_stays_forgotten(
    tmp_path, config, kommo, eventually, command
):
    """An import does not write a client down again, and brings the others' messages."""
    path = written(tmp_path / "export", people(2, 300))
    log = tmp_path / "log"
    arguments = ["--config", str(config), "import", str(path), "--yes"]
    child = await begin(arguments, output=log, errors=log)
    await eventually(lambda: len(kommo.texts_in(CONVERSATION)) > 30)
    code, _, errors = await command("forget", "--chat", str(ANN), "--yes")
    was_alive = child.is_alive()
    await asyncio.to_thread(child.join, 60)
    assert (code, child.exitcode, was_alive) == (0, 0, True), errors + log.read_text("utf-8")
    assert len(kommo.texts_in(CONVERSATION)) < 300
    assert kommo.texts_in(f"tg:700001:{ANN + 1}") == [f"C1 {number}" for number in range(300)]
    code, _, _ = await command("forget", "--chat", str(ANN), "--yes")
    assert code == 1


async def test_at_most_what_is_in_flight_goes_out_after_a_client_was_forgotten(
    tmp_path, config, kommo, eventually, command
):
    """Not the rest of a page: after `forget` has ended, at most the one call that had begun."""
    path = written(tmp_path / "export", people(1, 100))
    log = tmp_path / "log"
    kommo.latency_s = 0.1
    arguments = ["--config", str(config), "import", str(path), "--yes"]
    child = await begin(arguments, output=log, errors=log)
    await eventually(lambda: len(kommo.texts_in(CONVERSATION)) >= 3)
    code, _, errors = await command("forget", "--chat", str(ANN), "--yes")
    before = len(kommo.texts_in(CONVERSATION))
    was_alive = child.is_alive()
    await asyncio.to_thread(child.join, 60)
    assert (code, child.exitcode, was_alive) == (0, 0, True), errors + log.read_text("utf-8")
    assert len(kommo.texts_in(CONVERSATION)) <= before + 1
