"""The channel and the account: connected on every start, as disabling the integration cuts it.

Reference: Kommo, Connect a channel to an account.
"""

import asyncio
import logging
from dataclasses import dataclass, field

from bot.health import ChannelHealth
from bot.outcome import RetryPolicy
from kommo.chats import ChatsApi
from kommo.errors import KommoError, RejectedError, UnreachableError
from kommo.ids import AmojoId

REMEDY = (
    "check kommo.channel_id, kommo.channel_secret and kommo.account_id, this machine's clock, "
    "and whether Kommo support allowed this account for the channel"
)

OUTAGE = "Kommo has an outage, or: check kommo.chats_url and the network"

SILENCE = "no answer from Kommo; what arrives is kept, and the bridge tries again by itself"
"""How an outage reads; the log has what the network says of it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Connector:
    """Connects the channel to the account, as long as it takes."""

    chats: ChatsApi
    account_id: AmojoId
    title: str
    is_time_window_disabled: bool
    is_wanted: bool
    health: ChannelHealth
    policy: RetryPolicy
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when Kommo said anything at all: before that there is no use in sending."""

    async def run(self) -> None:
        """Try until it works; returns at once when the settings do not want it."""
        attempt = 0
        while self.is_wanted and not self.health.is_connected:
            attempt += 1
            await self._try()
            if not self.health.is_connected:
                await asyncio.sleep(self.policy.delay_s(attempt, None, 0.5))
        self.answered.set()

    async def _try(self) -> None:
        try:
            connection = await self.chats.connect(
                self.account_id,
                self.title,
                is_time_window_disabled=self.is_time_window_disabled,
            )
        except KommoError as error:
            is_silence = isinstance(error, UnreachableError)
            self.health.problem = SILENCE if is_silence else str(error)
            is_refusal = self.health.is_refused = isinstance(error, RejectedError)
            if not is_silence:
                self.answered.set()
            log.error(
                "the channel could not be connected: %s%s",
                error,
                f"; {REMEDY}" if is_refusal else "",
            )
            return
        self.health.is_connected, self.health.is_refused = True, False
        self.health.problem = None
        log.info("the channel is connected", extra={"scope": connection.scope_id})
