"""What a history tells is odd or inexact; what is missing is found all the same."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.receive.catch_up.schedule import CatchUpPace

ANN = 555
CONVERSATION = "tg:700001:555"
NEW_MESSAGE = "/v2/origin/custom/scope"
QUICK = CatchUpPace(every_s=0.1, grace_s=0.0)


@pytest.fixture
async def talking(bridge, kommo, eventually, ann):
    """A bridge whose client has written and got an answer."""
    await ann.says("hi")
    message_id = await kommo.manager_says("hello", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    return bridge


@pytest.mark.parametrize("odd", [slice(-5, -4), slice(-50, None)], ids=["one", "a-whole-page"])
async def test_rows_that_cannot_be_read_do_not_end_the_reading(
    talking, telegram, kommo, eventually, odd
):
    """A page ends when Kommo tells fewer rows than were asked for, not when some are odd."""
    await kommo.manager_says("lost", to=CONVERSATION, hook=False)
    for number in range(60):
        telegram.client_says(f"line {number}")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "line 59")
    for message in list(kommo.account.all_messages())[odd]:
        message.id = ""
    await talking.restart()
    await eventually(lambda: telegram.texts_to(ANN) == ["hello", "lost"])


async def test_missed_answers_of_one_moment_keep_their_order(talking, telegram, kommo, eventually):
    """History is newest first; where moments are equal, its order is the order of writing."""
    await talking.stop()
    talking.options["pace"] = QUICK
    ids = [await kommo.manager_says(f"missed {n}", to=CONVERSATION, hook=False) for n in range(5)]
    for message in map(kommo.account.message, ids):
        message.msec_timestamp = kommo.account.message(ids[0]).msec_timestamp
    await talking.start()
    expected = ["hello", *(f"missed {n}" for n in range(5))]
    await eventually(lambda: telegram.texts_to(ANN) == expected)


@pytest.mark.parametrize("days", [1.05, 3, 40], ids=["a-day", "a-weekend", "forty-days"])
@pytest.mark.parametrize("is_restarted", [False, True], ids=["running", "restarted"])
async def test_a_lost_webhook_to_who_was_silent_for_days_is_made_up_for(
    talking, telegram, kommo, eventually, days, is_restarted
):
    """A manager follows up after a weekend; how old the message is counts, not the silence."""
    kommo.account.now = lambda: datetime.now(UTC) + talking.ahead
    talking.options["pace"] = CatchUpPace(every_s=0.02, grace_s=0.0)
    await talking.stop()
    talking.ahead = timedelta(days=days)
    await talking.start()
    if is_restarted:
        await eventually(lambda: len(kommo.calls("history")) > 1)
        await talking.restart()
    lost = await kommo.manager_says("still there?", to=CONVERSATION, hook=False)
    await eventually(lambda: kommo.statuses_of(lost) == [1])
    assert telegram.texts_to(ANN) == ["hello", "still there?"]


@pytest.mark.parametrize("tells_ms", [True, False], ids=["milliseconds", "seconds"])
@pytest.mark.parametrize("seconds", [0, 3, -3, 300, -300])
@pytest.mark.parametrize("whose", ["ours", "kommos"])
async def test_a_greeting_is_read_back_whatever_the_clocks_say(
    bridge, telegram, kommo, eventually, seconds, whose, tells_ms, ann
):
    """What answers the first message at once may seem older than it, or written in the future."""
    kommo.account.tells_milliseconds = tells_ms
    bridge.options["pace"] = QUICK
    await bridge.stop()
    if whose == "ours":
        bridge.ahead = timedelta(seconds=seconds)
    else:
        kommo.account.now = lambda: datetime.now(UTC) + timedelta(seconds=seconds)
    await bridge.start()
    await ann.says("hi")
    await kommo.manager_says("welcome!", to=CONVERSATION, hook=False)
    await bridge.restart()
    await eventually(lambda: telegram.texts_to(ANN) == ["welcome!"])


async def test_a_clock_that_was_ahead_at_the_first_message_hides_no_answer(
    bridge, telegram, kommo, eventually, ann
):
    """The database was made and the client heard of hours from now, as it seems."""
    await bridge.stop()
    for file in bridge.settings.database.parent.glob("*.sqlite3*"):
        file.unlink()
    bridge.options["pace"] = QUICK
    bridge.ahead = timedelta(hours=5)
    kommo.account.now = lambda: datetime.now(UTC) + bridge.ahead
    await bridge.start()
    await ann.says("hi")
    await bridge.stop()
    bridge.ahead = timedelta(0)
    await bridge.start()
    lost = await kommo.manager_says("welcome!", to=CONVERSATION, hook=False)
    await eventually(lambda: kommo.statuses_of(lost) == [1])
    assert telegram.texts_to(ANN) == ["welcome!"]


async def test_an_answer_to_what_is_not_known_to_have_arrived_is_found_once_it_is(
    bridge, telegram, kommo, eventually, caplog, ann
):
    """Kommo took the first message, its answer was lost, and so was the greeting's webhook."""
    caplog.set_level("INFO")
    fault = kommo.faults.reset(
        "/v2/origin/custom/*",
        times=None,
        after_processing=True,
        where=lambda call: call.name.count("/") == NEW_MESSAGE.count("/"),
    )
    await ann.says("hi")
    await bridge.stop()
    await kommo.manager_says("welcome!", to=CONVERSATION, hook=False)
    bridge.options["pace"] = CatchUpPace(grace_s=0.0)
    hits = fault.hits
    await bridge.start()
    await eventually(lambda: fault.hits > hits)
    assert "all conversations were checked" not in caplog.text
    kommo.faults.remove(fault)
    await eventually(lambda: telegram.texts_to(ANN) == ["welcome!"])
    await eventually(lambda: "all conversations were checked" in caplog.text)


async def test_a_history_that_is_asked_for_too_often_holds_back_histories_only(
    talking, telegram, kommo, eventually
):
    """Messages go on while Kommo wants no history to be asked for."""
    fault = kommo.faults.fail("*/history", status=429, retry_after=60, times=None)
    talking.options["pace"] = QUICK
    await talking.restart()
    await eventually(lambda: fault.hits > 0)
    began = time.monotonic()
    telegram.client_says("goes on")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "goes on", within_s=20)
    assert time.monotonic() - began < 20
    assert fault.hits == 1
