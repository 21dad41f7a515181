"""Find the chat that an item leads to, and follow it when it moves."""

from collections.abc import Mapping
from functools import partial

from bot.conversations.addressees import find
from bot.deliver.telegram.clearance import ForgottenError
from bot.deliver.telegram.errors import NotSentError
from bot.deliver.telegram.items import address_of
from bot.deliver.telegram.stagger import NotBegunError
from bot.deliver.telegram.write_first import by_phone
from bot.translate.ids import ChatAddress, parse_conversation
from bot.translate.outgoing import refusals
from kommo.events import LegacyMessage, ManagerMessage, ManagerReaction
from kommo.ids import ConversationId
from storage.database import Database, Transaction
from storage.facts import moved_key
from storage.patience import persist
from storage.queue.reader import QueueItem

Addressed = ManagerMessage | ManagerReaction | LegacyMessage
"""An event that goes to one client."""


class MovedError(NotBegunError):
    """Whose item it is was found out; it waits for its turn among that conversation's."""


class Addresses:
    """Knows where conversations take place.

    Args:
        sources: the bots, and the source that each has now.
        region: the country of phone numbers without a plus.
    """

    def __init__(
        self, database: Database, *, sources: Mapping[int, str | None], region: str | None
    ) -> None:
        self._database = database
        self._sources = sources
        self._region = region

    async def of(self, event: Addressed, item: QueueItem) -> ChatAddress:
        """Return where the conversation takes place: its id says so, or what is stored does.

        Raises:
            MovedError: that is known only now, so that the item goes into its order.
            NotSentError: nobody knows.
        """
        address = address_of(item)
        if address is not None:
            return address
        async with self._database.snapshot() as snapshot:
            conversation_id = await find(snapshot, event)
        if conversation_id is None and isinstance(event, ManagerMessage):
            conversation_id = await self._started(event)
        address = parse_conversation(conversation_id or "")
        if address is None:
            raise NotSentError(refusals.NO_SUCH_CONVERSATION)
        await persist(self._database, partial(_move, item=item, address=address, event=event))
        raise MovedError

    async def note_moved(self, item: QueueItem, chat_id: int) -> bool:
        """Remember where a group went that became a supergroup; its conversation stays.

        Reference: Bot API, ResponseParameters (migrate_to_chat_id).

        Returns:
            whether the item leads to a group at all.
        """
        address = address_of(item)
        if address is None:
            return False

        async def store(tx: Transaction) -> None:
            if await tx.to_telegram.get(item.id):  # not forgotten meanwhile
                await tx.facts.put(moved_key(address.bot_id, address.chat_id), str(chat_id))

        await persist(self._database, store)
        return True

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
    tx: Transaction, *, item: QueueItem, address: ChatAddress, event: Addressed
) -> None:
    """Let what waits beside an item stand in its conversation's order, as it is known now.

    From here on it is that client's, and is forgotten with them. Of a chat that a manager
    started, the client's answer is to bind it.
    """
    conversation_id = address.conversation_id
    if isinstance(event, ManagerMessage) and event.kommo_chat_id and not event.conversation_id:
        if await tx.conversations.get(conversation_id) is None:
            raise ForgottenError
        await tx.conversation_chats.add_started(
            event.kommo_chat_id, conversation_id, event.receiver.kommo_id, now=tx.now
        )
    await tx.to_telegram.move(
        item.ordering_key, to=conversation_id, conversation_id=conversation_id, now=tx.now
    )
