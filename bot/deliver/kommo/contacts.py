"""Link a client to the contact that Kommo has of the same person, instead of a second one.

The link is a queue item like any other, ahead of what the conversation says first: find
the contact, create the chat, link the two. Each step may be repeated. References: Kommo, Contacts
list (Find contact by a phone number); Create chat; Link chat to contact.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from bot.conversations.kommo_chats import KommoChats
from bot.queue.items import ContactLink
from bot.queue.outcomes import Delivered, Outcome, RetryLater, Undeliverable
from bot.translate.phones import is_same, search_words
from kommo.chats import ChatsApi
from kommo.crm import CrmApi
from kommo.errors import RateLimitedError, RejectedError, RequestError, UnreachableError
from storage.conversations import Conversation
from storage.database import Database
from storage.patience import persist
from storage.queue.reader import QueueItem

CALL_S = 10.0
"""How long one question to the REST API may take."""

PATIENCE = timedelta(seconds=15)
"""How long messages wait for a REST API that fails, and for the pause after the last attempt."""

BUSY_PATIENCE = timedelta(minutes=3)
"""How long they wait for one that works, but is asked by many."""

PAUSE = timedelta(seconds=5)
"""How long to ask nobody after a failure: an API that hangs must not fill all slots."""

ASKING = 4
"""So many ask at a time: the other places are for what does not need the REST API."""

Answer = TypeVar("Answer")

log = logging.getLogger(__name__)


class RestError(Exception):
    """The REST API failed, not the Chats API."""

    def __init__(self, error: RequestError) -> None:
        super().__init__(str(error))
        self.error = error


class KnownPeople:
    """Finds out which contact a client is.

    Args:
        crm: the REST API; None without access to it: then nobody is linked.
        region: the country of numbers without a plus.
        now_s: the clock that only goes forward.
    """

    def __init__(
        self,
        crm: CrmApi | None,
        chats: ChatsApi,
        database: Database,
        kommo_chats: KommoChats,
        *,
        region: str | None,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._crm = crm
        self._chats = chats
        self._database = database
        self._kommo_chats = kommo_chats
        self._region = region
        self._now_s = now_s
        self._failing_since: dict[int, float] = {}
        self._not_before: datetime | None = None
        self._asking = 0
        self._is_failing = False

    async def link(self, item: QueueItem) -> Outcome:
        """Make one attempt; raises what the Chats API does."""
        async with self._database.snapshot() as snapshot:
            conversation = await snapshot.conversations.get(item.conversation_id or "")
        if conversation is None or self._crm is None:
            return Delivered()
        try:
            return await self._link(
                self._crm, ContactLink.model_validate_json(item.payload), conversation
            )
        except RestError as failure:
            return await self._failed(item, conversation, failure.error)

    async def _link(self, crm: CrmApi, link: ContactLink, conversation: Conversation) -> Outcome:
        contact_id = link.contact_id
        if contact_id is None and conversation.contact_id is None and conversation.phone:
            contact_id = await self._of_phone(crm, conversation.phone)
        if contact_id is None or contact_id == conversation.contact_id:
            return Delivered()
        if await self._is_forgotten(conversation):
            return Delivered()
        kommo_chat_id = await self._kommo_chats.made_for(conversation)
        if await self._is_forgotten(conversation):
            return Delivered()
        await self._ask(crm.link_chat(contact_id, kommo_chat_id))
        named = conversation.conversation_id
        await persist(self._database, lambda tx: tx.conversations.set_contact(named, contact_id))
        log.info(
            "linked to a contact",
            extra={"conversation": conversation.conversation_id, "contact": contact_id},
        )
        return Delivered()

    async def _is_forgotten(self, conversation: Conversation) -> bool:
        """Tell whether the client was forgotten while Kommo was asked: then nothing is linked."""
        async with self._database.snapshot() as snapshot:
            return await snapshot.conversations.get(conversation.conversation_id) is None

    async def _of_phone(self, crm: CrmApi, phone: str) -> int | None:
        """Return the one contact of a number; nobody is guessed when there are several."""
        contacts = await self._ask(crm.contacts(search_words(phone)))
        found = {
            contact.id
            for contact in contacts
            if any(is_same(phone, written, self._region) for written in contact.phones)
        }
        if len(found) > 1:
            log.info("several contacts have the client's number; none was chosen")
        return found.pop() if len(found) == 1 else None

    async def _ask(self, call: Coroutine[Any, Any, Answer]) -> Answer:
        """Ask the REST API, unless it failed a moment ago."""
        left = self._not_before - self._database.now() if self._not_before else timedelta()
        is_paused = timedelta() < left <= PAUSE  # more: the clock was set back
        if is_paused or self._asking >= ASKING:
            call.close()
            why = "failed a moment ago" if is_paused else "is asked by others"
            raise RestError(UnreachableError(f"the REST API {why}", was_sent=False))
        self._asking += 1
        try:
            async with asyncio.timeout(CALL_S):
                answer = await call
        except RequestError as error:
            if not isinstance(error, RejectedError):
                self._pause()
            raise RestError(error) from error
        except TimeoutError as error:
            self._pause()
            late = UnreachableError("the REST API did not answer in time", was_sent=True)
            raise RestError(late) from error
        else:
            self._is_failing = False
            return answer
        finally:
            self._asking -= 1

    def _pause(self) -> None:
        self._is_failing = True
        self._not_before = self._database.now() + PAUSE

    async def _failed(
        self, item: QueueItem, conversation: Conversation, error: RequestError
    ) -> Outcome:
        """Decide whether the conversation waits longer for the REST API."""
        is_final = isinstance(error, RejectedError)
        patience = PATIENCE if self._is_failing else BUSY_PATIENCE
        if not is_final and self._waited(item) < patience:
            asked_s = error.retry_after_s if isinstance(error, RateLimitedError) else None
            return RetryLater(str(error), after_s=min(asked_s or 0.0, PATIENCE.total_seconds()))
        if not is_final:  # this fails when messages could not be sent either
            await self._chats.history(await self._kommo_chats.made_for(conversation), limit=1)
        return Undeliverable(f"sent without being linked to a contact: {error}")

    def _waited(self, item: QueueItem) -> timedelta:
        """Return how long a conversation has waited, whichever clock says more.

        The time of day may be set back; the other clock does not know of an earlier process.
        """
        now_s = self._now_s()
        horizon_s = now_s - 2 * BUSY_PATIENCE.total_seconds()
        self._failing_since = {
            item_id: since for item_id, since in self._failing_since.items() if since > horizon_s
        }
        failing_s = now_s - self._failing_since.setdefault(item.id, now_s)
        return max(self._database.now() - item.created_at, timedelta(seconds=failing_s))
