"""Telegram's gate: the rates of bots and chats, its pauses, and the places for files."""

import logging
import time
from collections.abc import Iterable

from bot.deliver.chances import Held
from bot.deliver.destination import Gate
from bot.deliver.fairness import NO_LIMIT, Room
from bot.deliver.telegram.errors import slow_down
from bot.deliver.telegram.file_slots import Attachments
from bot.deliver.telegram.items import address_of
from bot.deliver.telegram.rates import Limits, Rates
from bot.deliver.telegram.stagger import NotBegunError
from bot.queue.items import Kind
from bot.translate.ids import ChatAddress, parse_lane
from storage.database import Database
from storage.queue.reader import QueueItem

log = logging.getLogger(__name__)


class TooSoonError(NotBegunError):
    """The next call of a message would come too soon."""

    def __init__(self, after_s: float) -> None:
        super().__init__(f"not before {after_s:.1f} s from now")
        self.after_s = after_s


class TelegramGate(Gate):
    """Decides what the bots may begin.

    Args:
        bots: their ids.
        database: whose clock tells how long files have waited for their group.
        limits: how much a bot may send.
    """

    def __init__(self, bots: Iterable[int], database: Database, limits: Limits) -> None:
        self._database = database
        self._attachments = Attachments()
        self._rates = {bot_id: Rates(limits, clock=time.monotonic) for bot_id in bots}

    def room(self, lane: str) -> Room:
        """Return how much of a lane may begin; what answers a press is held to no rate."""
        bot_id, urgency = parse_lane(lane) or (0, "")
        rates = self._rates.get(bot_id)
        if rates is None:
            return Room(lane)
        if urgency == "now":
            frozen_s = rates.frozen_s()
            return Room(lane, 0 if frozen_s else NO_LIMIT, frozen_s)
        free = rates.free()
        return Room(str(bot_id), NO_LIMIT if free is None else free, rates.opens_in_s())

    def wait_s(self, item: QueueItem) -> float:
        """Return how long an item has to wait because of what went to its chat before."""
        limited = self._limited(item)
        if limited is None:
            return 0.0
        rates, chat_id = limited
        return rates.wait_s(chat_id) or self._attachments.wait_s(item, self._database.now())

    def holds(self, lane: str) -> bool:
        """Tell whether Telegram asked a lane's bot to send nothing at all."""
        bot_id, _urgency = parse_lane(lane) or (0, "")
        rates = self._rates.get(bot_id)
        return rates is not None and rates.frozen_s() > 0

    def held(self, item: QueueItem) -> Held | None:
        """Tell for how long Telegram asked to send nothing where an item leads."""
        limited = self._limited(item)
        span_s = limited[0].flood_s(limited[1]) if limited else 0.0
        return Held(span_s, slow_down(span_s)) if span_s > 0 else None

    def begin(self, item: QueueItem) -> None:
        """Count the first call of an item."""
        limited = self._limited(item)
        if limited is not None:
            rates, chat_id = limited
            rates.spend(chat_id)

    def ended(self, item: QueueItem) -> None:
        """Give back what an attempt held."""
        self._attachments.ended(item)

    def count_call(self, address: ChatAddress) -> None:
        """Count one more call of a message.

        Raises:
            TooSoonError: it has to wait; what was made is recorded.
        """
        rates = self._rates[address.bot_id]
        wait_s = rates.wait_s(address.chat_id)
        if wait_s > 0:
            raise TooSoonError(wait_s)
        rates.spend(address.chat_id)

    def slow_down(self, item: QueueItem, after_s: float) -> None:
        """Hold the chat back, and the whole bot when several chats are refused at a time."""
        address = address_of(item)
        rates = self._rates.get(address.bot_id) if address else None
        if address is not None and rates is not None and rates.flooded(address.chat_id, after_s):
            log.warning(
                "Telegram asks the bot to slow down in several chats: it pauses for %.0f s",
                after_s,
                extra={"bot": address.bot_id},
            )

    def _limited(self, item: QueueItem) -> tuple[Rates, int] | None:
        """Return what an item is held to, and its chat; None for what is held to no rate."""
        address = address_of(item)
        if address is None or item.kind == Kind.BUTTON_PRESS:
            return None
        rates = self._rates.get(address.bot_id)
        return (rates, address.chat_id) if rates else None
