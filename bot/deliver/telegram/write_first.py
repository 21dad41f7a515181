"""A manager writes first, to a phone number: the chat of the client who shared it.

Reference: Kommo, Chat capabilities (Write First).
"""

from collections.abc import Mapping, Sequence

from bot.translate.phones import SHORTEST, international, is_same
from kommo.events import ManagerMessage
from storage.conversations import Conversation
from storage.database import Snapshot

Sources = Mapping[int, str | None]
"""The bots of the settings, and the source that each has now."""


async def by_phone(
    snapshot: Snapshot, event: ManagerMessage, region: str | None, sources: Sources
) -> Conversation | None:
    """Return the conversation of the receiver's number, in the event's source if it names one.

    Where a client has several, the one that was heard of last, of those that can be reached.
    """
    if event.conversation_id is not None or not event.receiver.phone:
        return None
    found = await _of_number(snapshot, event.receiver.phone, region)
    source = event.source_id
    wanted = [one for one in found if source in (None, one.source_id, sources.get(one.bot_id))]
    wanted.sort(key=lambda one: _promise(one, source, sources), reverse=True)
    return wanted[0] if wanted else None


def _promise(one: Conversation, source: str | None, sources: Sources) -> tuple[bool, ...]:
    """Return what to choose by: a bot that is still there, a client who takes messages.

    The bot's own chat goes before one of a business account, where it may write for a day only.

    A source may have moved to another bot since the client wrote: then that one has it.
    """
    has_source = source is not None and sources.get(one.bot_id) == source
    is_bots = one.business_user_id == 0
    return one.bot_id in sources, one.is_reachable, is_bots, has_source


async def _of_number(
    snapshot: Snapshot, written: str, region: str | None
) -> Sequence[Conversation]:
    """Return the conversations of a number, however it is written; of two numbers, none."""
    number = international(written, region)
    found = await snapshot.conversations.by_phone(number) if number else []
    if found:
        return found
    digits = "".join(char for char in written if char in "0123456789")
    if len(digits) < SHORTEST:
        return ()
    candidates = await snapshot.conversations.by_end_of_phone(digits[-SHORTEST:])
    same = [one for one in candidates if is_same(one.phone or "", written, region)]
    return same if len({one.phone for one in same}) == 1 else ()
