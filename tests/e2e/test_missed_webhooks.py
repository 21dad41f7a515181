"""What managers write while no hook gets through is read back from Kommo's history."""

import shutil
from datetime import UTC, datetime, timedelta

import pytest

from bot.receive.catch_up.schedule import MISSED_SINCE, CatchUpPace
from storage.database import Database

ANN, BOB = 555, 556
CONVERSATION, OTHER = "tg:700001:555", "tg:700001:556"
QUICK = CatchUpPace(every_s=0.1, grace_s=0.0)


@pytest.fixture
def clock(kommo, bridge):
    """One clock for the bridge and for Kommo."""
    kommo.account.now = lambda: datetime.now(UTC) + bridge.ahead
    return bridge


@pytest.fixture
async def talking(clock, bridge, telegram, kommo, eventually):
    """A bridge whose client has written and got an answer."""
    telegram.client_says("hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    message_id = await kommo.manager_says("hello", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    return bridge


async def dead(bridge):
    """Return the dead items of the inbox."""
    async with Database.open(bridge.settings.database) as database, database.snapshot() as found:
        return await found.to_telegram.list_items(states=("dead",), limit=10)


async def test_what_was_written_while_the_bridge_was_down_is_delivered_in_order(
    talking, telegram, kommo, eventually
):
    """A hook that reached nobody is not repeated; the messages arrive all the same, once."""
    await talking.stop()
    missed = [await kommo.manager_says(f"missed {n}", to=CONVERSATION) for n in range(4)]
    await talking.start()
    last = await kommo.manager_says("and now", to=CONVERSATION)
    texts = ["hello", *(f"missed {n}" for n in range(4)), "and now"]
    await eventually(lambda: telegram.texts_to(ANN) == texts)
    await eventually(lambda: {*map(tuple, map(kommo.statuses_of, [*missed, last]))} == {(1,)})
    await talking.restart()
    await kommo.manager_says("later", to=CONVERSATION)
    await eventually(lambda: "later" in telegram.texts_to(ANN))
    assert telegram.texts_to(ANN) == [*texts, "later"]


async def test_a_missed_answer_is_found_behind_many_later_messages(
    talking, telegram, kommo, eventually
):
    """History is read page by page, as far back as hooks may be missing."""
    await kommo.manager_says("lost", to=CONVERSATION, hook=False)
    for number in range(60):
        telegram.client_says(f"line {number}")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "line 59")
    await talking.restart()
    await eventually(lambda: telegram.texts_to(ANN) == ["hello", "lost"])


async def test_the_very_first_answer_is_found_too(bridge, telegram, kommo, eventually):
    """Kommo's id of a chat is not known before its first hook; it is asked for."""
    telegram.client_says("hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    await bridge.stop()
    url = kommo.add_attachment(b"%PDF-1.4 offer", "offer.pdf")
    await kommo.manager_says("our offer:", to=CONVERSATION)
    await kommo.manager_sends(type="file", media=url, to=CONVERSATION)
    await bridge.start()
    await eventually(lambda: len(telegram.sent_to(ANN)) == 2)
    assert telegram.texts_to(ANN)[0] == "our offer:"
    assert [sent.method for sent in telegram.sent_to(ANN)] == ["sendMessage", "sendDocument"]


async def test_a_hook_that_was_lost_on_the_way_is_made_up_for(
    talking, telegram, kommo, eventually
):
    """While the bridge runs, conversations with recent activity are looked at now and then."""
    talking.options["pace"] = QUICK
    await talking.restart()
    message_id = await kommo.manager_says("lost", to=CONVERSATION, hook=False)
    await eventually(lambda: telegram.texts_to(ANN) == ["hello", "lost"])
    await eventually(lambda: kommo.statuses_of(message_id) == [1])


async def test_a_late_hook_doubles_nothing(talking, telegram, kommo, eventually):
    """Whichever comes first, the hook or the look at the history, the other has no effect."""
    talking.options["pace"] = QUICK
    await talking.restart()
    message_id = await kommo.manager_says("once", to=CONVERSATION, hook=False)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    message = kommo.account.message(message_id)
    hook = await kommo.post_hook(kommo.manager._hooks.message(kommo.account, message))
    assert hook.status == 200
    await kommo.manager_says("after", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN)[-1] == "after")
    assert telegram.texts_to(ANN) == ["hello", "once", "after"]


async def test_a_hook_that_is_under_way_is_waited_for(talking, telegram, kommo, eventually):
    """A young message is left to its hook, which tells more of it than history does."""
    talking.options["pace"] = CatchUpPace(every_s=0.05, grace_s=3600)
    await talking.restart()
    await kommo.manager_says("young", to=CONVERSATION, hook=False)
    looks = len(kommo.calls("history"))
    await eventually(lambda: len(kommo.calls("history")) > looks + 2)
    assert telegram.texts_to(ANN) == ["hello"]


async def test_a_hook_that_comes_meanwhile_waits_for_what_was_missed_before_it(
    talking, telegram, kommo, eventually
):
    """An answer does not overtake an older one that is still to be read."""
    await talking.stop()
    await kommo.manager_says("first", to=CONVERSATION)
    fault = kommo.faults.hang("*/history", times=None)
    await talking.start()
    await kommo.manager_says("second", to=CONVERSATION)
    kommo.faults.remove(fault)
    await eventually(lambda: telegram.texts_to(ANN) == ["hello", "first", "second"])


async def test_what_is_too_old_is_reported_and_not_sent(
    clock, talking, telegram, kommo, eventually
):
    """After a day and more an answer surprises: the manager reads that it did not arrive."""
    await talking.stop()
    old = await kommo.manager_says("old", to=CONVERSATION)
    clock.ahead += timedelta(hours=20)
    young = await kommo.manager_says("young", to=CONVERSATION)
    clock.ahead += timedelta(hours=5)
    await talking.start()
    await eventually(lambda: kommo.statuses_of(young) == [1])
    await eventually(lambda: kommo.statuses_of(old) == [-1])
    assert telegram.texts_to(ANN) == ["hello", "young"]
    (item,) = await dead(talking)
    assert "longer ago than delivery.recover_h" in item.reason


async def test_it_can_be_switched_off(talking, telegram, kommo, config, eventually):
    """With `recover_h = 0` Kommo's history is not asked for."""
    await talking.stop()
    await kommo.manager_says("missed", to=CONVERSATION)
    text = config.read_text(encoding="utf-8")
    config.write_text(text + "\n[delivery]\nrecover_h = 0\n", encoding="utf-8")
    await talking.start()
    await kommo.manager_says("after", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["hello", "after"])
    assert kommo.calls("history") == []


@pytest.mark.parametrize(
    "fail",
    [
        pytest.param(lambda f: f.fail("*/history", status=500, times=2), id="500"),
        pytest.param(lambda f: f.fail("*/history", status=404, times=2), id="404"),
        pytest.param(lambda f: f.fail("*/history", status=429, retry_after=1), id="429"),
        pytest.param(lambda f: f.html("*/history"), id="html"),
        pytest.param(lambda f: f.reset("*/history"), id="reset"),
        pytest.param(lambda f: f.fail("*/chats", status=500), id="no-chat"),
    ],
)
async def test_a_history_that_fails_harms_nothing(bridge, telegram, kommo, eventually, fail):
    """Webhooks go on meanwhile, and what was missed comes once the history answers."""
    telegram.client_says("hi")
    telegram.client_says("hi", chat_id=BOB, name="Bob")
    await eventually(lambda: len(kommo.conversations) == 2)
    await bridge.stop()
    await kommo.manager_says("missed", to=CONVERSATION)
    fail(kommo.faults)
    bridge.options["pace"] = CatchUpPace(every_s=0.2, grace_s=0.0, hold_s=0.2)
    await bridge.start()
    await kommo.manager_says("for Bob", to=OTHER)
    await eventually(lambda: telegram.texts_to(BOB) == ["for Bob"])
    await eventually(lambda: telegram.texts_to(ANN) == ["missed"], within_s=30)


async def test_a_history_that_fails_once_changes_no_order(talking, telegram, kommo, eventually):
    """What was missed still comes before what is written while it could not be read."""
    await talking.stop()
    await kommo.manager_says("missed", to=CONVERSATION)
    fault = kommo.faults.fail("*/history", status=500)
    await talking.start()
    await eventually(lambda: fault.hits == 1)
    await kommo.manager_says("and now", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["hello", "missed", "and now"])


async def test_a_hanging_history_holds_a_hook_for_moments_only(
    talking, telegram, kommo, eventually
):
    """A hook waits for the history of its conversation, but not long."""
    await talking.stop()
    fault = kommo.faults.hang("*/history", times=None)
    talking.options["pace"] = CatchUpPace(hold_s=0.2)
    await talking.start()
    await kommo.manager_says("now", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["hello", "now"])
    kommo.faults.remove(fault)


async def test_an_answer_finds_its_way_without_the_database(talking, telegram, kommo, eventually):
    """A conversation's id says bot and chat; nothing of before the loss is sent again."""
    await talking.stop()
    missed = await kommo.manager_says("missed", to=CONVERSATION)
    for file in talking.settings.database.parent.glob("*.sqlite3*"):
        file.unlink()
    talking.options["pace"] = QUICK
    await talking.start()
    message_id = await kommo.manager_says("still there?", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    telegram.client_says("yes")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "yes")
    lost = await kommo.manager_says("good", to=CONVERSATION, hook=False)
    await eventually(lambda: kommo.statuses_of(lost) == [1])
    assert telegram.texts_to(ANN) == ["hello", "still there?", "good"]
    assert kommo.statuses_of(missed) == []


async def test_an_older_copy_repeats_nothing(
    clock, talking, telegram, kommo, eventually, tmp_path
):
    """A database restored from a backup knows that it does not know what was delivered since."""
    await talking.stop()
    copy = shutil.copy(talking.settings.database, tmp_path / "copy")
    clock.ahead += timedelta(hours=1)
    await talking.start()
    message_id = await kommo.manager_says("delivered since", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    await talking.stop()
    shutil.copy(copy, talking.settings.database)
    talking.options["pace"] = QUICK
    await talking.start()
    lost = await kommo.manager_says("lost", to=CONVERSATION, hook=False)
    await eventually(lambda: kommo.statuses_of(lost) == [1])
    await eventually(lambda: kommo.statuses_of(message_id) == [1, -1])
    assert telegram.texts_to(ANN) == ["hello", "delivered since", "lost"]
    (item,) = await dead(talking)
    assert "put back from a copy: it may have been delivered" in item.reason


async def test_a_copy_of_everything_is_found_out_by_what_clients_wrote(
    talking, telegram, kommo, eventually, tmp_path, caplog
):
    """Where the whole folder was put back, Kommo knows messages that the database does not."""
    await talking.stop()
    folder = talking.settings.database.parent
    names = [file.name for file in folder.glob("*.sqlite3*")]
    for name in names:
        shutil.copy(folder / name, tmp_path / f"copy of {name}")
    await talking.start()
    telegram.client_says("news?")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "news?")
    message_id = await kommo.manager_says("delivered since", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    await talking.stop()
    for name in names:
        shutil.copy(tmp_path / f"copy of {name}", folder / name)
    talking.options["pace"] = QUICK
    await talking.start()
    await eventually(lambda: "from an older backup" in caplog.text)
    lost = await kommo.manager_says("lost", to=CONVERSATION, hook=False)
    await eventually(lambda: kommo.statuses_of(lost) == [1])
    await eventually(lambda: kommo.statuses_of(message_id) == [1, -1])
    assert telegram.texts_to(ANN) == ["hello", "delivered since", "lost"]
    (item,) = await dead(talking)
    assert "put back from a copy: it may have been delivered" in item.reason


async def test_what_was_forgotten_is_not_sent_again(talking, telegram, kommo, eventually):
    """After `forget` the history from before is not the bridge's any more."""
    async with (
        Database.open(talking.settings.database) as database,
        database.transaction() as tx,
    ):
        await tx.conversations.forget(CONVERSATION)
    talking.options["pace"] = QUICK
    await talking.restart()
    telegram.client_says("me again")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "me again")
    lost = await kommo.manager_says("welcome back", to=CONVERSATION, hook=False)
    await eventually(lambda: kommo.statuses_of(lost) == [1])
    assert telegram.texts_to(ANN) == ["hello", "welcome back"]


async def test_after_a_sleep_of_the_machine_everything_is_looked_at(
    clock, talking, telegram, kommo, eventually, caplog
):
    """A clock that jumps shows that nobody listened for a while."""
    await kommo.manager_says("while it slept", to=CONVERSATION, hook=False)
    clock.ahead += timedelta(hours=2)
    await eventually(lambda: telegram.texts_to(ANN) == ["hello", "while it slept"])
    assert "no webhook was received for a while" in caplog.text


async def test_a_stop_meanwhile_forgets_nothing(talking, telegram, kommo, eventually):
    """Until every conversation was read, the next start goes on with the same outage."""
    await talking.stop()
    await kommo.manager_says("missed", to=CONVERSATION)
    fault = kommo.faults.fail("*/history", status=500, times=None)
    talking.options["pace"] = CatchUpPace(hold_s=0.1)
    await talking.start()
    await eventually(lambda: fault.hits > 0)
    async with (
        Database.open(talking.settings.database) as database,
        database.transaction() as tx,
    ):
        await tx.facts.put("alive_at", datetime.now(UTC).isoformat())
        assert await tx.facts.get(MISSED_SINCE)
    await talking.stop()
    kommo.faults.remove(fault)
    await talking.start()
    await eventually(lambda: telegram.texts_to(ANN) == ["hello", "missed"])
