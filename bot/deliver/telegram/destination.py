"""Telegram as a destination: one attempt to show a client something, and its outcome."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramMigrateToChat,
    TelegramRetryAfter,
)

from bot.deliver.telegram.addresses import Addresses
from bot.deliver.telegram.errors import (
    NotSentError,
    is_about_connection,
    later,
    outcome_of,
    refused,
    slow_down,
    unshown,
)
from bot.deliver.telegram.fetch import FetchError
from bot.deliver.telegram.gate import TelegramGate
from bot.deliver.telegram.planner import (
    GreetingPlan,
    MessagePlan,
    Planner,
    PressPlan,
    ReactionPlan,
)
from bot.deliver.telegram.sender import Sender
from bot.deliver.telegram.sends import Shown
from bot.deliver.telegram.settlement import Settlement
from bot.deliver.telegram.stagger import NotBegunError
from bot.deliver.telegram.unknown_outcomes import still_down, weighed
from bot.queue.outcomes import Delivered, NotYet, Outcome, RetryLater, Undeliverable
from bot.translate.ids import ChatAddress
from bot.translate.outgoing import refusals
from storage.database import Database, Transaction
from storage.queue.reader import QueueItem


@dataclass(frozen=True)
class Listeners:
    """Who learns what became of answers; all return at once.

    Args:
        answered: learns that an answer went out.
        unconnected: learns that one was refused for a business account's connection.
    """

    answered: Callable[[ChatAddress], None]
    unconnected: Callable[[ChatAddress], None]


class ToTelegram:
    """Delivers items through the bots: plan, send, say the outcome."""

    name = "Telegram"

    def __init__(
        self,
        database: Database,
        planner: Planner,
        sender: Sender,
        *,
        addresses: Addresses,
        gate: TelegramGate,
        settlement: Settlement,
        listeners: Listeners,
    ) -> None:
        self._database = database
        self._planner = planner
        self._sender = sender
        self._addresses = addresses
        self._gate = gate
        self._settlement = settlement
        self._listeners = listeners

    async def send(self, item: QueueItem) -> Outcome:
        """Make one attempt: all calls of the message that were not made yet, in order."""
        try:
            outcome = await self._attempt(item)
        finally:
            self._gate.ended(item)
        if isinstance(outcome, RetryLater) and outcome.is_unknown:
            async with self._database.snapshot() as snapshot:  # its earlier parts may have arrived
                item = await snapshot.to_telegram.get(item.id) or item
        return weighed(item, outcome)

    async def settle(
        self, tx: Transaction, item: QueueItem, outcome: Delivered | Undeliverable
    ) -> None:
        """Store the delivery status for the manager, and whether the bot is blocked."""
        await self._settlement.store(tx, item, outcome)

    async def _attempt(self, item: QueueItem) -> Outcome:
        try:
            return await self._carry_out(item)
        except (NotSentError, FetchError) as error:
            return unshown(error)
        except NotBegunError as error:
            return NotYet(error.after_s)
        except TelegramMigrateToChat as error:
            return await self._follow(item, error.migrate_to_chat_id)
        except TelegramRetryAfter as error:
            self._gate.slow_down(item, error.retry_after)
            return slow_down(error.retry_after)
        except AiogramError as error:
            return outcome_of(error)

    async def _follow(self, item: QueueItem, chat_id: int) -> Outcome:
        """Send it later to where a group went that became a supergroup."""
        if await self._addresses.note_moved(item, chat_id):
            return later("the group has become a supergroup with another id")
        return refused(refusals.BAD_REQUEST, "group chat was upgraded to a supergroup chat")

    async def _carry_out(self, item: QueueItem) -> Outcome:
        match await self._planner.plan(item):
            case MessagePlan() as message:
                return await self._show(message, item)
            case ReactionPlan() as reaction:
                await self._sender.react(reaction)
                return Delivered()
            case PressPlan() as pressed:
                await self._sender.show_choice(pressed)
                return Delivered()
            case GreetingPlan() as greeting:
                await self._sender.greet(greeting, item)
                return Shown()
            case Undeliverable() as end:
                return end
            case None:
                return Shown()

    async def _show(self, message: MessagePlan, item: QueueItem) -> Outcome:
        """Show a message; after an attempt of unknown outcome, once Telegram answers again."""
        await self._sender.prepare(message, item)
        doubt = await still_down(message.bot, item)
        if doubt is not None:
            return replace(doubt, code=refusals.GAVE_UP.code, text=refusals.GAVE_UP.text)
        try:
            last = await self._sender.show(message, item)
        except TelegramAPIError as error:
            if is_about_connection(error):
                self._listeners.unconnected(message.address)
            raise
        self._listeners.answered(message.address)
        return Shown(last=last)
