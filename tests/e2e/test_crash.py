"""kill -9 at any moment: nothing lost, nothing out of order, nothing doubled in Kommo."""

import asyncio
import random

import pytest

from tests.e2e.traffic import Traffic

KILLS = 50

pytestmark = pytest.mark.no_cover  # the bridge is a process of its own; counting costs time


@pytest.fixture
def without_rates(config):
    """Settings that hold nobody back: what is to be seen are kills, not pauses."""
    text = config.read_text(encoding="utf-8")
    rates = "[telegram]\nmessages_per_s = 0\nchat_messages_per_s = 0\n"
    config.write_text(text.replace("[telegram]\n", rates), encoding="utf-8")


async def test_fifty_kills_lose_nothing_in_either_direction(
    without_rates, process, telegram, kommo, eventually
):
    """Through kills at random moments every message arrives, in order, and once in Kommo.

    Of Telegram, which has no key to recognise a repetition by, at most one per kill is repeated.
    """
    chance = random.Random(20261122)  # the same moments in every run
    traffic = Traffic(telegram, kommo, range(601, 605), chance)
    await process.start()
    traffic.greet()
    await eventually(traffic.is_known_to_kommo)
    for number in range(KILLS):
        flow = asyncio.create_task(traffic.flow(f"life {number}", rounds=2))
        await eventually(_has_come_so_far(traffic, flow, number))
        await asyncio.sleep(chance.uniform(0, 0.3))
        await process.kill()
        await flow
        await process.start()
    await eventually(traffic.has_arrived, within_s=120)
    tally = traffic.tally()
    assert tally.is_clean, tally
    assert tally.repeated_in_telegram <= KILLS, tally
    assert min(tally.from_clients, tally.from_managers) > KILLS // 2


def _has_come_so_far(traffic, flow, number):
    """Return what tells whether this life has taken an answer, or has had its chance."""
    return lambda: len(traffic.ids) > number or flow.done()
