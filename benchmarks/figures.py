"""The figures, one function each: what to run, and the rows that come of it."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import load, subjects
from benchmarks.http import Poster
from benchmarks.imports import importing
from benchmarks.load import Cost, percentile
from benchmarks.report import Row
from benchmarks.stored import CONVERSATIONS, MESSAGES, fill
from benchmarks.subjects import Subject
from benchmarks.world import FIRST_CHAT, World


@dataclass(frozen=True)
class Scale:
    """How much of everything."""

    rounds: int = 5
    messages: int = 400
    acks: int = 2000
    trickle: int = 100
    waiting: int = 10_000
    asked: int = 500
    memory: int = 100_000
    starts: int = 3
    slow: int = 1000
    drain: int = 20_000
    stored: int = MESSAGES
    conversations: int = CONVERSATIONS
    flood: int = 10_000
    beside: int = 600
    imported: int = 100_000


QUICK = Scale(
    rounds=2,
    messages=300,
    acks=600,
    trickle=20,
    waiting=500,
    asked=50,
    memory=1000,
    starts=1,
    slow=60,
    drain=500,
    stored=20_000,
    conversations=2_000,
    flood=1_000,
    beside=60,
    imported=2_000,
)
TINY = Scale(
    rounds=1,
    messages=10,
    acks=20,
    trickle=2,
    waiting=5,
    asked=2,
    memory=10,
    starts=1,
    slow=10,
    drain=10,
    stored=100,
    conversations=10,
    flood=10,
    beside=4,
    imported=100,
)


@dataclass(frozen=True)
class Bench:
    """Where and how much is measured."""

    folder: Path
    scale: Scale

    def new_folder(self) -> TemporaryDirectory[str]:
        """Return a folder of one measurement, on the disk that is measured."""
        return TemporaryDirectory(dir=self.folder)


Figure = Callable[[Bench], Awaitable[list[Row]]]


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


async def _pair(stack: AsyncExitStack, bench: Bench) -> tuple[Subject, Subject]:
    """Start both bridges and let every client write once."""
    folder = Path(stack.enter_context(bench.new_folder()))
    bare = await stack.enter_async_context(subjects.bare(folder))
    bridge = await stack.enter_async_context(subjects.bridge(folder))
    for subject in (bare, bridge):
        await load.incoming(subject, load.CLIENTS)
    return bare, bridge


async def throughput(bench: Bench) -> list[Row]:
    """Measure both directions at full speed, bare and bridge in turns, and the cost."""
    costs: dict[tuple[str, str], list[Cost]] = {}
    async with AsyncExitStack() as stack:
        bare, bridge = await _pair(stack, bench)
        for number in range(bench.scale.rounds):
            pair = (bare, bridge) if number % 2 else (bridge, bare)
            for way, run in (("in", load.incoming), ("out", load.outgoing)):
                for subject in pair:
                    cost = await run(subject, bench.scale.messages)
                    costs.setdefault((way, subject.name), []).append(cost)
                    _say(
                        f"{way} {subject.name}: {cost.per_s:.0f}/s, {cost.cpu_per_1000:.2f} s/1000"
                    )
        _check(bridge)
    rows = []
    for way, words in (("in", "incoming"), ("out", "outgoing")):
        theirs, ours = costs[way, "bare"], costs[way, "bridge"]
        speeds = tuple(one.per_s for one in ours), tuple(one.per_s for one in theirs)
        prices = (
            tuple(one.cpu_per_1000 for one in ours),
            tuple(one.cpu_per_1000 for one in theirs),
        )
        rows += [
            Row(f"{words} messages/s", "≥ 1.0 × bare", speeds[0], 1.0, speeds[1], is_least=True),
            Row(f"CPU s per 1,000 {words}", "≤ 1.2 × bare", prices[0], 1.2, prices[1]),
        ]
    return rows


def _check(subject: Subject) -> None:
    """Refuse figures of a bridge that cheats."""
    kommo, telegram = subject.world.kommo, subject.world.telegram
    if kommo.misordered or kommo.wrong or kommo.shown.repeated or telegram.sent.repeated:
        raise RuntimeError("the bridge lost the order, repeated itself, or signed wrongly")


async def acknowledgements(bench: Bench) -> list[Row]:
    """Measure webhooks answered a second, Telegram hanging, beside the handler alone."""
    ours, theirs = [], []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(bench.new_folder()))
        forgetful = await stack.enter_async_context(subjects.forgetful(folder))
        bridge = await stack.enter_async_context(subjects.bridge(folder))
        await load.incoming(bridge, load.CLIENTS)
        bridge.world.telegram.is_hanging = True
        for subject in (forgetful, bridge):
            await load.acknowledged(subject, bench.scale.acks // 10)
        for _ in range(bench.scale.rounds):
            theirs.append(await load.acknowledged(forgetful, bench.scale.acks))
            ours.append(await load.acknowledged(bridge, bench.scale.acks))
            _say(f"acks: {ours[-1]:.0f}/s on disk, {theirs[-1]:.0f}/s storing nothing")
    name = "webhooks acknowledged/s, 64 connections (bare: storing nothing)"
    return [Row(name, "≥ 0.75 × bare", tuple(ours), 0.75, tuple(theirs), is_least=True)]


async def latency(bench: Bench) -> list[Row]:
    """Measure how long a message takes at five a second, both bridges at the same time."""
    rows = []
    async with AsyncExitStack() as stack:
        pair = await _pair(stack, bench)
        for words, run in (("incoming", load.trickle_in), ("outgoing", load.trickle_out)):
            theirs, ours = await asyncio.gather(
                *(run(subject, bench.scale.trickle, 5) for subject in pair)
            )
            for share, name, most in ((0.5, "p50", 5), (0.99, "p99", 25)):
                rows.append(
                    Row(
                        f"{words} latency {name}, ms",
                        f"≤ {most} ms over bare",
                        (percentile(ours, share),),
                        most,
                        (percentile(theirs, share),),
                        is_difference=True,
                    )
                )
    return rows


async def flooded(bench: Bench) -> list[Row]:
    """Measure how long others' messages take while one client writes more than is shown."""
    count, per_s = bench.scale.beside, 20
    quiet: list[float] = []
    beside: list[float] = []
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(bench.new_folder()))
        bridge = await stack.enter_async_context(subjects.bridge(folder, per_min=60))
        await load.incoming(bridge, load.CLIENTS)
        for number in range(2):
            quiet += await load.trickle_in(bridge, count // 2, per_s)
            flood = bench.scale.flood // 2
            _nothing, took_ms = await asyncio.gather(
                load.flood_of_one(bridge, flood, count / 2 / per_s),
                load.trickle_in(bridge, count // 2, per_s),
            )
            beside += took_ms
            _say(f"round {number + 1}: p99 {percentile(took_ms, 0.99):.1f} ms beside the flood")
            await bridge.settle()
    return [
        Row(
            f"p99 beside {bench.scale.flood:,} messages of one client, ms (bare: without them)",
            "≤ 1.1 × without",
            (percentile(beside, 0.99),),
            1.1,
            (percentile(quiet, 0.99),),
        )
    ]


async def beside_import(bench: Bench) -> list[Row]:
    """Measure live messages without and beside an import, and the whole import."""
    count, scale, per_s = bench.scale.imported, bench.scale, 20
    quiet: dict[str, list[float]] = {}
    beside: dict[str, list[float]] = {}
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(bench.new_folder()))
        bridge = await stack.enter_async_context(subjects.bridge(folder))
        await load.incoming(bridge, load.CLIENTS)
        idle = await _import_all(bridge, folder, 1)
        for words, run in (("incoming", load.trickle_in), ("outgoing", load.trickle_out)):
            quiet[words] = await run(bridge, scale.beside, per_s)
        before, began = len(bridge.world.kommo.shown.at), time.perf_counter()
        async with importing(folder, bridge.world, count) as running:
            watching = asyncio.create_task(running.end())
            await bridge.world.kommo.shown.reach(before + min(10, count))
            for words, run in (("incoming", load.trickle_in), ("outgoing", load.trickle_out)):
                beside[words] = await run(bridge, scale.beside, per_s)
                if not running.is_running:
                    _say(f"the import was over before the {words} messages: take more of it")
            await watching
        took_s = time.perf_counter() - began
        _check(bridge)
        if len(bridge.world.kommo.shown.at) != before + count - 1 + scale.beside:
            raise RuntimeError("the import left messages out")
    _say(f"import: {count / took_s:.0f} messages/s, live ones beside it; {took_s:.0f} s")
    rows = [
        Row(
            f"{words} latency {name} beside an import, ms (bare: without it)",
            "≤ 2 × without",
            (percentile(beside[words], share),),
            2.0,
            (percentile(quiet[words], share),),
        )
        for words in quiet
        for share, name in ((0.5, "p50"), (0.99, "p99"))
    ]
    name = f"memory of an import of {count:,} messages above one of a single message, MB"
    return [*rows, Row(name, "≤ 50 MB", (running.peak_mb - idle,), 50)]


async def _import_all(bridge: Subject, folder: Path, count: int) -> float:
    """Import so many messages; return the most memory that it took, in MB."""
    async with importing(folder, bridge.world, count) as running:
        await running.end()
    return running.peak_mb


async def hanging(bench: Bench) -> list[Row]:
    """Measure how long a webhook's answer takes while Telegram hangs and much waits."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(bench.new_folder()))
        bridge = await stack.enter_async_context(subjects.bridge(folder))
        await load.incoming(bridge, load.CLIENTS)
        bridge.world.telegram.is_hanging = True
        await load.acknowledged(bridge, bench.scale.waiting)
        took_ms = []
        poster = await Poster.connect(bridge.world.hook_port)
        for hook in bridge.world.hooks(bench.scale.asked, load.CLIENTS):
            began = time.perf_counter()
            await poster.post(hook)
            took_ms.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.02)
        poster.close()
    name = f"webhook answer p99 while {bench.scale.waiting:,} wait, ms"
    return [Row(name, "≤ 50 ms", (percentile(took_ms, 0.99),), 50)]


async def memory(bench: Bench) -> list[Row]:
    """Measure memory at rest, and after many messages both ways."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(bench.new_folder()))
        bare = await stack.enter_async_context(subjects.bare(folder))
        bridge = await stack.enter_async_context(subjects.bridge(folder))
        await asyncio.sleep(2)
        idle = bridge.memory_mb()
        rows = [Row("idle memory, MB", "≤ 1.10 × bare", (idle,), 1.10, (bare.memory_mb(),))]
        left = bench.scale.memory
        while left > 0:
            share = min(left, 5000)
            await load.incoming(bridge, share - share // 2)
            await load.outgoing(bridge, share // 2)
            left -= share
            _say(f"memory: {bridge.memory_mb():.0f} MB, {left} messages left")
        now = bridge.memory_mb()
    name = f"memory after {bench.scale.memory:,} messages, MB (bare: idle)"
    return [*rows, Row(name, "≤ 1.15 × idle", (now,), 1.15, (idle,))]


async def start(bench: Bench) -> list[Row]:
    """Measure the time from the command to healthy, in turns."""
    ours, theirs = [], []
    for _ in range(bench.scale.starts + 1):
        with bench.new_folder() as folder:
            async with subjects.bare(Path(folder)) as subject:
                theirs.append(subject.started_s)
            async with subjects.bridge(Path(folder)) as subject:
                ours.append(subject.started_s)
        _say(f"start: bridge {ours[-1]:.2f} s, bare {theirs[-1]:.2f} s")
    row = Row("start to healthy, s", "≤ 1.25 × bare", tuple(ours[1:]), 1.25, tuple(theirs[1:]))
    return [row]


async def slow_kommo(bench: Bench) -> list[Row]:
    """Measure incoming while Kommo takes 100 ms for each answer."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(bench.new_folder()))
        bridge = await stack.enter_async_context(subjects.bridge(folder))
        await load.incoming(bridge, load.CLIENTS)
        bridge.world.kommo.latency_s = 0.1
        many = await load.incoming(bridge, bench.scale.slow, clients=20)
        one = await load.incoming(bridge, max(bench.scale.slow // 10, 2), clients=1)
        _check(bridge)
    return [
        Row(
            "incoming/s of 20 clients, Kommo answers after 100 ms",
            "≥ 95",
            (many.per_s,),
            95,
            is_least=True,
        ),
        Row("incoming/s of one client, likewise", "≥ 9", (one.per_s,), 9, is_least=True),
    ]


async def much_stored(bench: Bench) -> list[Row]:
    """Measure what a message costs with much stored, beside an empty database."""
    prices: dict[str, list[tuple[float, float]]] = {"empty": [], "full": []}
    async with AsyncExitStack() as stack:
        folders = {name: Path(stack.enter_context(bench.new_folder())) for name in prices}
        async with subjects.bridge(folders["full"]):
            pass
        _say("filling a database")
        path = folders["full"] / "kommo-telegram.sqlite3"
        await asyncio.to_thread(fill, path, bench.scale.stored, bench.scale.conversations)
        both = {
            name: await stack.enter_async_context(subjects.bridge(folder))
            for name, folder in folders.items()
        }
        for subject in both.values():
            await load.incoming(subject, load.CLIENTS)
        for number in range(bench.scale.rounds):
            for name in sorted(both, reverse=bool(number % 2)):
                there = await load.incoming(both[name], bench.scale.messages)
                back = await load.outgoing(both[name], bench.scale.messages)
                prices[name].append(
                    (there.cpu_per_1000 + back.cpu_per_1000, there.took_s + back.took_s)
                )
                _say(f"stored, {name}: {prices[name][-1][0]:.2f} s/1000")
    title = f"with {bench.scale.stored:,} messages stored (bare: empty)"
    return [
        Row(
            f"{what} {title}",
            "≤ 1.05 × empty",
            tuple(one[place] for one in prices["full"]),
            1.05,
            tuple(one[place] for one in prices["empty"]),
        )
        for place, what in enumerate(("CPU s per 1,000 both ways", "seconds of a round"))
    ]


async def drain(bench: Bench) -> list[Row]:
    """Measure how fast what waited during an outage goes out, and what memory that takes."""
    count = bench.scale.drain
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(bench.new_folder()))
        world = await stack.enter_async_context(World.open(subjects.free_port()))
        async with subjects.bridge(folder, world) as bridge:
            usual = await load.incoming(bridge, load.CLIENTS)
            usual = await load.incoming(bridge, max(count // 10, 10))
        world.kommo.is_down = True
        async with subjects.bridge(folder, world) as bridge:
            for number in range(count):
                world.telegram.say(FIRST_CHAT + number % load.CLIENTS, f"Waiting {number}")
            while world.telegram.waiting():
                await asyncio.sleep(0.1)
            await bridge.settle()
        world.kommo.is_down = False
        before, began = len(world.kommo.shown.at), time.perf_counter()
        async with subjects.bridge(folder, world) as bridge:
            idle = bridge.memory_mb()
            await world.kommo.shown.reach(before + count)
            first = sorted(world.kommo.shown.at.values())[before]
            per_s = count / (time.perf_counter() - max(first, began))
            peak = bridge.memory_mb("VmHWM")
            _check(bridge)
    return [
        Row(
            f"{count:,} waiting messages drained/s (bare: incoming rate)",
            "≥ 0.9 × incoming rate",
            (per_s,),
            0.9,
            (usual.per_s,),
            is_least=True,
        ),
        Row("memory above start while draining, MB", "≤ 64 MB", (peak - idle,), 64),
    ]


FIGURES: dict[str, Figure] = {
    "start": start,
    "throughput": throughput,
    "acks": acknowledgements,
    "latency": latency,
    "flooded": flooded,
    "import": beside_import,
    "hanging": hanging,
    "slow-kommo": slow_kommo,
    "drain": drain,
    "stored": much_stored,
    "memory": memory,
}
