"""Decide what Kommo's refusals mean: of the message, of the channel, or of something older."""

import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from bot.deliver.kommo.aliases import FORBIDDEN, NOT_FOUND, is_of_message
from bot.deliver.kommo.sent_before import SentBefore
from bot.deliver.kommo.unknown_messages import UnknownMessages
from bot.queue.items import Kind, name_of, status_key
from bot.queue.outcomes import Delivered, Outcome, RetryLater, Undeliverable
from kommo.chats import ChatsApi
from kommo.errors import RejectedError, RequestError
from kommo.models import NewMessage
from kommo.statuses import DeliveryStatus, StatusCode
from storage.database import Database, Transaction
from storage.patience import persist
from storage.queue.direction import Direction
from storage.queue.reader import QueueItem

FIRST_REFUSAL = 400
"""A redirection is of a proxy or a maintenance page, not of the message."""

CHANNEL_TROUBLE = (401, 402, 403, 404)
"""Answers about the channel or the clock, not about the message: it is kept and tried again."""

MAX_SKEW_S = 300.0
"""A clock that is off by more is named as the likely reason of a refusal."""

ABOUT_MESSAGES = (Kind.DELIVERY_STATUS, Kind.EDIT_MESSAGE, Kind.REACTION)
"""These may overtake the message that they are about."""

log = logging.getLogger(__name__)


class Refusals:
    """Turns a refusal of Kommo's into an outcome.

    Args:
        skew_s: by how much this machine's clock is off, as far as it is known.
    """

    def __init__(
        self,
        chats: ChatsApi,
        database: Database,
        *,
        sent_before: SentBefore,
        unknown: UnknownMessages,
        skew_s: Callable[[], float | None],
    ) -> None:
        self._chats = chats
        self._database = database
        self._sent_before = sent_before
        self._unknown = unknown
        self._skew_s = skew_s

    async def outcome(self, item: QueueItem, error: RejectedError) -> Outcome:
        """Decide what a refusal means for an item."""
        outcome = await self._meant(item, error)
        if isinstance(outcome, Undeliverable) and await self._follows_an_error(item):
            log.info("Kommo takes no status after an error: %s", error, extra=_named(item))
            return Delivered()
        return outcome

    async def _meant(self, item: QueueItem, error: RejectedError) -> Outcome:
        """Decide what a refusal says of an item, whatever was told before."""
        if item.kind in ABOUT_MESSAGES and is_of_message(error, NOT_FOUND):
            return await self._not_known(item, error)
        is_about_channel = error.is_about_channel or error.status in CHANNEL_TROUBLE
        if is_about_channel or (error.status or 0) < FIRST_REFUSAL:
            return RetryLater(f"{error}{self._clock_remedy(error)}")
        if item.kind == Kind.NEW_MESSAGE and (item.attempts > 1 or item.is_uncertain):
            return await self._look_for(item, error)
        return Undeliverable(str(error))

    async def _follows_an_error(self, item: QueueItem) -> bool:
        """Tell whether an item is the status of a message that failed, and was tried again.

        Nothing says that an error may be taken back, and nobody has to fix it if it may not.
        Reference: Kommo, Update message delivery status.
        """
        if item.kind != Kind.DELIVERY_STATUS:
            return False
        status = DeliveryStatus.model_validate_json(item.payload)
        earlier = status_key(status.kommo_message_id, StatusCode.ERROR)
        async with self._database.snapshot() as snapshot:
            error = await snapshot.to_kommo.by_dedupe_key(earlier)
        return status.status != StatusCode.ERROR and error is not None

    async def _not_known(self, item: QueueItem, error: RejectedError) -> Outcome:
        """Wait for minutes until Kommo knows the message that an item is about."""
        is_in_order = item.ordering_key == item.conversation_id
        if is_in_order and self._unknown.steps_aside(item.id):
            await persist(self._database, partial(_step_aside, item_id=item.id))
        if self._unknown.wants_proof(item.id):
            with suppress(RequestError):
                await self._chats.prove()
        return (Undeliverable if self._unknown.is_final(item.id) else RetryLater)(str(error))

    def _clock_remedy(self, error: RejectedError) -> str:
        """Return what to do when Kommo refuses signatures because our clock is wrong.

        Reference: Kommo, Chats API authorization (a signature lives 15 minutes).
        """
        skew_s = self._skew_s() or 0.0
        if error.status != FORBIDDEN or abs(skew_s) < MAX_SKEW_S:
            return ""
        return (
            f"; this machine's clock is off by {skew_s:.0f} s, and Kommo refuses signatures from "
            "900 s on: set it right (timedatectl set-ntp true)"
        )

    async def _look_for(self, item: QueueItem, error: RejectedError) -> Outcome:
        """Ask the chat's history whether an earlier attempt had arrived after all."""
        try:
            found = await self._sent_before.find(NewMessage.model_validate_json(item.payload))
        except RequestError as failure:
            return RetryLater(f"{error}; history could not be read: {failure}", is_uncertain=True)
        if found is None:
            return Undeliverable(str(error))
        log.info("an earlier attempt had arrived", extra=_named(item))
        return Delivered((found,))


def _named(item: QueueItem) -> dict[str, object]:
    return {"item": name_of(Direction.INCOMING, item.id)}


async def _step_aside(tx: Transaction, item_id: int) -> None:
    await tx.to_kommo.step_aside(item_id, now=tx.now)
