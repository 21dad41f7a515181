"""A clock that jumps by an hour costs time and a line in the log, and no message."""

import logging
from datetime import timedelta

import pytest

ANN = 555
CONVERSATION = "tg:700001:555"


@pytest.mark.parametrize("hours", [1, -1], ids=["ahead", "behind"])
async def test_a_clock_that_jumps_is_named_and_loses_nothing(
    bridge, telegram, kommo, eventually, caplog, hours
):
    """Kommo refuses signatures meanwhile; with the right time all goes on without a restart."""
    telegram.client_says("before")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    with caplog.at_level(logging.WARNING):
        bridge.ahead = timedelta(hours=hours)
        telegram.client_says("meanwhile")
        await eventually(lambda: "set it right" in caplog.text)
        assert "the clock was moved" in caplog.text
        message_id = await kommo.manager_says("an answer", to=CONVERSATION)
        await eventually(lambda: telegram.texts_to(ANN) == ["an answer"])
    bridge.ahead = timedelta(0)
    telegram.client_says("after")
    await eventually(
        lambda: (
            [t for t in kommo.texts_in(CONVERSATION) if t != "an answer"]
            == ["before", "meanwhile", "after"]
        )
    )
    await eventually(lambda: kommo.statuses_of(message_id)[:1] == [1])
