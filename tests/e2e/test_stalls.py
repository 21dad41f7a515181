"""A database that takes nothing for a while delays messages, and nothing else."""

import asyncio
import resource
import sqlite3

import aiohttp
import pytest

from bot.receive.catch_up.schedule import CatchUpPace

CONVERSATION = "tg:700001:555"
ANN = 555
NEW_MESSAGE = "/v2/origin/custom/scope"


@pytest.fixture
def other_program(bridge):
    """Another program that holds the database's write lock for as long as it likes."""
    raw = sqlite3.connect(bridge.settings.database, isolation_level=None, check_same_thread=False)

    async def execute(sql):
        await asyncio.to_thread(raw.execute, sql)

    yield execute
    raw.close()


async def health(bridge):
    """Return what /healthz answers: status and problems."""
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{bridge.settings.admin.port}/healthz") as answer,
    ):
        return answer.status, (await answer.json())["problems"]


async def test_a_lock_held_too_long_delays_messages_and_says_so(
    other_program, bridge, telegram, kommo, eventually, caplog, ann
):
    """What clients write meanwhile arrives when the lock is gone, without a restart, once."""
    await ann.says("before")
    await other_program("BEGIN IMMEDIATE")
    telegram.client_says("meanwhile")
    await eventually(lambda: "database unavailable, nothing can be stored" in caplog.text)
    await other_program("ROLLBACK")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["before", "meanwhile"])
    await kommo.manager_says("and back", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["and back"])
    assert "another process has been writing for too long" in caplog.text


async def test_a_hook_that_cannot_be_stored_is_answered_503(
    other_program, bridge, telegram, kommo, eventually, ann
):
    """A hook that is not on disk is not acknowledged; it is read back from Kommo's history."""
    bridge.options["pace"] = CatchUpPace(hold_s=60)  # what follows waits for it
    await bridge.restart()
    await ann.says("before")
    await other_program("BEGIN IMMEDIATE")
    message_id = await kommo.manager_says("not now", to=CONVERSATION)
    await other_program("ROLLBACK")
    assert [hook.status for hook in kommo.hooks] == [503]
    await kommo.manager_says("but now", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["not now", "but now"])
    await eventually(lambda: kommo.statuses_of(message_id) == [1])


async def test_what_was_lost_early_goes_ahead_of_what_is_written_next(
    other_program, bridge, telegram, kommo, eventually, ann
):
    """Also while it is not known yet that the client's first message has reached Kommo."""
    arriving = kommo.faults.hang(
        "/v2/origin/custom/*",
        after_processing=True,
        where=lambda call: call.name.count("/") == NEW_MESSAGE.count("/"),
    )
    await ann.says("before")
    await other_program("BEGIN IMMEDIATE")
    await kommo.manager_says("not now", to=CONVERSATION)
    await other_program("ROLLBACK")
    await kommo.manager_says("but now", to=CONVERSATION)
    kommo.faults.remove(arriving)
    await eventually(lambda: telegram.texts_to(ANN) == ["not now", "but now"])


async def test_a_look_that_began_before_a_loss_is_not_the_one_that_is_waited_for(
    bridge, other_program, telegram, kommo, eventually, ann
):
    """What is written after a lost webhook waits for a look at the history that knows of it."""
    await ann.says("before")
    bridge.options["pace"] = CatchUpPace(every_s=0.1, hold_s=30.0)
    await bridge.restart()
    earlier = kommo.faults.hang("*/history", times=1)
    await eventually(lambda: earlier.hits == 1)
    later = kommo.faults.hang("*/history", times=None)
    await other_program("BEGIN IMMEDIATE")
    await kommo.manager_says("not now", to=CONVERSATION)
    await other_program("ROLLBACK")
    await eventually(lambda: later.hits == 1)
    looks = len(kommo.calls("history"))
    kommo.faults.remove(earlier)
    await eventually(lambda: len(kommo.calls("history")) > looks)
    await kommo.manager_says("but now", to=CONVERSATION)
    kommo.faults.remove(later)
    await eventually(lambda: telegram.texts_to(ANN) == ["not now", "but now"])


async def test_a_hook_that_an_error_of_ours_keeps_from_being_stored_is_made_up_for(
    bridge, telegram, kommo, eventually, monkeypatch, ann
):
    """Kommo is answered 500 and does not repeat it; the conversation is read back at once."""
    await ann.says("before")
    with monkeypatch.context() as broken:
        broken.delattr("bot.receive.kommo_events._written_at")
        message_id = await kommo.manager_says("not now", to=CONVERSATION)
    assert [hook.status for hook in kommo.hooks] == [500]
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert telegram.texts_to(ANN) == ["not now"]


@pytest.fixture
def refusal(kommo):
    """A Kommo that does not connect this channel to this account."""
    return kommo.faults.fail("*/connect", status=403, times=None)


async def test_health_names_a_connection_that_kommo_refuses(refusal, bridge, kommo):
    """Kommo's no does not pass by itself, so the service is not well, and says why."""
    status, problems = 200, [""]
    for _ in range(300):
        status, problems = await health(bridge)
        if status != 200:
            break
        await asyncio.sleep(0.05)
    assert status == 503
    assert problems[0].startswith("the channel is not connected: ")


async def test_a_disk_that_takes_nothing_more_delays_messages(
    process, telegram, kommo, eventually, ann
):
    """While the disk refuses, nothing is acknowledged; afterwards all goes on, without a restart.

    The disk is a limit to the size of files, which the kernel can impose on a running process.
    """
    await process.start()
    await ann.says("before")
    log_bytes = process.log.with_name("kommo-telegram.sqlite3-wal").stat().st_size
    _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (log_bytes, hard))
    telegram.client_says("meanwhile")
    await kommo.manager_says("refused", to=CONVERSATION)
    await eventually(lambda: "nothing can be stored" in process.log.read_text(encoding="utf-8"))
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (hard, hard))
    await eventually(lambda: "meanwhile" in kommo.texts_in(CONVERSATION))
    await kommo.manager_says("and back", to=CONVERSATION)
    await eventually(lambda: "and back" in telegram.texts_to(ANN))
    assert kommo.hooks[0].status == 503
    assert "Traceback" not in process.log.read_text(encoding="utf-8")
