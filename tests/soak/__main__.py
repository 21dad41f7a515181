"""`make soak`: both directions for minutes, with failures and kills at random, then a tally.

The bridge is a real process between the sandbox's servers. Exit code 0 says that nothing was lost,
nothing came out of order, no status was wrong, and Telegram got no more repetitions than kills
and lost answers explain.
"""

import argparse
import asyncio
import contextlib
import random
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path

from sandbox.faults import Faults
from sandbox.kommo.model import Channel
from sandbox.kommo.server import KommoServer
from sandbox.telegram.server import TelegramServer
from tests.e2e.lives import Lives
from tests.e2e.traffic import Traffic
from tests.ports import free_port

CHANNEL_ID = "11111111-2222-4333-8444-555555555555"
ACCOUNT_ID = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
SECRET = "fa4e" * 10
TOKEN = "700001:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"
SETTINGS = """
public_url = "http://127.0.0.1:{listen}"
[kommo]
channel_id = "{channel_id}"
channel_secret = "{secret}"
account_id = "{account_id}"
chats_url = "{kommo}"
[telegram]
client_messages_per_min = 0
api_url = "{telegram}"
[[telegram.bots]]
token = "{token}"
[listen]
port = {listen}
[admin]
port = {admin}
"""

CALM_S, ROUND_S = 8.0, 3.0
DRAIN_S = 600.0
STALL_S, SLOW_S = 2.0, 6.0
DATABASE = "kommo-telegram.sqlite3"
LOST = "lost webhook to a silent client"
SILENT_MS = 5 * 86_400_000
MAY_REPEAT = ("kill", "kill during a stall", LOST, "Telegram: reset after")
OFF_S = 5.0
CLIENTS = range(601, 609)


def troubles(telegram: TelegramServer, kommo: KommoServer) -> dict[str, Callable[[], object]]:
    """Return what may go wrong with either server, by name."""
    return _of_kommo(kommo) | {
        f"{name}: {what}": partial(trouble, server.faults, call)
        for name, server, call in (
            ("Telegram", telegram, "sendMessage"),
            ("Telegram's updates", telegram, "getUpdates"),
            ("Kommo", kommo, ""),
        )
        for what, trouble in TROUBLES.items()
    }


def _of_kommo(kommo: KommoServer) -> dict[str, Callable[[], object]]:
    """Return what only Kommo, or what stands before it, does."""
    faults, scope = kommo.faults, f"/v2/origin/custom/{kommo.scope_id}"

    def switch_off() -> None:
        kommo.is_enabled = False
        asyncio.get_running_loop().call_later(OFF_S, setattr, kommo, "is_enabled", True)

    return {
        "Kommo: a page with 200": lambda: faults.html(scope, status=200, times=3),
        "Kommo: a page with 200, once done": lambda: faults.html(
            scope, status=200, after_processing=True
        ),
        "Kommo: a router's 404": lambda: faults.html(scope, status=404, times=3),
        "Kommo: an error in a 200": lambda: faults.fail(
            scope, status=200, body={"status": 0, "error_code": 500}, times=3
        ),
        "Kommo: drips": lambda: faults.drip(scope, seconds=10, times=3),
        "Kommo: drips, once done": lambda: faults.drip(scope, seconds=10, after_processing=True),
        "Kommo: integration off and on": switch_off,
    }


TROUBLES: dict[str, Callable[[Faults, str], object]] = {
    "error 500": lambda faults, call: faults.fail(call, status=500, times=3),
    "a page in HTML": lambda faults, call: faults.html(call, times=3),
    "slow down": lambda faults, call: faults.fail(call, status=429, retry_after=2, times=3),
    "a page in Latin-1": lambda faults, call: faults.fail(
        call, status=502, body="<h1>Serviço indisponível</h1>".encode("latin-1"), times=3
    ),
    "hangs": lambda faults, call: faults.hang(call, seconds=4, times=2),
    "reset before": lambda faults, call: faults.reset(call, times=3),
    "reset after": lambda faults, call: faults.reset(call, after_processing=True),
}


async def soak(minutes: float, seed: int, only: str = "") -> bool:
    """Run; return whether all promises were kept.

    Args:
        minutes: for how long.
        seed: of what happens by chance.
        only: what goes wrong has this in its name.
    """
    chance = random.Random(seed)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        telegram = await stack.enter_async_context(TelegramServer.start())
        telegram.add_bot(TOKEN, name="Sales", username="sales_bot")
        listen, admin = free_port(), free_port()
        kommo = await stack.enter_async_context(
            KommoServer.start(
                Channel(CHANNEL_ID, SECRET, ACCOUNT_ID),
                hook_url=f"http://127.0.0.1:{listen}/webhooks/kommo/:scope_id",
            )
        )
        config = folder / "config.toml"
        config.write_text(
            SETTINGS.format(
                listen=listen,
                admin=admin,
                channel_id=CHANNEL_ID,
                account_id=ACCOUNT_ID,
                secret=SECRET,
                token=TOKEN,
                kommo=kommo.url,
                telegram=telegram.url,
            ),
            encoding="utf-8",
        )
        config.chmod(0o600)
        lives = Lives(config, admin, is_patient=True)
        stack.push_async_callback(lives.end)
        await lives.start()
        traffic = Traffic(telegram, kommo, CLIENTS, chance)
        traffic.greet()
        await _until(traffic.is_known_to_kommo)
        ends = {
            "kill": partial(_kill, lives),
            "kill during a stall": partial(_kill_stalled, lives, folder / DATABASE),
            "stop while Telegram is slow": partial(_stop_slowly, lives, telegram),
            "clock moved across a restart": partial(_move_clock, lives, chance),
            LOST: partial(_lose_webhook, lives, folder / DATABASE, traffic),
        }
        possible = {k: v for k, v in troubles(telegram, kommo).items() if only in k}
        ends = {name: end for name, end in ends.items() if only in name}
        happened = await _trouble(minutes, traffic, ends, possible)
        telegram.faults.clear()
        kommo.faults.clear()
        await _until(traffic.has_arrived)
        tally = traffic.tally()
    for line in traffic.misplaced():
        print(f"out of order: {line}")
    for line in [*(f"{what:32}{count:>8}" for what, count in happened.items()), *tally.lines()]:
        print(line)
    allowed = sum(happened[what] for what in MAY_REPEAT)
    print(f"{'repetitions that are allowed':32}{allowed:>8}")
    return tally.is_clean and tally.repeated_in_telegram <= allowed


async def _kill(lives: Lives) -> None:
    """Kill the bridge at any moment."""
    await lives.kill()
    await lives.start()


async def _kill_stalled(lives: Lives, database: Path) -> None:
    """Kill it while another program holds the database's lock, as the watchdog does."""
    stalling = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    with contextlib.closing(stalling) as other:
        await asyncio.to_thread(other.execute, "BEGIN IMMEDIATE")
        await asyncio.sleep(STALL_S)
        await lives.kill()
        other.execute("ROLLBACK")
    await lives.start()


async def _stop_slowly(lives: Lives, telegram: TelegramServer) -> None:
    """Stop it while Telegram takes messages at once and answers much later."""
    slow = telegram.faults.hang("sendMessage", seconds=SLOW_S, after_processing=True, times=None)
    await asyncio.sleep(1)
    await lives.terminate()
    telegram.faults.remove(slow)
    await lives.start()


async def _move_clock(lives: Lives, chance: random.Random) -> None:
    """Stop it, and start it with a clock that is minutes ahead or behind; or right again."""
    await lives.terminate()
    lives.ahead_s = chance.choice([-300.0, 0.0, 300.0])
    await lives.start()


def _age(database: Path, client: int) -> None:
    """Let a conversation have been silent for days."""
    with contextlib.closing(sqlite3.connect(database)) as raw, raw:
        raw.execute(
            "UPDATE conversations SET last_incoming_at = last_incoming_at - :ms, "
            "last_outgoing_at = last_outgoing_at - :ms WHERE chat_id = :client",
            {"ms": SILENT_MS, "client": client},
        )


async def _lose_webhook(lives: Lives, database: Path, traffic: Traffic) -> None:
    """Kill it; meanwhile a manager follows up with a client who was silent for days."""
    await lives.kill()
    client = traffic.chance.choice(traffic.clients)
    await asyncio.to_thread(_age, database, client)
    number = len(traffic.answered[client])
    await traffic.says_unheard(f"follow-up {number} to {client}", client)
    await lives.start()


async def _trouble(
    minutes: float,
    traffic: Traffic,
    ends: Mapping[str, Callable[[], Awaitable[None]]],
    possible: dict[str, Callable[[], object]],
) -> Counter[str]:
    """Let messages flow and things go wrong, one after another, until the time is over."""
    happened: Counter[str] = Counter()
    ends_at = time.monotonic() + 60 * minutes
    while (left_s := ends_at - time.monotonic()) > 0:
        flow = asyncio.create_task(
            traffic.flow(f"round {happened.total()}", rounds=3, pause_s=ROUND_S)
        )
        await asyncio.sleep(traffic.chance.uniform(0, ROUND_S))
        what = traffic.chance.choice([*possible, *ends, *ends])
        print(f"{left_s:6.0f} s left  {what}", flush=True)
        happened[what] += 1
        if what in ends:
            await ends[what]()
        else:
            possible[what]()
        await flow
        await asyncio.sleep(traffic.chance.uniform(0, CALM_S))
    return happened


async def _until(is_true: Callable[[], bool]) -> None:
    """Wait until something is true, or for as long as is reasonable: the tally tells."""
    ends_at = time.monotonic() + DRAIN_S
    while not is_true() and time.monotonic() < ends_at:  # noqa: ASYNC110 - servers saw it
        await asyncio.sleep(0.5)


def main() -> None:
    """Read the options, run, and exit with what came of it."""
    parser = argparse.ArgumentParser(prog="make soak", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--only", default="", help="a part of the name of what may go wrong")
    options = parser.parse_args()
    print(f"{options.minutes:g} minutes, seed {options.seed}", flush=True)
    sys.exit(0 if asyncio.run(soak(options.minutes, options.seed, options.only)) else 1)


if __name__ == "__main__":
    main()
