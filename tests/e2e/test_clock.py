"""A clock that jumps by an hour costs time and a line in the log, and no message."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

ANN = 555
CONVERSATION = "tg:700001:555"


@pytest.mark.parametrize("hours", [1, -1], ids=["ahead", "behind"])
async def test_a_clock_that_jumps_is_named_and_loses_nothing(
    bridge, telegram, kommo, eventually, caplog, hours, ann
):
    """Kommo refuses signatures meanwhile; with the right time all goes on without a restart."""
    await ann.says("before")
    with caplog.at_level(logging.WARNING):
        bridge.ahead = timedelta(hours=hours)
        telegram.client_says("meanwhile")
        await eventually(lambda: "set it right" in caplog.text)
        assert "the system clock jumped" in caplog.text
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


async def test_a_clock_set_back_across_a_restart_stops_nothing(
    bridge, telegram, kommo, eventually, ann
):
    """What waited for its next attempt by the old time is tried at once, and so is the rest."""
    await bridge.stop()
    bridge.ahead = timedelta(hours=8)
    kommo.account.now = lambda: datetime.now(UTC) + bridge.ahead
    await bridge.start()
    await ann.says("before")
    fault = telegram.faults.fail("sendMessage", status=429, retry_after=3600)
    await kommo.manager_says("one", to=CONVERSATION)
    await eventually(lambda: fault.hits > 0)
    await bridge.stop()
    telegram.faults.remove(fault)
    bridge.ahead = timedelta(0)
    await bridge.start()
    await kommo.manager_says("two", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["one", "two"])


async def test_a_clock_that_is_set_back_holds_no_album_up(
    bridge, telegram, kommo, eventually, ann
):
    """Files that came together wait for one another for a second, whatever the clock says."""
    await ann.says("hi")
    bridge.ahead = timedelta(hours=1)
    for name in ("one.pdf", "two.pdf"):
        media = kommo.add_attachment(b"%PDF-1.4", name)
        await kommo.manager_sends(type="file", media=media, media_group_id="g", to=CONVERSATION)
    bridge.ahead = timedelta(0)
    await eventually(lambda: len(telegram.sent_to(ANN)) == 2, within_s=5)
