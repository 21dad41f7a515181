"""Record an import: intended calls and their outcomes."""

from collections.abc import Sequence

from bot.imports.errors import ForgottenError
from bot.imports.kommo import Refused
from bot.imports.lane import Dated, Lane, Refusal, Result
from bot.imports.plan import ChatPlan
from bot.queue.items import Kind, name_of
from bot.translate.exports.messages import Place, client
from bot.translate.ids import ChatAddress
from kommo.answers import SentMessage
from kommo.models import NewMessage
from storage.conversations import Conversation
from storage.database import Database, Transaction
from storage.imports import Imported, State
from storage.queue.direction import Direction
from storage.queue.producer import Draft
from storage.spool import Spool

COUNTED = 500
"""So many messages are looked up at a time."""


async def store_plan(tx: Transaction, lane: Lane, planned: Sequence[Dated]) -> None:
    """Store what Kommo is about to be told of, and whose conversation it is.

    Raises:
        ForgottenError: the client was forgotten since the import knows the conversation.
    """
    if not planned:
        return
    conversation_id = lane.place.address.conversation_id
    known = await tx.conversations.get(conversation_id)
    if lane.known_since is not None:
        if known is None or known.created_at != lane.known_since:
            raise ForgottenError(conversation_id)
    elif known is None:
        await tx.conversations.remember(_conversation(tx, lane))
    for one in planned:
        await tx.imports.plan(
            Imported(
                external_id=lane.external_id(one.row),
                conversation_id=conversation_id,
                at=one.at,
                is_outgoing=lane.side(one.row) == "company",
            ),
            now=tx.now,
        )


async def store_results(tx: Transaction, results: Sequence[Result]) -> list[Refusal]:
    """Store what came of messages; return those that a person has to look at.

    Nothing is stored of a message that is no longer planned: its client was forgotten meanwhile.
    """
    refused = []
    for message, outcome in results:
        if not await _finish(tx, message, outcome):
            continue
        if isinstance(outcome, Refused):
            refused += await _park(tx, message, outcome)
        else:
            await _save_chat(tx, message, outcome)
    return refused


async def _finish(tx: Transaction, message: NewMessage, outcome: SentMessage | Refused) -> bool:
    """Store how a message ended; tell whether it is still known."""
    state: State = "refused" if isinstance(outcome, Refused) else "sent"
    kommo_id = outcome.kommo_message_id if isinstance(outcome, SentMessage) else None
    return await tx.imports.finish(
        message.external_id, state, now=tx.now, kommo_message_id=kommo_id
    )


async def count_known(database: Database, spool: Spool, chats: Sequence[ChatPlan]) -> int:
    """Return how many messages an earlier import has brought already."""
    count = 0
    for chat in chats:
        address, place = ChatAddress(chat.bot_id, chat.client_id), (-1, -1)
        own = Place(address, client(address, chat.name))
        while rows := spool.page(chat.number, limit=COUNTED, after=place):
            place = rows[-1].place
            async with database.snapshot() as snapshot:
                states = await snapshot.imports.states(
                    own.external_id(row.name, row.at, is_export=chat.is_export) for row in rows
                )
            count += sum(state != "planned" for state in states.values())
    return count


async def _park(tx: Transaction, message: NewMessage, why: Refused) -> list[Refusal]:
    """Keep a message that Kommo refused for a person."""
    item_id = await tx.to_kommo.park(
        Draft(
            dedupe_key=message.external_id,
            ordering_key=f"import:{message.conversation_id}",
            conversation_id=message.conversation_id,
            kind=Kind.NEW_MESSAGE,
            payload=message.model_dump_json(exclude_none=True),
        ),
        now=tx.now,
        reason=why.reason,
    )
    if item_id is None:
        return []
    name = name_of(Direction.INCOMING, item_id)
    return [Refusal(name, message.conversation_id, why.reason)]


async def _save_chat(tx: Transaction, message: NewMessage, sent: SentMessage) -> None:
    """Store Kommo's id of a conversation, if it told the id and nobody knows it yet."""
    conversation_id, chat_id = message.conversation_id, sent.kommo_chat_id
    if chat_id is None or await tx.conversation_chats.by_alias(conversation_id):
        return
    if await tx.conversation_chats.by_kommo_chat(chat_id) is None:
        user_id = sent.receiver_id if message.receiver else sent.sender_id
        await tx.conversation_chats.save(
            chat_id, conversation_id, user_id, alias=conversation_id, now=tx.now
        )


def _conversation(tx: Transaction, lane: Lane) -> Conversation:
    address = lane.place.address
    return Conversation(
        conversation_id=address.conversation_id,
        bot_id=address.bot_id,
        business_user_id=0,
        chat_id=address.chat_id,
        name=lane.place.client.name,
        username=None,
        phone=None,
        source_id=lane.place.source_id,
        created_at=tx.now,
    )
