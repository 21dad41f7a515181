"""A client's vote in a poll: a sign that what was written before it was read (pure).

Reference: Bot API, PollAnswer (only of polls that the bot itself sent and that show who votes).
"""

from dataclasses import dataclass

from aiogram.types import PollAnswer

from bot.translate.ids import ChatAddress


@dataclass(frozen=True)
class Vote:
    """A client voted, or took a vote back."""

    address: ChatAddress


def client_vote(answer: PollAnswer, *, bot_id: int) -> Vote | None:
    """Return who voted; None for a vote in the name of a chat.

    A private chat has the id of the client, which is all that an answer names.
    """
    return Vote(ChatAddress(bot_id, answer.user.id)) if answer.user else None
