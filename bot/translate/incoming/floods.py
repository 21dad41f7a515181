"""A number of messages that were held back → the notice that tells of them. Pure."""

from datetime import datetime

from bot.translate.ids import ChatAddress, participant_id
from bot.translate.languages import Language, in_language
from bot.translate.visible import NOBODY
from kommo.content import Content
from kommo.ids import ExternalMessageId, SourceId
from kommo.models import NewMessage
from kommo.people import Person

HELD = "[Too many messages within a minute: {number} more were kept, and are not shown here.]"


def flood_notice(
    address: ChatAddress,
    number: int,
    *,
    external_id: str,
    at: datetime,
    name: str,
    source_id: SourceId | None,
    language: Language,
) -> NewMessage:
    """Return what the manager reads in the conversation; it calls nobody."""
    text = in_language(HELD, language).format(number=number)
    return NewMessage(
        at=at,
        external_id=ExternalMessageId(external_id),
        conversation_id=address.conversation_id,
        source_id=source_id,
        sender=Person(id=participant_id(address.chat_id), name=name or NOBODY),
        content=Content(type="text", text=text),
        silent=True,
    )
