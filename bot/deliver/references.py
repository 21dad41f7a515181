"""Which Telegram message a manager means, by either side's id."""

from bot.translate.ids import ChatAddress, parse_message
from kommo.ids import ExternalMessageId, KommoMessageId
from storage.database import Snapshot


async def telegram_message_id(
    snapshot: Snapshot,
    address: ChatAddress,
    *,
    external_id: ExternalMessageId | None,
    kommo_message_id: KommoMessageId | None,
) -> int | None:
    """Return Telegram's id of a message in a chat; None when it is not one of this chat.

    A message that needed several calls is known by its first one.
    """
    named = parse_message(external_id or "")
    if named is not None:
        return named[1] if named[0] == address else None
    if kommo_message_id is None:
        return None
    parts = await snapshot.messages.by_kommo_message(kommo_message_id)
    place = (address.bot_id, address.business_user_id, address.chat_id)
    here = (
        part.telegram_message_id
        for part in parts
        if (part.bot_id, part.business_user_id, part.chat_id) == place
    )
    return next(here, None)
