"""The client's action in an update: wrote, edited, pressed, reacted, blocked the bot. Pure.

Reference: Bot API, Update.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aiogram.types import CallbackQuery, Update, User

from bot.translate.files import MediaUrl
from bot.translate.incoming import messages, presses
from bot.translate.incoming.business import (
    DELETED,
    Deletion,
    OwnerEdit,
    OwnerMessage,
    by_owner,
    deletion,
    is_echo,
    is_owners,
)
from bot.translate.incoming.messages import ClientEdit, ClientMessage
from bot.translate.incoming.presses import Press
from bot.translate.incoming.reachability import Reachability, reachability
from bot.translate.incoming.reactions import ClientReaction, client_reaction
from bot.translate.incoming.unreadable import update_number
from bot.translate.incoming.updates import read_update
from kommo.ids import SourceId


@dataclass(frozen=True)
class Pressed:
    """A pressed button, and who pressed it."""

    press: Press
    author: User


Action = (
    ClientMessage
    | ClientEdit
    | ClientReaction
    | Pressed
    | Reachability
    | OwnerMessage
    | OwnerEdit
    | Deletion
)


def action(
    raw: Mapping[str, Any],
    *,
    bot_id: int,
    source_id: SourceId | None,
    media_url: MediaUrl,
    now: datetime,
    owner_id: int = 0,
) -> Action | None:
    """Return what a client did; None for what was not done towards the bot.

    Args:
        raw: the update, as it came.
        bot_id: to which it came.
        source_id: of the bot.
        media_url: makes the links to its files.
        now: the moment of receipt.
        owner_id: through whose business account it came; 0 for the chat with the bot.

    Raises:
        UnreadableError: what the update is about cannot be read.
    """
    if isinstance(deleted := raw.get(DELETED), Mapping):
        return deletion(deleted, bot_id=bot_id, owner_id=owner_id)
    update, update_id = read_update(raw, now=now), update_number(raw)
    if update.callback_query is not None:
        return _pressed(update.callback_query, bot_id, update_id, owner_id)
    if owner_id:
        return _of_business(
            update,
            bot_id=bot_id,
            owner_id=owner_id,
            source_id=source_id,
            media_url=media_url,
            update_id=update_id,
        )
    if update.message_reaction is not None:
        return client_reaction(update.message_reaction, bot_id=bot_id)
    if update.my_chat_member is not None:
        return reachability(update.my_chat_member, bot_id=bot_id)
    return _written(update, bot_id, source_id, media_url, update_id)


def _written(
    update: Update, bot_id: int, source_id: SourceId | None, media_url: MediaUrl, update_id: int
) -> ClientMessage | ClientEdit | None:
    """Return what a client wrote, or wrote anew; None for what was not said to the bot."""
    if update.message is not None and messages.is_with_client(update.message.chat):
        return messages.client_message(
            update.message,
            bot_id=bot_id,
            source_id=source_id,
            media_url=media_url,
            update_id=update_id,
        )
    edited = update.edited_message
    if edited is not None and messages.is_with_client(edited.chat):
        return messages.client_edit(
            edited,
            bot_id=bot_id,
            source_id=source_id,
            media_url=media_url,
            update_id=update_id,
        )
    return None


def _of_business(
    update: Update,
    *,
    bot_id: int,
    owner_id: int,
    source_id: SourceId | None,
    media_url: MediaUrl,
    update_id: int,
) -> Action | None:
    """Return what was written in an owner's account, by either side; None for an echo."""
    message = update.business_message or update.edited_business_message
    if message is None or not messages.is_with_client(message.chat):
        return None
    if message.chat.id == owner_id:  # notes to oneself
        return None
    is_edit = update.business_message is None
    translate = messages.client_edit if is_edit else messages.client_message
    found = translate(
        message,
        bot_id=bot_id,
        owner_id=owner_id,
        source_id=source_id,
        media_url=media_url,
        update_id=update_id,
    )
    if found is None or not is_owners(message, owner_id):
        return found
    if is_echo(message, bot_id) and not is_edit:
        return None
    return by_owner(found, message)


def _pressed(query: CallbackQuery, bot_id: int, update_id: int, owner_id: int) -> Pressed:
    press = presses.client_press(query, bot_id=bot_id, update_id=update_id, owner_id=owner_id)
    if query.from_user.id > 0:
        return Pressed(press, query.from_user)
    return Pressed(press, query.from_user.model_copy(update={"id": press.chat_id}))
