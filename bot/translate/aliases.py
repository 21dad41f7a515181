"""Aliases: the ids under which Kommo knows a conversation and its client. Pure.

Mostly as we call them. A chat that a manager started, to a phone number, is bound to ours by the
client's first answer; where Kommo has a chat of that id already, the new one gets its own.
Reference: Kommo, Chat capabilities (Write First).
"""

from dataclasses import dataclass

from kommo.ids import ConversationId, KommoChatId, KommoUserId, ParticipantId
from kommo.models import NewMessage, Reaction


@dataclass(frozen=True)
class Alias:
    """An id by which Kommo knows a conversation.

    Args:
        conversation_id: what Kommo is told that we call it.
        suffix: what tells it, and its client, from the conversation that has the plain alias.
        kommo_chat_id: Kommo's chat that this message binds to it.
        kommo_user_id: Kommo's person, likewise.
    """

    conversation_id: ConversationId
    suffix: str = ""
    kommo_chat_id: KommoChatId | None = None
    kommo_user_id: KommoUserId | None = None


def plain(conversation_id: str) -> Alias:
    """Return the alias that a conversation has by itself."""
    return Alias(ConversationId(conversation_id))


def numbered(conversation_id: str, number: int) -> Alias:
    """Return the alias of a further conversation with the same client."""
    suffix = f"~{number}"
    return Alias(ConversationId(conversation_id + suffix), suffix)


def message_under(message: NewMessage, alias: Alias) -> NewMessage:
    """Return a message under an alias."""
    changes: dict[str, object] = {
        "conversation_id": alias.conversation_id,
        "kommo_chat_id": alias.kommo_chat_id or message.kommo_chat_id,
    }
    client = message.receiver or message.sender
    named = client.model_copy(
        update={
            "id": ParticipantId(client.id + alias.suffix),
            "ref_id": alias.kommo_user_id or client.ref_id,
        }
    )
    return message.model_copy(
        update={**changes, "receiver" if message.receiver else "sender": named}
    )


def reaction_under(reaction: Reaction, alias: Alias) -> Reaction:
    """Return a reaction under an alias; in a chat that is not bound yet, under Kommo's id."""
    if alias.kommo_chat_id is not None:
        return reaction.model_copy(
            update={"conversation_id": None, "kommo_chat_id": alias.kommo_chat_id}
        )
    user_id = reaction.user_id and ParticipantId(reaction.user_id + alias.suffix)
    return reaction.model_copy(
        update={"conversation_id": alias.conversation_id, "user_id": user_id}
    )
