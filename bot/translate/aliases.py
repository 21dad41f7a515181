"""Aliases: the ids under which Kommo knows a conversation and its client. Pure.

Mostly as we call them. A chat that a manager began, to a phone number, is tied to ours by the
client's first answer; where Kommo has a chat of that name already, the new one gets its own name.
Reference: Kommo, Chat capabilities (Write First).
"""

from dataclasses import dataclass

from kommo.ids import ConversationId, KommoChatId, KommoUserId, ParticipantId
from kommo.models import NewMessage, Reaction


@dataclass(frozen=True)
class Voice:
    """The name of a conversation.

    Args:
        conversation_id: what Kommo is told that we call it.
        suffix: what tells it, and its client, from the conversation that has the plain name.
        kommo_chat_id: Kommo's chat that is to be tied to it by this message.
        kommo_user_id: Kommo's person, likewise.
    """

    conversation_id: ConversationId
    suffix: str = ""
    kommo_chat_id: KommoChatId | None = None
    kommo_user_id: KommoUserId | None = None


def plain(conversation_id: str) -> Voice:
    """Return the name that a conversation has by itself."""
    return Voice(ConversationId(conversation_id))


def numbered(conversation_id: str, number: int) -> Voice:
    """Return the name of a further conversation with the same client."""
    suffix = f"~{number}"
    return Voice(ConversationId(conversation_id + suffix), suffix)


def spoken(message: NewMessage, voice: Voice) -> NewMessage:
    """Return a message under a name."""
    changes: dict[str, object] = {
        "conversation_id": voice.conversation_id,
        "kommo_chat_id": voice.kommo_chat_id or message.kommo_chat_id,
    }
    client = message.receiver or message.sender
    named = client.model_copy(
        update={
            "id": ParticipantId(client.id + voice.suffix),
            "ref_id": voice.kommo_user_id or client.ref_id,
        }
    )
    return message.model_copy(
        update={**changes, "receiver" if message.receiver else "sender": named}
    )


def reacted(reaction: Reaction, voice: Voice) -> Reaction:
    """Return a client's reaction under a name; in a chat that is not tied yet, under Kommo's."""
    if voice.kommo_chat_id is not None:
        return reaction.model_copy(
            update={"conversation_id": None, "kommo_chat_id": voice.kommo_chat_id}
        )
    user_id = reaction.user_id and ParticipantId(reaction.user_id + voice.suffix)
    return reaction.model_copy(
        update={"conversation_id": voice.conversation_id, "user_id": user_id}
    )
