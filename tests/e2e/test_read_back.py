"""What a history tells is odd or inexact; what is missing is found all the same."""

import pytest

from bot.receive.history import Pace

ANN = 555
CONVERSATION = "tg:700001:555"
QUICK = Pace(every_s=0.1, grace_s=0.0)


@pytest.fixture
async def talking(bridge, telegram, kommo, eventually):
    """A bridge whose client has written and got an answer."""
    telegram.client_says("hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
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
