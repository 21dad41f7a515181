"""The delivery loop, the same for both directions: claim what is due, send, record."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from bot.deliver.claimer import Claimer
from bot.deliver.clock_watch import ClockWatch
from bot.deliver.destination import KEEPS_NOTHING, Destination, Unrecorded
from bot.deliver.recorder import Recorder
from bot.deliver.retries import Retries
from bot.deliver.schedule import IDLE_S
from bot.queue.outcomes import Outcome, RetryLater
from storage.queue.reader import QueueItem

TURN_S = 0.01
"""How long the loop lets things come together while many deliveries are in flight."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Switch:
    """When deliveries may begin.

    Args:
        starts_after: what the first one waits for; None: nothing.
        is_paused: whether a person has stopped them for now.
    """

    starts_after: asyncio.Event | None = None
    is_paused: Callable[[], bool] = lambda: False


ALWAYS = Switch()


@dataclass(frozen=True)
class Route:
    """One direction's way: where its items come from, lead to, and how they end."""

    claimer: Claimer
    destination: Destination
    recorder: Recorder
    retries: Retries
    unrecorded: Unrecorded = KEEPS_NOTHING


class Worker:
    """Delivers one queue: in order within an ordering key, in parallel across them."""

    def __init__(self, route: Route, clock: ClockWatch, switch: Switch = ALWAYS) -> None:
        self._claimer = route.claimer
        self._destination = route.destination
        self._recorder = route.recorder
        self._retries = route.retries
        self._unrecorded = route.unrecorded
        self._clock = clock
        self._switch = switch
        self._stopping = asyncio.Event()
        self.moved_at: float | None = None
        """When the loop turned last, by the event loop's clock; for the watchdog."""

    @property
    def name(self) -> str:
        """Name the worker for logs."""
        return f"delivery to {self._destination.name}"

    async def run(self) -> None:
        """Deliver until `stop`; raises when the database fails."""
        await self._record_left_over()
        await self._may_start()
        self._retries.begin_anew()
        async with asyncio.TaskGroup() as tasks:
            while not self._stopping.is_set():
                self._claimer.woken.clear()
                self.moved_at = asyncio.get_running_loop().time()
                await self._clock.look()
                items = await self._claim_unless_paused()
                for item in items:
                    tasks.create_task(self._deliver(item))
                if not items:
                    await self._rest()
                if self._claimer.is_busy:
                    await asyncio.sleep(TURN_S)

    def stop(self) -> None:
        """Stop claiming; `run` returns once in-flight deliveries have finished."""
        self._stopping.set()
        self._unrecorded.stop()
        self._claimer.woken.set()

    async def _record_left_over(self) -> None:
        """Record what an earlier process delivered before it was killed."""
        for item, outcome in await self._unrecorded.left_over():
            log.info("was delivered before the last stop", extra=self._recorder.fields(item))
            await self._recorder.store_end(item, outcome)
        self._unrecorded.forget_left_over()

    async def _may_start(self) -> None:
        """Wait for what the deliveries need, or for the end."""
        if self._switch.starts_after is None:
            return
        waiting = [
            asyncio.create_task(event.wait())
            for event in (self._switch.starts_after, self._stopping)
        ]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    async def _claim_unless_paused(self) -> list[QueueItem]:
        if self._switch.is_paused():
            self._retries.begin_anew()
            return []
        return await self._claimer.claim()

    async def _rest(self) -> None:
        """Sleep until something is due or was enqueued."""
        pause_s = IDLE_S if self._switch.is_paused() else await self._claimer.idle_s()
        try:
            async with asyncio.timeout(pause_s):  # wait_for may swallow a cancellation here
                await self._claimer.woken.wait()
        except TimeoutError:
            return

    async def _deliver(self, item: QueueItem) -> None:
        """Make one attempt and record it."""
        try:
            began_at = asyncio.get_running_loop().time()
            outcome = await self._attempt(item)
            took_s = asyncio.get_running_loop().time() - began_at
            took_s -= self._unrecorded.waited_s(item)
            await self._recorder.record(item, outcome, took_s=took_s)
            self._unrecorded.recorded(item)
        finally:
            self._claimer.ended(item)

    async def _attempt(self, item: QueueItem) -> Outcome:
        """Make one attempt; a bug of ours is logged and tried again, so that it stops nobody."""
        try:
            return await self._destination.send(item)
        except Exception as error:
            log.exception(
                "delivery to %s failed unexpectedly",
                self._destination.name,
                extra=self._recorder.fields(item),
            )
            reason = f"unexpected {type(error).__name__}: {error}"
            return RetryLater(reason, is_uncertain=True, is_suspect=True)
