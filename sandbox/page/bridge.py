"""The bridge as the page sees it: a process that can be killed, and what it says of itself."""

import re
from collections.abc import Sequence
from typing import Any, Final, Literal, Protocol, TypeAlias

import aiohttp

Json: TypeAlias = dict[str, Any]
State: TypeAlias = Literal["running", "starting", "stopped"]

PATIENCE_S: Final = 2.0
QUEUE: Final = re.compile(
    r'^kommo_telegram_queue_items\{direction="(\w+)",state="(\w+)"\} ([\d.]+)$', re.MULTILINE
)


class Bridge(Protocol):
    """What whoever owns the process hands in."""

    @property
    def state(self) -> State:
        """Whether the process runs."""

    @property
    def admin_url(self) -> str:
        """Where it tells its health and its metrics."""

    async def start(self) -> str | None:
        """Start it again; return when it works, or why it does not."""

    async def kill(self) -> None:
        """End it with SIGKILL, in the middle of whatever it does."""

    async def steps(self, names: Sequence[str]) -> dict[str, list[Json]]:
        """Return what the bridge noted of messages, by the names of `Sighting`."""

    async def invite(self, contact_id: int) -> str:
        """Return a link that ties whoever opens it to a contact."""


class Health:
    """What the bridge says of itself, asked over HTTP."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.problems: list[str] = []
        self.is_well = False
        self.pending = {"incoming": 0, "outgoing": 0}
        self.dead = 0

    async def ask(self, url: str) -> None:
        """Ask for health and queues; what does not answer is not well."""
        timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
        try:
            async with self._session.get(f"{url}/healthz", timeout=timeout) as answer:
                body = await answer.json()
            async with self._session.get(f"{url}/metrics", timeout=timeout) as answer:
                queues = queue_sizes(await answer.text())
        except (aiohttp.ClientError, TimeoutError, ValueError):
            self.is_well, self.problems = False, []
            return
        self.problems = problems_of(body)
        self.is_well = not self.problems
        self.pending = {name: queues.get((name, "pending"), 0) for name in self.pending}
        self.dead = sum(count for (_, state), count in queues.items() if state == "dead")


def problems_of(body: Json) -> list[str]:
    """Return everything that the health page names, each once."""
    parts = [body.get("channel", {}), *body.get("bots", {}).values()]
    found = [*body.get("problems", []), *(part.get("problem") for part in parts)]
    return list(dict.fromkeys(text for text in found if text))


def queue_sizes(metrics: str) -> dict[tuple[str, str], int]:
    """Return how many items there are, by direction and state."""
    return {(found[1], found[2]): int(float(found[3])) for found in QUEUE.finditer(metrics)}
