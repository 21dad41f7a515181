"""A client's reaction → the call for Kommo. Pure.

Reference: Bot API, MessageReactionUpdated; Kommo, Send reactions (one emoji a call).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from aiogram.types import (
    MessageReactionUpdated,
    ReactionTypeCustomEmoji,
    ReactionTypeEmoji,
    ReactionTypePaid,
)

from bot.translate.ids import ChatAddress, participant_id, quote
from bot.translate.incoming.messages import author_in, is_with_client
from kommo.models import Reaction

STAR = "\N{WHITE MEDIUM STAR}"
"""A paid reaction looks like this."""

Given = ReactionTypeEmoji | ReactionTypeCustomEmoji | ReactionTypePaid


@dataclass(frozen=True)
class ClientReaction:
    """What changed in a client's reaction to a message."""

    address: ChatAddress
    telegram_message_id: int
    user_id: int
    removed: tuple[str, ...]
    added: tuple[str, ...]


def client_reaction(update: MessageReactionUpdated, *, bot_id: int) -> ClientReaction | None:
    """Return what changed; None where it is no client's.

    A custom emoji tells a bot no more than its number, so it is left out; but whoever gives or
    takes back one has read the message. In a private chat, the client is whose chat it is.
    """
    is_anonymous = update.user is None and update.actor_chat is not None
    if is_anonymous or not is_with_client(update.chat):
        return None
    old, new = _emoji(update.old_reaction), _emoji(update.new_reaction)
    return ClientReaction(
        ChatAddress(bot_id, update.chat.id),
        update.message_id,
        author_in(update.chat, update.user).id,
        tuple(emoji for emoji in old if emoji not in new),
        tuple(emoji for emoji in new if emoji not in old),
    )


def reactions(
    change: ClientReaction, *, external_id: str | None, kommo_message_id: str | None
) -> list[Reaction]:
    """Return the calls that tell Kommo of a change: first what was taken back.

    Args:
        change: what the client did.
        external_id: our id of the message, if a client wrote it.
        kommo_message_id: Kommo's id of it.
    """
    about = quote(external_id, kommo_message_id)
    both = [("unreact", emoji) for emoji in change.removed]
    both += [("react", emoji) for emoji in change.added]
    return [
        Reaction.model_validate(
            {
                "type": kind,
                "emoji": emoji,
                "conversation_id": change.address.conversation_id,
                "external_id": about.external_id,
                "kommo_message_id": about.kommo_message_id,
                "user_id": participant_id(change.user_id),
            }
        )
        for kind, emoji in both
    ]


def _emoji(given: Sequence[Given]) -> list[str]:
    """Return the emoji of reactions, as far as they have one."""
    found = []
    for reaction in given:
        match reaction:
            case ReactionTypeEmoji():
                found.append(reaction.emoji)
            case ReactionTypePaid():
                found.append(STAR)
            case _:
                continue
    return found
