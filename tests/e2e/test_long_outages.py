"""An outage of an hour, and names that mean nothing: said, survived, made up for."""

import logging
from datetime import UTC, datetime, timedelta

import pytest

from storage.database import Database

ANN, BOSS = 555, 900
CONVERSATION = "tg:700001:555"


@pytest.fixture
async def known(bridge, telegram, kommo, eventually):
    """A client who wrote, in an account that has the bridge's time."""
    kommo.account.now = lambda: datetime.now(UTC) + bridge.ahead
    telegram.client_says("before")
    await eventually(lambda: CONVERSATION in kommo.conversations)


async def test_after_an_hour_an_answer_is_given_up_and_a_clients_message_is_kept(
    known, bridge, telegram, kommo, eventually
):
    """The manager learns that the answer failed; what the client wrote arrives."""
    down = telegram.faults.fail("sendMessage", status=502, times=None)
    answer = await kommo.manager_says("answer", to=CONVERSATION)
    await eventually(lambda: down.hits >= 1)
    kommo.is_down = True
    confirmed = len(telegram.confirmed())
    telegram.client_says("meanwhile")
    await eventually(lambda: len(telegram.confirmed()) > confirmed)
    await bridge.stop()
    bridge.ahead = timedelta(minutes=61)
    await bridge.start()
    kommo.is_down = False
    await eventually(lambda: kommo.statuses_of(answer) == [-1])
    await eventually(lambda: "meanwhile" in kommo.texts_in(CONVERSATION))
    telegram.faults.remove(down)
    later = await kommo.manager_says("later", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(later) == [1])
    assert telegram.texts_to(ANN) == ["later"]


@pytest.mark.parametrize(
    "refusal", [{"status": 429, "retry_after": 1}, {"status": 502}], ids=["flood", "outage"]
)
async def test_after_a_long_pause_an_answer_has_all_its_time(
    known, bridge, config, telegram, kommo, eventually, refusal
):
    """What an operator holds back for an hour is not given up with the first refusal."""
    await bridge.stop()
    text = config.read_text(encoding="utf-8")
    config.write_text(f"{text}\n[operators]\nchat_ids = [{BOSS}]\n", encoding="utf-8")
    await bridge.start()
    telegram.client_says("/pause", chat_id=BOSS)
    await eventually(lambda: len(telegram.texts_to(BOSS)) == 1)
    answer = await kommo.manager_says("answer", to=CONVERSATION)
    telegram.client_says("/pause", chat_id=BOSS)  # it is paused since the first one
    await eventually(lambda: len(telegram.texts_to(BOSS)) == 2)
    await bridge.stop()
    bridge.ahead = timedelta(minutes=61)
    await bridge.start()
    telegram.faults.fail("sendMessage", **refusal, chat_id=ANN)
    telegram.client_says("/resume", chat_id=BOSS)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    async with Database.open(bridge.settings.database) as database, database.snapshot() as found:
        (item,) = await found.to_telegram.list_items(states=("done",), limit=9)
    assert item.expires_at - item.created_at >= timedelta(minutes=121)


@pytest.mark.parametrize(
    "refusal", [{"status": 429, "retry_after": 1}, {"status": 502}], ids=["flood", "outage"]
)
async def test_what_was_never_tried_is_tried_in_earnest_after_an_outage_of_the_bridge(
    known, bridge, telegram, kommo, eventually, refusal
):
    """An answer whose time passed while the bridge was off survives the first refusals."""
    flood = telegram.faults.fail("sendMessage", status=429, retry_after=3600)
    await kommo.manager_says("one", to=CONVERSATION)
    await eventually(lambda: flood.hits == 1)
    second = await kommo.manager_says("two", to=CONVERSATION)
    await bridge.stop()
    bridge.ahead = timedelta(minutes=61)
    for text in ("one", "two"):
        telegram.faults.fail(
            "sendMessage", **refusal, where=lambda call, text=text: call.fields["text"] == text
        )
    await bridge.start()
    await eventually(lambda: kommo.statuses_of(second) == [1])
    assert telegram.texts_to(ANN) == ["one", "two"]


@pytest.mark.parametrize("side", ["telegram", "kommo"])
async def test_a_name_that_cannot_be_resolved_is_said_and_costs_time_only(
    known, bridge, config, telegram, kommo, eventually, caplog, side
):
    """Without a name server nothing is lost and nothing is sent twice."""
    await bridge.stop()
    right = config.read_text(encoding="utf-8")
    url = {"telegram": telegram.url, "kommo": kommo.url}[side]
    config.write_text(right.replace(f'"{url}"', f'"https://{side}.invalid"'), encoding="utf-8")
    telegram.client_says("meanwhile")
    with caplog.at_level(logging.WARNING):
        await bridge.start()
        answer = await kommo.manager_says("answer", to=CONVERSATION)
        words = {"telegram": "Telegram could not be reached", "kommo": "no answer from Kommo"}
        await eventually(lambda: words[side] in caplog.text)
    await bridge.stop()
    config.write_text(right, encoding="utf-8")
    await bridge.start()
    await eventually(lambda: kommo.statuses_of(answer)[:1] == [1])
    await eventually(lambda: "meanwhile" in kommo.texts_in(CONVERSATION))
    assert telegram.texts_to(ANN) == ["answer"]
