"""Carry out a plan: make its calls in order, and record each before the next."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from aiogram import Bot
from aiogram.exceptions import TelegramBadRequest

from bot.deliver.telegram.clearance import ForgottenError
from bot.deliver.telegram.gate import TelegramGate
from bot.deliver.telegram.journal import Step
from bot.deliver.telegram.planner import GreetingPlan, MessagePlan, PressPlan, ReactionPlan
from bot.deliver.telegram.presses import show_choice
from bot.deliver.telegram.reactions import show_reaction
from bot.deliver.telegram.sends import PartOf, Sends, timeout
from bot.deliver.telegram.sent import part_of
from bot.deliver.telegram.uploads import ReadyCall, Uploads
from bot.translate.outgoing.addressee import Addressee, addressed
from bot.translate.outgoing.cuts import Planned, plan
from bot.translate.outgoing.second_chances import instead, is_topic_gone
from storage.buttons import Button
from storage.database import Database, Transaction
from storage.message_reader import SentPart
from storage.patience import persist
from storage.queue.reader import QueueItem

log = logging.getLogger(__name__)


class TooLongError(Exception):
    """Telegram refused a call that can be cut into pieces."""


@dataclass(frozen=True)
class Showing:
    """The next call of an attempt.

    Args:
        part_of: returns what is stored of Telegram's answer.
        addressee: where it leads.
    """

    item: QueueItem
    step: Step
    part_of: PartOf
    addressee: Addressee


class Sender:
    """Shows clients what was planned. Raises aiogram's errors, and those of `Sends.make`."""

    def __init__(
        self, database: Database, sends: Sends, uploads: Uploads, gate: TelegramGate
    ) -> None:
        self._database = database
        self._sends = sends
        self._uploads = uploads
        self._gate = gate

    async def prepare(self, message: MessagePlan, item: QueueItem) -> None:
        """Store what the buttons say before a client can press one."""
        if message.buttons:
            save = partial(_save_buttons, item=item, buttons=message.buttons)
            await persist(self._database, save)

    async def show(self, message: MessagePlan, item: QueueItem) -> SentPart | None:
        """Make the calls that are left, and record each before the next; return the last one's.

        What Telegram finds too long is cut; its pieces take its place, also in later attempts.
        """
        part, cuts, number, is_first = None, item.cuts, item.progress, True
        while number < len(planned := plan(message.calls, cuts)):
            if not is_first:
                self._gate.count_call(message.address)
            is_first, is_last = False, number + 1 == len(planned)
            row = partial(part_of, event=message.event, address=message.address, number=number + 1)
            step = Step.of(item, number + 1, is_last=is_last)
            showing = Showing(item, step, row, message.addressee)
            try:
                part = row(await self._show(message.bot, planned[number], showing))
            except TooLongError:
                cuts = (*cuts, number + 1)
                await persist(self._database, partial(_record_cut, item=item, number=number + 1))
                continue
            number += 1
            if not is_last:
                await persist(
                    self._database, partial(_record_part, item=item, number=number, part=part)
                )
                self._sends.recorded(item, number)
        return part

    async def greet(self, greeting: GreetingPlan, item: QueueItem) -> None:
        """Greet a new client."""
        call, step = addressed(greeting.call, greeting.addressee), Step.of(item)
        try:
            await self._sends.make(greeting.bot, ReadyCall(call), item, step, lambda _sent: None)
        except TelegramBadRequest as error:
            if call.message_thread_id is None or not is_topic_gone(error.message):
                raise
            ready = ReadyCall(greeting.call)
            await self._sends.make(greeting.bot, ready, item, step, lambda _sent: None)

    async def react(self, reaction: ReactionPlan) -> None:
        """Show a manager's reaction, as well as Telegram can; one it cannot is only logged."""
        self._sends.check()
        await show_reaction(reaction.bot, reaction.call, within=timeout())

    async def show_choice(self, pressed: PressPlan) -> None:
        """Let a client see that a press was noticed."""
        self._sends.check()
        await show_choice(pressed.bot, pressed.press, pressed.addressee, within=timeout())

    async def _show(self, bot: Bot, planned: Planned, showing: Showing) -> Any:
        """Make one call, or what stands in for it when Telegram refuses it as it is.

        Raises:
            TooLongError: its pieces may be taken.
        """
        async with self._uploads.ready(planned.call) as first:
            ready = replace(first, call=addressed(first.call, showing.addressee))
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


async def _save_buttons(tx: Transaction, item: QueueItem, buttons: Sequence[Button]) -> None:
    """Store what buttons say."""
    if await tx.to_telegram.get(item.id) is None:
        raise ForgottenError
    await tx.buttons.remember(buttons)


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
