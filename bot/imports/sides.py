"""The sides of a chat: settled from the export, or not at all (pure).

An export is made by a person's account. A chat has the id of the other one in it: mostly the
client; a bot's chat was exported by the client, who talked to the company's bot.
Reference: Telegram Desktop, export format JSON (`from_id`, `personal_information`).
"""

from collections.abc import Set
from dataclasses import dataclass

NOBODY_KNOWN = 0
"""The author of what names none."""

GROUPS = frozenset({"private_group", "private_supergroup", "public_supergroup"})
CHANNELS = frozenset({"private_channel", "public_channel"})
OTHER_BOTS = "chats with other bots"
COLLEAGUES = "chats with colleagues"
UNCLEAR = "chats where nobody says who is the client"
OTHERS = "chats of other clients"


@dataclass(frozen=True)
class Told:
    """What is known of a chat when it was read to its end.

    Args:
        peer: the id of the chat, which is the other person's or the bot's.
        type: as the export names it.
        authors: who wrote in it.
        owner: whose account was exported, if that is known.
    """

    peer: int | None
    type: str
    authors: Set[int]
    owner: int | None


@dataclass(frozen=True)
class Unclear:
    """It is not clear who the client is; one of these may be."""

    candidates: tuple[int, ...]


@dataclass(frozen=True)
class LeftOut:
    """A chat that is not imported, with the reason."""

    reason: str


def client_of(
    chat: Told, *, managers: Set[int], bots: Set[int], wanted: int | None
) -> int | Unclear | LeftOut:
    """Return who of a chat is the client.

    Args:
        chat: what is known of it.
        managers: who writes for the company.
        bots: ours.
        wanted: the only client whose chat is wanted; who is named so is the client.
    """
    if (reason := _not_private(chat.type)) is not None:
        return LeftOut(reason)
    if chat.type == "bot_chat" and chat.owner is not None and chat.peer not in bots:
        return LeftOut(OTHER_BOTS)
    found = _settled(chat, managers)
    if wanted is None or found == wanted:
        return found
    is_named = isinstance(found, Unclear) or chat.owner is None
    return wanted if is_named and wanted in {chat.peer, *chat.authors} else LeftOut(OTHERS)


def _not_private(kind: str) -> str | None:
    """Return what a chat is called that is no client's; None for a person's or a bot's."""
    if kind in {"personal_chat", "bot_chat"}:
        return None
    if kind in GROUPS:
        return "groups"
    if kind in CHANNELS:
        return "channels"
    return "saved messages" if kind == "saved_messages" else "other chats"


def _settled(chat: Told, managers: Set[int]) -> int | Unclear | LeftOut:
    others = chat.authors - {chat.peer, NOBODY_KNOWN}
    company = others - managers
    is_odd = NOBODY_KNOWN in chat.authors or chat.peer is None
    if chat.owner is not None:
        company = company - {chat.owner}
        if chat.peer in managers:
            return LeftOut(COLLEAGUES)
        if not is_odd and not company and chat.peer is not None:
            return chat.owner if chat.type == "bot_chat" else chat.peer
    elif chat.type == "bot_chat":
        if not is_odd and len(others) == 1:
            return next(iter(others))
    elif not is_odd and chat.peer not in managers and len(company) <= 1 and chat.peer is not None:
        return chat.peer
    known = {one for one in {chat.peer, chat.owner, *others} if one}
    return Unclear(tuple(sorted(known)))
