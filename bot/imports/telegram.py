"""Telegram Desktop's export, read piece by piece: of one chat, or of the whole account.

Reference: Telegram Desktop, export format JSON.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO

import ijson

from bot.imports.errors import UnreadableExportError
from bot.imports.repair import Repaired

CHATS = ("", "chats.list.item", "left_chats.list.item")
"""Where chats stand: the file itself, or in the lists of an account."""

BEGINNINGS = {f"{base}.messages.item".removeprefix("."): base for base in CHATS}
KEYS = {
    f"{base}.{key}".removeprefix("."): (base, key)
    for base in CHATS
    for key in ("name", "type", "id")
}
OWNER = "personal_information.user_id"
PRIVATE = frozenset({"personal_chat", "bot_chat"})
STARTS: Mapping[str, Callable[[], Any]] = {"start_map": dict, "start_array": list}
ENDS = frozenset({"end_map", "end_array"})
SCALARS = frozenset({"string", "number", "null", "boolean"})


@dataclass
class Chat:
    """A chat of an export.

    Args:
        number: counts them, from 1.
        base: where in the file it stands; empty: it is the file.
    """

    number: int
    base: str
    facts: dict[str, Any] = field(default_factory=dict)
    has_messages: bool = False

    @property
    def type(self) -> str:
        """Return its type; empty if it has none."""
        return str(self.facts.get("type") or "")


@dataclass(frozen=True)
class Owner:
    """Whose account was exported."""

    user_id: int


@dataclass(frozen=True)
class Found:
    """A message of a chat."""

    chat: Chat
    message: Mapping[str, Any]


@dataclass(frozen=True)
class Ended:
    """A chat is read to its end."""

    chat: Chat


Piece = Owner | Found | Ended


def pieces(file: BinaryIO, name: str) -> Iterator[Piece]:
    """Read an export; a chat that is nobody's alone is not looked into.

    Raises:
        UnreadableExportError: it is damaged, or no export.
    """
    repaired = Repaired(file)
    try:
        yield from _pieces(ijson.parse(repaired))
    except ijson.JSONError as error:
        raise UnreadableExportError(
            f"{name} is damaged after some {repaired.read_bytes} bytes, or was not written to its "
            "end; nothing was imported; export it once more"
        ) from error


def _pieces(events: Iterator[tuple[str, str, Any]]) -> Iterator[Piece]:
    chats: dict[str, Chat] = {}
    count = 0
    for prefix, event, value in events:
        base = BEGINNINGS.get(prefix)
        if base is not None and event == "start_map":
            chat = chats[base]
            message = _built(events, prefix, is_wanted=not chat.type or chat.type in PRIVATE)
            if message is not None:
                yield Found(chat, message)
        elif event in SCALARS:
            place = KEYS.get(prefix)
            if place is not None:
                chats[place[0]].facts[place[1]] = value
            elif prefix == OWNER and isinstance(value, int):
                yield Owner(value)
        elif prefix in CHATS and event == "start_map":
            count += 1
            chats[prefix] = Chat(count, prefix)
        elif event == "start_array":
            _note_messages(chats, prefix)
        elif prefix in CHATS and event == "end_map" and (prefix or chats[""].has_messages):
            yield Ended(chats[prefix])


def _note_messages(chats: Mapping[str, Chat], prefix: str) -> None:
    base, _, last = prefix.rpartition(".")
    if last == "messages" and base in chats:
        chats[base].has_messages = True


def _built(
    events: Iterator[tuple[str, str, Any]], end: str, *, is_wanted: bool
) -> Mapping[str, Any] | None:
    """Read an object to its end; build it, if it is wanted."""
    message: dict[str, Any] = {}
    holders: list[tuple[dict[str, Any] | list[Any], str]] = [(message, "")]
    for prefix, event, value in events:
        if event == "end_map" and prefix == end:
            break
        if not is_wanted:
            continue
        holder, key = holders[-1]
        if event == "map_key":
            holders[-1] = holder, value
        elif event in ENDS:
            holders.pop()
        else:
            made = STARTS[event]() if event in STARTS else value
            if isinstance(holder, dict):
                holder[key] = made
            else:
                holder.append(made)
            if event in STARTS:
                holders.append((made, ""))
    return message if is_wanted else None
