"""When systemd is told that the service lives."""

import asyncio
from dataclasses import dataclass

import pytest

from bot.health import BotHealth, ChannelHealth, Health
from bot.operate.service.systemd import Notifier
from bot.operate.service.watchdog import STUCK_S, Watchdog


class Told(Notifier):
    """Keeps what systemd would be told."""

    def __init__(self) -> None:
        super().__init__({"WATCHDOG_USEC": "30000"})
        self.states: list[tuple[str, ...]] = []
        self.heard_twice = asyncio.Event()

    def send(self, *states: str) -> None:
        self.states.append(states)
        if len(self.states) > 1:
            self.heard_twice.set()


@dataclass
class Part:
    """A part that moved so many seconds ago."""

    ago_s: float | None
    name: str = "delivery to Kommo"

    @property
    def moved_at(self) -> float | None:
        now = asyncio.get_running_loop().time()
        return None if self.ago_s is None else now - self.ago_s


def watchdog(told, *, part=None, is_alive=True):
    """Return a watchdog over one part and a database."""

    async def alive():
        return is_alive

    return Watchdog(
        told, parts=[part or Part(0.0)], is_database_alive=alive, describe=lambda: "all is well"
    )


async def test_a_status_line_that_changes_is_said_soon(monkeypatch):
    """Systemd hears within a second what has changed, however seldom it wants signs of life."""
    monkeypatch.setattr("bot.operate.service.watchdog.LOOKED_S", 0.01)
    told, lines = Told(), ["not connected"]
    told.watchdog_s = 600.0

    async def alive():
        return True

    watch = Watchdog(told, parts=[], is_database_alive=alive, describe=lambda: lines[-1])
    running = asyncio.create_task(watch.run())
    await asyncio.sleep(0.05)
    lines.append("connected")
    async with asyncio.timeout(5):
        await told.heard_twice.wait()
    running.cancel()
    assert [state[-1] for state in told.states] == ["STATUS=not connected", "STATUS=connected"]


async def test_ready_is_said_once_then_alive():
    """The first look that finds all moving says ready; each one says alive."""
    told = Told()
    watch = watchdog(told)
    await watch.look()
    await watch.look()
    alive = ("WATCHDOG=1", "STATUS=all is well")
    assert told.states == [("READY=1", *alive), alive]


@pytest.mark.parametrize(
    ("part", "is_alive"),
    [
        pytest.param(Part(STUCK_S + 1), True, id="a-worker-hangs"),
        pytest.param(Part(0.0), False, id="the-database-takes-no-writes"),
    ],
)
async def test_nothing_is_said_while_something_hangs(part, is_alive, caplog):
    """What hangs is not fed, so that systemd starts the service again."""
    told = Told()
    await watchdog(told, part=part, is_alive=is_alive).look()
    assert told.states == []
    assert "systemd restarts" in caplog.text


async def test_a_worker_that_waits_for_its_start_does_not_hang():
    """Delivery that waits for Kommo's first answer is no reason to start again."""
    told = Told()
    await watchdog(told, part=Part(None)).look()
    assert told.states


async def test_it_looks_three_times_in_the_time_that_systemd_allows():
    """The loop goes on until it is cancelled."""
    told = Told()
    watch = watchdog(told)
    task = asyncio.create_task(watch.run())
    await told.heard_twice.wait()
    task.cancel()
    assert told.states[1][0] == "WATCHDOG=1"


@pytest.mark.parametrize(
    ("health", "line"),
    [
        (Health(bots={1: BotHealth(1)}), "not connected to Kommo; 1 of 1 bots work"),
        (
            Health(
                bots={1: BotHealth(1, problem="revoked")},
                channel=ChannelHealth(is_connected=True),
            ),
            "connected to Kommo; 0 of 1 bots work",
        ),
    ],
)
def test_the_state_is_one_line(health, line):
    """`systemctl status` shows how it is."""
    assert health.summary() == line


@pytest.mark.parametrize(
    ("channel", "line"),
    [
        (ChannelHealth(is_connected=True), "ready; connected to Kommo; 1 of 1 bots work"),
        (ChannelHealth(), "ready; not connected to Kommo; 1 of 1 bots work"),
        (
            ChannelHealth(is_refused=True, problem="403"),
            "not connected to Kommo; 1 of 1 bots work",
        ),
    ],
)
def test_systemctl_says_ready_while_the_service_can_work(channel, line):
    """An outage of Kommo is what the queues are for; a channel that is refused is not."""
    assert Health(bots={1: BotHealth(1)}, channel=channel).status_line() == line
