"""Loads: so many messages through one subject, and what they cost."""

import asyncio
import time
from dataclasses import dataclass

from benchmarks.http import Poster, flood
from benchmarks.subjects import Subject
from benchmarks.world import FIRST_CHAT

CLIENTS = 200
HOOK_CONNECTIONS = 64


@dataclass(frozen=True)
class Cost:
    """What a load came to."""

    count: int
    took_s: float
    cpu_s: float
    acknowledged_s: float = 0.0

    @property
    def per_s(self) -> float:
        """Return how many messages a second went through."""
        return self.count / self.took_s

    @property
    def cpu_per_1000(self) -> float:
        """Return the processor seconds of 1,000 messages."""
        return self.cpu_s / self.count * 1000


async def incoming(subject: Subject, count: int, clients: int = CLIENTS) -> Cost:
    """Let clients write so many texts; done when Kommo has them all."""
    telegram, shown = subject.world.telegram, subject.world.kommo.shown
    wanted, cpu_s, began = len(shown.at) + count, subject.cpu_s(), time.perf_counter()
    for number in range(count):
        telegram.say(FIRST_CHAT + number % clients, f"Question {number}: when do you open?")
    await shown.reach(wanted)
    took_s = time.perf_counter() - began
    await subject.settle()
    return Cost(count, took_s, subject.cpu_s() - cpu_s)


async def outgoing(subject: Subject, count: int, clients: int = CLIENTS) -> Cost:
    """Let managers answer so often; done when Kommo knows that all were delivered."""
    world = subject.world
    hooks = world.hooks(count, clients)
    wanted, cpu_s = len(world.kommo.statuses.at) + count, subject.cpu_s()
    began = time.perf_counter()
    await flood(world.hook_port, hooks, HOOK_CONNECTIONS)
    acknowledged_s = time.perf_counter() - began
    await world.kommo.statuses.reach(wanted)
    took_s = time.perf_counter() - began
    await subject.settle()
    return Cost(count, took_s, subject.cpu_s() - cpu_s, acknowledged_s)


async def acknowledged(subject: Subject, count: int) -> float:
    """Post so many webhooks; return how many were answered a second."""
    hooks = subject.world.hooks(count, CLIENTS)
    began = time.perf_counter()
    await flood(subject.world.hook_port, hooks, HOOK_CONNECTIONS)
    return count / (time.perf_counter() - began)


async def trickle_in(subject: Subject, count: int, per_s: float) -> list[float]:
    """Let clients write evenly; return how long each message took to Kommo, in milliseconds."""
    said: dict[str, float] = {}
    for number in range(count):
        said[subject.world.telegram.say(FIRST_CHAT + number % CLIENTS, "?")] = time.perf_counter()
        await asyncio.sleep(1 / per_s)
    shown = subject.world.kommo.shown
    while not all(name in shown.at for name in said):
        await asyncio.sleep(0.05)
    return [(shown.at[name] - at) * 1000 for name, at in said.items()]


async def flood_of_one(subject: Subject, count: int, within_s: float) -> None:
    """Let one client, who is none of the others, write so much in so short a time."""
    began = time.perf_counter()
    for number in range(count):
        subject.world.telegram.say(FIRST_CHAT + CLIENTS, f"Spam {number}")
        due = began + number * within_s / count
        if due > time.perf_counter():
            await asyncio.sleep(due - time.perf_counter())


async def trickle_out(subject: Subject, count: int, per_s: float) -> list[float]:
    """Let managers write evenly; return how long each took to Telegram, in milliseconds."""
    world = subject.world
    poster = await Poster.connect(world.hook_port)
    before, said = len(world.telegram.sent.at), list[float]()
    for hook in world.hooks(count, CLIENTS):
        due = time.perf_counter() + 1 / per_s
        said.append(time.perf_counter())
        await poster.post(hook)
        await asyncio.sleep(max(due - time.perf_counter(), 0.0))
    poster.close()
    await world.telegram.sent.reach(before + count)
    arrived = list(world.telegram.sent.at.values())[before:]
    return [(at - since) * 1000 for since, at in zip(said, arrived, strict=True)]


def percentile(values: list[float], share: float) -> float:
    """Return the value below which so large a share of the values is."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
