"""The channel and the account: connected on every start, and whenever Kommo cuts them off.

Disabling the integration does that without a word; the next call shows it.
Reference: Kommo, Connect a channel to an account; HTTP codes.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from bot.health import ChannelHealth
from bot.queue.outcomes import RetryPolicy
from kommo.chats import ChatsApi
from kommo.errors import KommoError, RejectedError, RequestError, UnreachableError
from kommo.ids import AmojoId

REMEDY = (
    "check kommo.channel_id, kommo.channel_secret and kommo.account_id, this machine's clock, "
    "and whether Kommo support allowed this account for the channel"
)

OUTAGE = "Kommo has an outage, or: check kommo.chats_url and the network"

SILENCE = "no answer from Kommo; incoming messages are kept, and the bridge retries automatically"
"""How an outage reads; the log has what the network says of it."""

log = logging.getLogger(__name__)


CUT_OFF = "Kommo no longer accepts the channel's calls; incoming messages are kept"
"""How it reads when Kommo cuts the channel off; Kommo's own words follow."""

RECONNECT = RetryPolicy(first_s=1.0, factor=2.0, longest_s=60.0, jitter=0.25)


@dataclass(frozen=True)
class Watchfulness:
    """How a channel is kept connected.

    Args:
        policy: the pauses between attempts to connect a channel that was cut off.
        calm_s: a channel that held so long is connected at once when it is cut off again.
        idle_s: after so long without a call one is made, to see whether it is taken.
    """

    policy: RetryPolicy = RECONNECT
    calm_s: float = 600.0
    idle_s: float = 300.0


@dataclass(frozen=True)
class Connector:
    """Connects the channel to the account, as long as it takes and as often as it takes."""

    chats: ChatsApi
    account_id: AmojoId
    title: str
    is_time_window_disabled: bool
    is_wanted: bool
    health: ChannelHealth
    policy: RetryPolicy
    watchfulness: Watchfulness = Watchfulness()
    on_restored: list[Callable[[float], Awaitable[None]]] = field(default_factory=list)
    """Called when a channel that was cut off is accepted again, with a limit in seconds."""
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when Kommo said anything at all: before that there is no use in sending."""

    async def run(self) -> None:
        """Connect, then keep the channel connected; ends with the service."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._follow())
            await self._connect()
            await self._keep()

    async def _connect(self) -> None:
        """Try until it works; returns at once when the settings do not want it."""
        attempt = 0
        while self.is_wanted and not self.health.is_connected:
            attempt += 1
            await self._try()
            if not self.health.is_connected:
                await asyncio.sleep(self.policy.delay_s(attempt, None, 0.5))
        self.answered.set()

    async def _follow(self) -> None:
        """Let health say at once what the latest answers say."""
        standing = self.chats.standing
        while True:
            await standing.changed.wait()
            standing.changed.clear()
            if standing.refusal is not None:
                self._note_cut_off(standing.refusal)
            else:
                await self._note_taken()

    def _note_cut_off(self, error: RequestError) -> None:
        if not self.health.is_refused:
            log.error("Kommo disconnected the channel: %s; %s", error, REMEDY)
        self.health.is_connected, self.health.is_refused = False, True
        self.health.problem = f"{CUT_OFF}: {error}"

    async def _note_taken(self) -> None:
        was_refused = self.health.is_refused
        self.health.is_connected, self.health.is_refused = True, False
        self.health.problem = None
        if was_refused:
            log.info("Kommo accepts the channel's calls again")
            out_s = time.monotonic() - self.chats.standing.lost_at
            for act in self.on_restored:
                await act(out_s)

    async def _keep(self) -> None:
        """Connect again whenever the channel is cut off, the more slowly the more often it is."""
        attempt, since = 0, time.monotonic()
        while True:
            await self._cut_off()
            attempt = 1 if time.monotonic() - since > self.watchfulness.calm_s else attempt + 1
            if attempt > 1:
                await asyncio.sleep(self.watchfulness.policy.delay_s(attempt - 1, None, 0.5))
            await self._mend()
            since = time.monotonic()

    async def _cut_off(self) -> None:
        """Return when Kommo refuses the channel's calls; where none are made, one is."""
        standing, idle_s = self.chats.standing, self.watchfulness.idle_s
        while standing.refusal is None:
            try:
                async with asyncio.timeout(idle_s):
                    await standing.refused.wait()
            except TimeoutError:
                if time.monotonic() - standing.asked_at >= idle_s:
                    await self._prove()

    async def _mend(self) -> None:
        """Connect, and see whether calls are taken; a call that was taken meanwhile is enough."""
        if self.chats.standing.refusal is not None:
            await (self._try() if self.is_wanted else self._prove())

    async def _prove(self) -> None:
        """Make a call that shows how the channel is; its answer is noted on arrival."""
        with suppress(KommoError):
            await self.chats.prove()

    async def _try(self) -> None:
        try:
            connection = await self.chats.connect(
                self.account_id,
                self.title,
                is_time_window_disabled=self.is_time_window_disabled,
            )
        except KommoError as error:
            self._note_failure(error)
            return
        log.info("the channel is connected", extra={"scope": connection.scope_id})
        if self.chats.standing.refusal is not None:
            await self._prove()
        else:
            self.health.is_connected, self.health.is_refused = True, False
            self.health.problem = None

    def _note_failure(self, error: KommoError) -> None:
        is_silence = isinstance(error, UnreachableError)
        is_refusal = isinstance(error, RejectedError)
        self.health.problem = SILENCE if is_silence else str(error)
        self.health.is_refused = is_refusal or self.chats.standing.refusal is not None
        if not is_silence:
            self.answered.set()
        remedy = f"; {REMEDY}" if is_refusal else ""
        log.error("the channel could not be connected: %s%s", error, remedy)
