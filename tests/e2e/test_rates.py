"""Telegram's and Kommo's limits are kept, and nobody waits for somebody else's flood."""

import asyncio
import logging
import time
from datetime import UTC, datetime, timedelta

import pytest

from bot.app.delivering import USUAL_RULES
from sandbox.telegram.flood import FloodLimit

pytestmark = pytest.mark.no_cover  # it is about time, which counting costs

ANN, BOB = 555, 556
CONVERSATION = "tg:700001:555"
OTHER_TOKEN = "700002:FAKE-TOKEN-FOR-TESTS-ONLY-0000000002"
BROADCAST = range(1000, 1040)


@pytest.fixture
def two_bots(telegram, config):
    """A second bot beside the first."""
    telegram.add_bot(OTHER_TOKEN, name="Other", username="other_bot")
    second = f'[[telegram.bots]]\ntoken = "{OTHER_TOKEN}"\nsource = "second"\n'
    text = config.read_text(encoding="utf-8")
    text = text.replace("[listen]", f'source = "first"\n{second}[listen]')
    config.write_text(text, encoding="utf-8")


@pytest.fixture
def slow(config):
    """Settings that send ten messages a second through a bot."""
    text = config.read_text(encoding="utf-8")
    text = text.replace("[telegram]", "[telegram]\nmessages_per_s = 10")
    config.write_text(text, encoding="utf-8")


@pytest.fixture
def long_ago():
    """A moment at which a client wrote who does not wait for an answer any more."""
    return int(time.time()) - 7200


async def test_a_flood_to_one_client_keeps_to_telegrams_limit(
    bridge, telegram, kommo, eventually, ann
):
    """Many quick answers arrive in order; when Telegram refuses one, the others wait for it."""
    await ann.says("hi")
    telegram.flood_limit = FloodLimit()
    texts = [f"answer {number}" for number in range(9)]
    for text in texts:
        await kommo.manager_says(text, to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == texts)
    assert telegram.flood_limit.refused <= 2


async def test_the_parts_of_a_long_message_come_as_fast_as_the_chat_may(
    bridge, telegram, kommo, eventually, ann
):
    """What needs more calls than a burst has goes on where it stopped, in order, once."""
    await ann.says("hi")
    words = "\n\n".join(f"{number:04} " + "x" * 4000 for number in range(22))
    message_id = await kommo.manager_says(words, to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert "\n\n".join(telegram.texts_to(ANN)) == words


async def test_an_answer_overtakes_a_broadcast(
    slow, bridge, telegram, kommo, eventually, long_ago
):
    """A client who waits for an answer gets it while most of a broadcast is still to come."""
    for chat_id in BROADCAST:
        telegram.client_says("hi", chat_id=chat_id, date=long_ago)
    telegram.client_says("hi")
    await eventually(lambda: len(kommo.conversations) == len(BROADCAST) + 1)
    for chat_id in BROADCAST:
        await kommo.manager_says("a broadcast", to=f"tg:700001:{chat_id}")
    earlier = sum(bool(telegram.texts_to(chat_id)) for chat_id in BROADCAST)
    await kommo.manager_says("for Ann", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["for Ann"])
    meanwhile = sum(bool(telegram.texts_to(chat_id)) for chat_id in BROADCAST) - earlier
    assert meanwhile < (len(BROADCAST) - earlier) / 2
    await eventually(lambda: all(telegram.texts_to(chat_id) for chat_id in BROADCAST))


async def test_a_bot_whose_sends_hang_does_not_starve_another(
    two_bots, bridge, telegram, kommo, eventually
):
    """However much waits for one bot, the clients of another get their answers."""
    bridge.options["hold_s"] = 0.1  # so long a send that hangs holds up the next of its bot
    await bridge.restart()
    for chat_id in BROADCAST:
        telegram.client_says("hi", chat_id=chat_id, bot=700001)
    telegram.client_says("hi", chat_id=BOB, bot=700002)
    await eventually(lambda: len(kommo.conversations) == len(BROADCAST) + 1)
    hanging = telegram.faults.hang(
        "sendMessage", where=lambda call: int(call.chat_id or 0) in BROADCAST, times=None
    )
    for chat_id in BROADCAST:
        await kommo.manager_says("a broadcast", to=f"tg:700001:{chat_id}")
    await eventually(lambda: hanging.hits > 2)
    await kommo.manager_says("for Bob", to="tg:700002:556")
    await eventually(lambda: telegram.texts_to(BOB) == ["for Bob"])
    assert not any(telegram.texts_to(chat_id) for chat_id in BROADCAST)
    telegram.faults.remove(hanging)


async def test_floods_in_several_chats_silence_the_whole_bot(
    bridge, telegram, kommo, eventually, caplog
):
    """When Telegram refuses several chats, the bot sends nothing for as long as it says."""
    for chat_id in (ANN, BOB, 557):
        telegram.client_says("hi", chat_id=chat_id)
    await eventually(lambda: len(kommo.conversations) == 3)
    telegram.faults.fail("sendMessage", status=429, retry_after=3, chat_id=ANN)
    second = telegram.faults.fail("sendMessage", status=429, retry_after=3, chat_id=BOB)
    with caplog.at_level(logging.WARNING):
        await kommo.manager_says("for Ann", to=CONVERSATION)
        await kommo.manager_says("for Bob", to="tg:700001:556")
        await eventually(lambda: second.hits == 1)
        await eventually(lambda: "in several chats" in caplog.text)
    refused_at = time.time()
    await kommo.manager_says("for Max", to="tg:700001:557")
    await eventually(lambda: telegram.texts_to(557) == ["for Max"])
    assert telegram.sent_to(557)[0].at >= refused_at + 2
    await eventually(
        lambda: (telegram.texts_to(ANN), telegram.texts_to(BOB)) == (["for Ann"], ["for Bob"])
    )


async def test_a_press_is_answered_while_its_chat_has_to_wait(
    bridge, telegram, kommo, eventually, ann
):
    """What answers a press waits for no message."""
    await ann.says("hi")
    markup = {"mode": "inline", "buttons": [[{"text": "Yes"}]]}
    question = await kommo.manager_says("Well?", to=CONVERSATION, markup=markup)
    await eventually(lambda: kommo.statuses_of(question) == [1])
    flood = telegram.faults.fail("sendMessage", status=429, retry_after=60)
    await kommo.manager_says("later", to=CONVERSATION)
    await eventually(lambda: flood.hits == 1)
    press = telegram.client_presses(telegram.sent_to(ANN)[0].message_id, "Yes")
    await eventually(lambda: telegram.callbacks[press] is not None)
    assert telegram.texts_to(ANN) == ["Well?"]


async def test_kommo_never_gets_more_than_ten_requests_at_a_time(
    bridge, telegram, kommo, eventually, ann
):
    """However many clients write at once."""
    await ann.says("hi")
    hanging = kommo.faults.hang("/v2/origin/custom/*", times=None)
    for chat_id in BROADCAST:
        telegram.client_says("hi", chat_id=chat_id)
    await eventually(lambda: hanging.hits == 10)
    await eventually(lambda: len(telegram.confirmed()) >= len(BROADCAST))
    assert hanging.hits == 10
    kommo.faults.remove(hanging)
    await eventually(lambda: len(kommo.conversations) == len(BROADCAST) + 1)


async def test_a_kommo_that_is_back_is_not_stormed(bridge, telegram, kommo, eventually):
    """What piled up goes out ten at a time and in order; meanwhile each client cost few calls."""
    bridge.options["rules"] = USUAL_RULES  # their pauses are what it is about
    await bridge.restart()
    for chat_id in BROADCAST:
        telegram.client_says("before", chat_id=chat_id)
    await eventually(lambda: len(kommo.conversations) == len(BROADCAST))
    down = kommo.faults.fail("/v2/origin/custom/*", status=503, times=None)
    for text in ("first", "second", "third"):
        for chat_id in BROADCAST:
            telegram.client_says(text, chat_id=chat_id)
    await eventually(lambda: len(telegram.confirmed()) >= 4 * len(BROADCAST))
    await eventually(lambda: down.hits >= len(BROADCAST))
    hanging = kommo.faults.hang("/v2/origin/custom/*", times=None)
    kommo.faults.remove(down)
    assert down.hits <= 3 * len(BROADCAST)
    await eventually(lambda: hanging.hits == 10)
    await asyncio.sleep(2)  # the next attempts of all of them are due by now
    assert hanging.hits == 10
    kommo.faults.remove(hanging)
    texts = ["before", "first", "second", "third"]
    await eventually(
        lambda: all(kommo.texts_in(f"tg:700001:{chat_id}") == texts for chat_id in BROADCAST),
        within_s=30,
    )


async def test_a_telegram_that_is_back_is_not_stormed(bridge, telegram, kommo, eventually):
    """What piled up goes out as fast as a bot may send, in order."""
    bridge.options["rules"] = USUAL_RULES  # their pauses are what it is about
    await bridge.restart()
    for chat_id in BROADCAST:
        telegram.client_says("before", chat_id=chat_id)
    await eventually(lambda: len(kommo.conversations) == len(BROADCAST))
    telegram.flood_limit = FloodLimit()
    down = telegram.faults.fail("sendMessage", status=502, times=None)
    for text in ("first", "second"):
        for chat_id in BROADCAST:
            await kommo.manager_says(text, to=f"tg:700001:{chat_id}")
    await eventually(lambda: down.hits >= len(BROADCAST))
    telegram.faults.remove(down)
    assert down.hits <= 3 * len(BROADCAST)
    await eventually(
        lambda: all(telegram.texts_to(chat_id) == ["first", "second"] for chat_id in BROADCAST),
        within_s=30,
    )
    assert telegram.flood_limit.refused <= 2


async def test_when_kommo_asks_to_slow_down_nothing_is_sent_to_it(
    bridge, telegram, kommo, eventually, ann
):
    """A refusal of one client's message holds the others' back as well, as long as Kommo says."""
    await ann.says("hi")
    flood = kommo.faults.fail("/v2/origin/custom/*", status=429, retry_after=2)
    telegram.client_says("first")
    await eventually(lambda: flood.hits == 1)
    refused_at = datetime.now(UTC)
    for chat_id in range(600, 605):
        telegram.client_says("hi", chat_id=chat_id)
    await eventually(lambda: "first" in kommo.texts_in(CONVERSATION))
    await eventually(lambda: len(kommo.conversations) == 6)
    later = [call.at for call in kommo.calls("send") if call.at > refused_at]
    assert len(later) == 6
    assert min(later) >= refused_at + timedelta(seconds=1.5)
