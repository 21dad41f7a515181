"""Find the Telegram message that a manager means, by either side's id."""

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
    for given in filter(None, (external_id, kommo_message_id)):
        named = parse_message(given)
        if named is not None:
            return named[1] if named[0] == address else None
    for given in filter(None, (kommo_message_id, external_id)):
        found = await _of_kommo_message(snapshot, address, given)
        if found is not None:
            return found
    return None


async def _of_kommo_message(
    snapshot: Snapshot, address: ChatAddress, kommo_message_id: str
) -> int | None:
    parts = await snapshot.messages.by_kommo_message(kommo_message_id)
    place = (address.bot_id, address.business_user_id, address.chat_id)
    here = (
        part.telegram_message_id
        for part in parts
        if (part.bot_id, part.business_user_id, part.chat_id) == place
    )
    return next(here, None)
