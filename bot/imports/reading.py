"""Reads an export into the spool, and plans what is to be done with it."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Literal

from bot.imports.errors import UnclearSideError, UnreadableExportError
from bot.imports.lines import Lines
from bot.imports.plan import ChatPlan, Plan
from bot.imports.sides import NOBODY_KNOWN, UNCLEAR, LeftOut, Unclear, client_of
from bot.imports.sides import Told as ChatFacts
from bot.imports.tally import Tally, plan_chat
from bot.imports.telegram import Chat, Ended, Found, Owner, pieces
from bot.imports.wanted import Wanted
from bot.translate.exports.contents import told
from bot.translate.exports.fields import number, words
from bot.translate.exports.lines import LATEST_S
from bot.translate.exports.told import SizeOf, Told
from bot.translate.visible import visible
from storage.spool import Spool, Spooled

RESULT = "result.json"
SNIFFED_BYTES = 1 << 16

Unreadable = Literal["unreadable"]
UNREADABLE: Unreadable = "unreadable"
"""In the place of what a message tells that only looks like one."""

Ask = Callable[[str, Sequence[int]], int | None]
"""Asks who of these is the client of a chat; None: nobody is to be asked."""


def file_in(path: Path) -> Path:
    """Return the file of an export that was named by its folder or by itself.

    Raises:
        UnreadableExportError: there is none.
    """
    if not path.is_dir():
        return path
    if not (path / RESULT).is_file():
        raise UnreadableExportError(
            f"there is no {RESULT} in {path}: in Telegram Desktop's export, choose "
            '"Machine-readable JSON" as the format'
        )
    return path / RESULT


def read_export(file: Path, spool: Spool, wanted: Wanted, *, size_of: SizeOf, ask: Ask) -> Plan:
    """Read an export into a spool; return what is to be done with it.

    Raises:
        UnreadableExportError: it is damaged, or none that is known.
        UnclearSideError: nobody says who the client of its one chat is.
    """
    with file.open("rb") as handle:
        if _is_lines(file, handle):
            return Lines(spool, wanted, size_of, str(file)).read(handle)
        return _Export(spool, wanted, size_of, ask, str(file)).read(handle)


def _is_lines(file: Path, handle: BinaryIO) -> bool:
    """Tell whether a file is of the neutral format: one whole object a line."""
    if file.name == RESULT or file.suffix.lower() in {".jsonl", ".ndjson"}:
        return file.name != RESULT
    beginning = handle.read(SNIFFED_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip()
    handle.seek(0)
    try:
        first = json.loads(beginning.split(b"\n", 1)[0])
    except ValueError:
        return False
    return isinstance(first, dict) and not first.keys() & {"messages", "chats"}


class _Export:
    """Reads Telegram Desktop's export."""

    def __init__(self, spool: Spool, wanted: Wanted, size_of: SizeOf, ask: Ask, name: str) -> None:
        self._spool = spool
        self._wanted = wanted
        self._size_of = size_of
        self._ask = ask
        self._name = name
        self._owner: int | None = None
        self._plan = Plan()
        self._tallies: dict[int, Tally] = {}
        self._has_chats = False

    def read(self, handle: BinaryIO) -> Plan:
        """Read all of it."""
        for piece in pieces(handle, self._name):
            match piece:
                case Owner():
                    self._owner = piece.user_id
                case Found():
                    self._add(piece.chat, piece.message)
                case Ended():
                    self._end(piece.chat)
        if not self._has_chats:
            raise UnreadableExportError(
                f"{self._name} is no export of Telegram Desktop: it holds neither messages nor "
                "chats; and no JSON Lines, see docs/guide/import.md"
            )
        return self._plan

    def _add(self, chat: Chat, message: Mapping[str, Any]) -> None:
        """Put a message into the spool, or count why it is left out."""
        tally = self._tallies.setdefault(chat.number, Tally())
        name, at_s = number(message.get("id")), self._at(message)
        found = self._told(message)
        if found == UNREADABLE:
            reason = "messages that cannot be read"
        elif found is None:
            is_service = message.get("type") == "service"
            reason = "service messages" if is_service else "messages that Telegram did not export"
        elif at_s is None or name is None:
            reason = "messages without a time or a number"
        else:
            reason = self._wanted.refusal(at_s) or ""
        if reason or not isinstance(found, Told) or at_s is None:
            tally.left_out[reason] += 1
            return
        author = self._author(chat, found)
        row = Spooled(
            chat.number, str(name), at_s, author, found.model_dump_json(exclude_none=True)
        )
        if not self._spool.add(row):
            tally.left_out["messages that stand twice in the file"] += 1
            return
        tally.add(author, found)
        tally.names[author] = found.author or tally.names.get(author, "")

    def _told(self, message: Mapping[str, Any]) -> Told | Unreadable | None:
        """Return what a message tells; whatever stands in one of them stops no other."""
        try:
            return told(message, self._size_of)
        except (ValueError, RecursionError):
            return UNREADABLE

    def _at(self, message: Mapping[str, Any]) -> int | None:
        """Return a message's second."""
        at_s = number(message.get("date_unixtime"))
        if at_s is not None and 0 < at_s <= LATEST_S:
            return at_s
        try:
            local = datetime.fromisoformat(words(message.get("date")))
            at_s = int(local.replace(tzinfo=local.tzinfo or self._wanted.zone).timestamp())
        except (ValueError, OverflowError, OSError):
            return None
        self._plan.is_zone_used = True
        return at_s if 0 < at_s <= LATEST_S else None

    def _author(self, chat: Chat, message: Told) -> int:
        """Return who wrote; of what names no id, by the name."""
        if message.author_id is not None:
            return message.author_id
        peer = number(chat.facts.get("id"))
        if message.author and message.author == visible(words(chat.facts.get("name"))):
            return peer or NOBODY_KNOWN
        return self._owner or NOBODY_KNOWN

    def _end(self, chat: Chat) -> None:
        """Settle whose a chat is, and plan it."""
        self._has_chats = True
        tally = self._tallies.pop(chat.number, Tally())
        peer = number(chat.facts.get("id"))
        facts = ChatFacts(peer, chat.type, tally.authors, self._owner)
        wanted = self._wanted
        found = client_of(
            facts, managers=wanted.managers, bots=wanted.bots, wanted=wanted.client_id
        )
        name = visible(words(chat.facts.get("name")))
        if isinstance(found, Unclear) and tally.kinds:
            found = self._asked(chat, name or "a chat", found)
        if isinstance(found, Unclear | LeftOut):
            self._plan.chats_left_out[getattr(found, "reason", UNCLEAR)] += 1
            self._spool.remove(chat.number)
            return
        self._plan.messages_left_out += tally.left_out
        is_ours = chat.type == "bot_chat" and peer in wanted.bots
        client = name if found == peer else tally.names.get(found, "")
        planned = ChatPlan(
            number=chat.number,
            client_id=found,
            bot_id=peer if is_ours and peer is not None else wanted.bot_id,
            name=client or tally.names.get(found, ""),
            is_export=True,
        )
        plan_chat(self._plan, planned, tally)

    def _asked(self, chat: Chat, name: str, unclear: Unclear) -> int | LeftOut:
        """Ask who the client is.

        Raises:
            UnclearSideError: nobody is to be asked, and there is no other chat.
        """
        chosen = self._ask(name, unclear.candidates)
        if chosen is not None:
            return chosen
        if chat.base:
            return LeftOut(UNCLEAR)
        ids = " or ".join(map(str, unclear.candidates)) or "nobody has an id"
        raise UnclearSideError(
            f"it is not clear who the client of {name} is ({ids}); name the client with --client "
            "ID, and who writes for the company in [import.managers]"
        )
