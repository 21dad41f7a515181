"""The inbox's destination: one attempt to show a client something, its outcome, what follows."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from aiogram import Bot
from aiogram.exceptions import (
    AiogramError,
    TelegramBadRequest,
    TelegramMigrateToChat,
    TelegramRetryAfter,
)
from aiogram.methods import TelegramMethod

from bot.conversations.addressees import find
from bot.deliver.telegram.errors import (
    Blocked,
    NotSentError,
    later,
    outcome_of,
    refused,
    slow_down,
    unshown,
)
from bot.deliver.telegram.fetch import FetchError
from bot.deliver.telegram.gate import TelegramGate
from bot.deliver.telegram.items import event_of
from bot.deliver.telegram.journal import Step
from bot.deliver.telegram.message_ids import telegram_message_id
from bot.deliver.telegram.presses import show_choice
from bot.deliver.telegram.reachable import is_blocked
from bot.deliver.telegram.reactions import show_reaction
from bot.deliver.telegram.sender import ForgottenError, PartOf, Sends, Shown, timeout
from bot.deliver.telegram.sent import part_of
from bot.deliver.telegram.stagger import NotBegunError
from bot.deliver.telegram.unknown_outcomes import still_down, weighed
from bot.deliver.telegram.uploads import ReadyCall, Uploads
from bot.deliver.telegram.write_first import Sources, by_phone
from bot.queue.enqueue import Enqueue
from bot.queue.items import Kind, Lifetimes
from bot.queue.outcomes import Delivered, NotYet, Outcome, RetryLater, Undeliverable
from bot.translate.ids import ChatAddress, parse_conversation
from bot.translate.incoming.presses import Press
from bot.translate.languages import Language, in_language
from bot.translate.outgoing import messages, refusals
from bot.translate.outgoing.cuts import Planned, plan
from bot.translate.outgoing.files import instead
from bot.translate.outgoing.keyboards import Style, pressable
from bot.translate.outgoing.messages import Manner
from bot.translate.outgoing.templates import TelegramTemplate, in_telegrams_version
from bot.translate.outgoing.welcome import Welcome, greeting
from bot.translate.outgoing.window import is_late
from kommo.events import LegacyMessage, ManagerMessage, ManagerReaction
from kommo.ids import ConversationId
from kommo.models import ErrorCode, StatusCode
from storage.buttons import Button
from storage.conversations import Conversation
from storage.database import Database, Transaction
from storage.facts import moved_key
from storage.messages import SentPart
from storage.patience import persist
from storage.queue.reader import QueueItem

log = logging.getLogger(__name__)


class MovedError(NotBegunError):
    """Whose item it is was found out; it waits for its turn among that conversation's."""


class TooLongError(Exception):
    """Telegram refused a call that can be cut into pieces."""


@dataclass(frozen=True)
class Showing:
    """The next call of an attempt.

    Args:
        part_of: returns what is stored of Telegram's answer.
    """

    item: QueueItem
    step: Step
    part_of: PartOf


class ToTelegram:
    """Delivers the items of the inbox through the bots."""

    name = "Telegram"

    def __init__(
        self,
        bots: Mapping[int, Bot],
        database: Database,
        uploads: Uploads,
        *,
        sources: Sources,
        buttons: Style,
        templates: Sequence[TelegramTemplate],
        language: Language,
        lifetimes: Lifetimes,
        welcome: Welcome | None,
        gate: TelegramGate,
        region: str | None,
        window: timedelta | None,
        sends: Sends,
        now: Callable[[], datetime],
    ) -> None:
        self._bots = bots
        self._database = database
        self._uploads = uploads
        self._sources = sources
        self._buttons: Style = buttons
        self._templates = tuple(templates)
        self._language: Language = language
        self._lifetimes = lifetimes
        self._welcome = welcome
        self._region = region
        self._window = window
        self._sends = sends
        self._now = now
        self._gate = gate

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

    async def _attempt(self, item: QueueItem) -> Outcome:
        try:
            return await self._send(item)
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

    async def settle(
        self, tx: Transaction, item: QueueItem, outcome: Delivered | Undeliverable
    ) -> None:
        """Store the delivery status for the manager, and whether the bot is blocked."""
        await self._learn_reachable(tx, item, outcome)
        if item.kind != Kind.MANAGER_MESSAGE:
            return
        event = event_of(item)
        if not isinstance(event, ManagerMessage) or await tx.to_telegram.get(item.id) is None:
            return  # of a client who was forgotten meanwhile nothing is stored
        conversation_id = ConversationId(item.conversation_id) if item.conversation_id else None
        if isinstance(outcome, Shown) and outcome.last is not None:
            await tx.messages.remember_outgoing(outcome.last)
        failed = outcome if isinstance(outcome, Undeliverable) else None
        await Enqueue(tx, self._lifetimes).status(
            event.kommo_message_id,
            StatusCode.ERROR if failed else StatusCode.DELIVERED,
            conversation_id=conversation_id,
            error_code=ErrorCode(failed.code or ErrorCode.INTERNAL) if failed else None,
            error=in_language(failed.text or refusals.REFUSED.text, self._language)
            if failed
            else None,
        )

    async def _learn_reachable(
        self, tx: Transaction, item: QueueItem, outcome: Delivered | Undeliverable
    ) -> None:
        """Store whether the client lets the bot write, if an attempt showed it."""
        if not isinstance(outcome, Blocked | Shown) or item.conversation_id is None:
            return
        now = self._now()
        await tx.conversations.learn_reachable(
            item.conversation_id,
            is_reachable=isinstance(outcome, Shown),
            asked_at=item.started_at or now,
            now=now,
        )

    async def _send(self, item: QueueItem) -> Outcome:
        if item.kind == Kind.BUTTON_PRESS:
            return await self._show_choice(Press.model_validate_json(item.payload))
        if item.kind == Kind.WELCOME:
            return await self._greet(item)
        event = event_of(item)
        if not isinstance(event, ManagerMessage | ManagerReaction | LegacyMessage):
            return Undeliverable(f"this version does not deliver items of kind {item.kind!r}")
        address = await self._address(event, item)
        bot = self._bots.get(address.bot_id)
        if bot is None:
            raise NotSentError(refusals.BOT_REMOVED)
        known = await self._reachable(address, item)
        if isinstance(event, ManagerReaction):
            return await self._react(bot, event, address)
        if is_late(event, known.last_incoming_at if known else None, self._window):
            raise NotSentError(refusals.TOO_LATE)
        event, text = in_telegrams_version(event, self._templates)
        problem = messages.problem(event)
        if problem is not None:
            raise NotSentError(problem)
        manner = Manner(
            reply_to=await self._answered(event, address), buttons=self._buttons, text=text
        )
        calls = messages.manager_message(event, await self._place(address), manner)
        if not calls:
            raise NotSentError(refusals.NOTHING_TO_SEND)
        await self._remember_buttons(event, address, item)
        doubt = await still_down(bot, item)
        if doubt is not None:
            return replace(doubt, code=refusals.GAVE_UP.code, text=refusals.GAVE_UP.text)
        return Shown(last=await self._make(bot, calls, item, event, address))

    async def _follow(self, item: QueueItem, chat_id: int) -> Outcome:
        """Remember where a group went that became a supergroup; its conversation stays.

        Reference: Bot API, ResponseParameters (migrate_to_chat_id).
        """
        address = parse_conversation(item.conversation_id or "")
        if address is None:
            return refused(400, "group chat was upgraded to a supergroup chat")

        async def store(tx: Transaction) -> None:
            if await tx.to_telegram.get(item.id):  # not forgotten meanwhile
                await tx.facts.put(moved_key(address.bot_id, address.chat_id), str(chat_id))

        await persist(self._database, store)
        return later("the group has become a supergroup with another id")

    async def _place(self, address: ChatAddress) -> ChatAddress:
        """Return where a conversation takes place now: groups move when they grow."""
        if address.chat_id >= 0:
            return address
        async with self._database.snapshot() as snapshot:
            moved = await snapshot.facts.get(moved_key(address.bot_id, address.chat_id))
        return replace(address, chat_id=int(moved)) if moved else address

    async def _reachable(self, address: ChatAddress, item: QueueItem) -> Conversation | None:
        """Return the conversation; what a client who blocked the bot never sees is refused."""
        async with self._database.snapshot() as snapshot:
            known = await snapshot.conversations.get(address.conversation_id)
        if is_blocked(known, item, now=self._now()):
            raise NotSentError(refusals.CLIENT_BLOCKED)
        return known

    async def _show_choice(self, press: Press) -> Outcome:
        """Let a client see that a press was noticed."""
        bot = self._bots.get(press.bot_id)
        if bot is None:
            raise NotSentError(refusals.BOT_REMOVED)
        self._sends.check()
        await show_choice(bot, press, within=timeout())
        return Delivered()

    async def _greet(self, item: QueueItem) -> Outcome:
        """Greet a new client, unless the settings say nothing to new clients any more."""
        address = parse_conversation(item.conversation_id or "")
        bot = self._bots.get(address.bot_id) if address else None
        if address is not None and bot is not None and self._welcome is not None:
            ready = ReadyCall(greeting(address, self._welcome))
            await self._sends.make(bot, ready, item, Step.of(item), lambda _sent: None)
        return Shown()

    async def _react(self, bot: Bot, event: ManagerReaction, address: ChatAddress) -> Outcome:
        """Show a manager's reaction, as well as Telegram can; one it cannot is only logged."""
        async with self._database.snapshot() as snapshot:
            message_id = await telegram_message_id(
                snapshot,
                address,
                external_id=event.external_id,
                kommo_message_id=event.kommo_message_id,
            )
        self._sends.check()
        await show_reaction(bot, messages.reaction(event, address, message_id), within=timeout())
        return Delivered()

    async def _address(
        self, event: ManagerMessage | ManagerReaction | LegacyMessage, item: QueueItem
    ) -> ChatAddress:
        """Return where the conversation takes place: its id says so, or what is stored does.

        Raises:
            MovedError: that is known only now, so that the item goes into its order.
        """
        address = parse_conversation(item.conversation_id or "")
        if address is not None:
            return address
        async with self._database.snapshot() as snapshot:
            conversation_id = await find(snapshot, event)
        if conversation_id is None and isinstance(event, ManagerMessage):
            conversation_id = await self._started(event)
        address = parse_conversation(conversation_id or "")
        if address is None:
            raise NotSentError(refusals.NO_SUCH_CONVERSATION)
        await persist(self._database, partial(self._move, item=item, address=address, event=event))
        raise MovedError

    async def _started(self, event: ManagerMessage) -> ConversationId | None:
        """Find the client whom a manager writes to first."""
        if event.conversation_id is not None or event.kommo_chat_id is None:
            return None
        async with self._database.snapshot() as snapshot:
            known = await by_phone(snapshot, event, self._region, self._sources)
        if known is None:
            has_number = bool(event.receiver.phone)
            raise NotSentError(refusals.UNKNOWN_NUMBER if has_number else refusals.NO_NUMBER)
        return ConversationId(known.conversation_id)

    async def _move(
        self,
        tx: Transaction,
        *,
        item: QueueItem,
        address: ChatAddress,
        event: ManagerMessage | ManagerReaction | LegacyMessage,
    ) -> None:
        """Let what waits beside an item stand in its conversation's order, as it is known now.

        From here on it is that client's, and is forgotten with them. Of a chat that a manager
        started, the client's answer is to bind it.
        """
        now, conversation_id = self._now(), address.conversation_id
        if isinstance(event, ManagerMessage) and event.kommo_chat_id and not event.conversation_id:
            if await tx.conversations.get(conversation_id) is None:
                raise ForgottenError
            await tx.conversation_chats.add_started(
                event.kommo_chat_id, conversation_id, event.receiver.kommo_id, now=now
            )
        await tx.to_telegram.move(
            item.ordering_key, to=conversation_id, conversation_id=conversation_id, now=now
        )

    async def _answered(
        self, event: ManagerMessage | LegacyMessage, address: ChatAddress
    ) -> int | None:
        """Return Telegram's id of the message that a manager answers, if it is in the chat."""
        quoted = event.reply_to if isinstance(event, ManagerMessage) else None
        if quoted is None:
            return None
        async with self._database.snapshot() as snapshot:
            return await telegram_message_id(
                snapshot,
                address,
                external_id=quoted.external_id,
                kommo_message_id=quoted.kommo_message_id,
            )

    async def _remember_buttons(
        self, event: ManagerMessage | LegacyMessage, address: ChatAddress, item: QueueItem
    ) -> None:
        """Store what the buttons say before a client can press one."""
        if not isinstance(event, ManagerMessage) or event.markup is None:
            return
        buttons = [
            Button(
                button.id, address.conversation_id, button.text, self._now(), button.callback_data
            )
            for button in pressable(event.markup, event.kommo_message_id)
        ]

        async def store(tx: Transaction) -> None:
            if await tx.to_telegram.get(item.id) is None:
                raise ForgottenError
            await tx.buttons.remember(buttons)

        await persist(self._database, store)

    async def _make(
        self,
        bot: Bot,
        calls: Sequence[TelegramMethod[Any]],
        item: QueueItem,
        event: ManagerMessage | LegacyMessage,
        address: ChatAddress,
    ) -> SentPart | None:
        """Make the calls that are left, and record each before the next; return the last one's.

        What Telegram finds too long is cut; its pieces take its place, also in later attempts.
        """
        part, cuts, number, is_first = None, item.cuts, item.progress, True
        while number < len(planned := plan(calls, cuts)):
            if not is_first:
                self._gate.count_call(address)
            is_first, is_last = False, number + 1 == len(planned)
            tie = partial(part_of, event=event, address=address, number=number + 1)
            step = Step.of(item, number + 1, is_last=is_last)
            try:
                part = tie(await self._show(bot, planned[number], Showing(item, step, tie)))
            except TooLongError:
                cuts = (*cuts, number + 1)
                cut = partial(_record_cut, item=item, number=number + 1)
                await persist(self._database, cut)
                continue
            number += 1
            if not is_last:
                await persist(
                    self._database, partial(_record_part, item=item, number=number, part=part)
                )
                self._sends.recorded(item, number)
        return part

    async def _show(self, bot: Bot, planned: Planned, showing: Showing) -> Any:
        """Make one call, or what stands in for it when Telegram refuses it as it is.

        Raises:
            TooLongError: its pieces may be taken.
        """
        async with self._uploads.ready(planned.call) as first:
            ready = first
            while True:
                try:
                    return await self._sends.make(
                        bot, ready, showing.item, showing.step, showing.part_of
                    )
                except TelegramBadRequest as error:
                    if planned.is_cut_by(error.message):
                        raise TooLongError from error
                    other = instead(ready.call, error.message)
                    if other is None:
                        raise
                    log.info("shown otherwise: %s", error.message, extra={"bot": bot.id})
                    ready = replace(ready, call=other)


async def _record_cut(tx: Transaction, item: QueueItem, number: int) -> None:
    """Store that one call of an item has become several."""
    if not await tx.to_telegram.record_cut(item.id, number=number):
        raise ForgottenError


async def _record_part(
    tx: Transaction, item: QueueItem, number: int, part: SentPart | None
) -> None:
    """Store that one more call of an item was made, and what it sent."""
    if not await tx.to_telegram.record_progress(item.id, progress=number):
        raise ForgottenError
    if part is not None:
        await tx.messages.remember_outgoing(part)
