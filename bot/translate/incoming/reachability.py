"""A client's block or return → whether the bot may write, and a notice. Pure.

Reference: Bot API, ChatMemberUpdated (`my_chat_member`).
"""

from dataclasses import dataclass
from datetime import datetime

from aiogram.types import ChatMemberUpdated, User

from bot.translate.ids import ChatAddress
from bot.translate.incoming.messages import author_in, is_with_client, person
from bot.translate.languages import Language, in_language
from kommo.content import Content
from kommo.ids import SourceId
from kommo.models import NewMessage

GONE = frozenset({"kicked", "left"})

BLOCKED = "[The client blocked the bot: messages do not arrive.]"
UNBLOCKED = "[The client unblocked the bot: messages arrive again.]"


@dataclass(frozen=True)
class Reachability:
    """Whether the bot may write to a client, from a moment on."""

    address: ChatAddress
    author: User
    at: datetime
    is_reachable: bool


def reachability(update: ChatMemberUpdated, *, bot_id: int) -> Reachability | None:
    """Return whether a client can be reached now; None for groups and channels."""
    if not is_with_client(update.chat):
        return None
    return Reachability(
        address=ChatAddress(bot_id, update.chat.id),
        author=author_in(update.chat, update.from_user),
        at=update.date,
        is_reachable=update.new_chat_member.status not in GONE,
    )


def notice(
    change: Reachability, *, update_id: int, source_id: SourceId | None, language: Language
) -> NewMessage:
    """Return what the manager reads in the conversation; it calls nobody."""
    text = in_language(UNBLOCKED if change.is_reachable else BLOCKED, language)
    return NewMessage(
        at=change.at,
        external_id=change.address.notice_id(update_id),
        conversation_id=change.address.conversation_id,
        source_id=source_id,
        sender=person(change.author),
        content=Content(type="text", text=text),
        silent=True,
    )
