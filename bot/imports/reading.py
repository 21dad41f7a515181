"""Reads an export into the spool, and plans what is to be done with it."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any, BinaryIO, Literal

from bot.imports.errors import UnclearSideError, UnreadableExportError
from bot.imports.plan import ChatPlan, Plan, Side
from bot.imports.sides import NOBODY_KNOWN, UNCLEAR, LeftOut, Unclear, client_of
from bot.imports.sides import Told as ChatFacts
from bot.imports.telegram import Chat, Ended, Found, Owner, pieces
from bot.translate.exports.contents import told
from bot.translate.exports.fields import number, words
from bot.translate.exports.lines import LATEST_S, LineError, read_line
from bot.translate.exports.told import ExportedFile, SizeOf, Told
from bot.translate.visible import visible
from storage.spool import Spool, Spooled

RESULT = "result.json"
SNIFFED_BYTES = 1 << 16
LONGEST_LINE = 1 << 24
COMPANY = -1
"""The author of what the company wrote, where nobody says who."""

Unreadable = Literal["unreadable"]
UNREADABLE: Unreadable = "unreadable"
"""In the place of what a message tells that only looks like one."""

Ask = Callable[[str, Sequence[int]], int | None]
"""Asks who of these is the client of a chat; None: nobody is to be asked."""


@dataclass(frozen=True)
class Wanted:
    """What of an export is wanted.

    Args:
        bot_id: under which bot.
        bots: ours.
        managers: who writes for the company.
        client_id: the only client, if just one is wanted.
        since: from this moment on.
        until: up to, but not with, this moment.
        zone: of times that come without one; None: this machine's.
    """

    bot_id: int
    bots: Set[int]
    managers: Set[int]
    zone: tzinfo | None = None
    client_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None

    def refusal(self, at_s: int) -> str | None:
        """Return why a message of some moment is left out; None if it is not."""
        if self.since is not None and at_s < self.since.timestamp():
            return "messages from before --since"
        if self.until is not None and at_s >= self.until.timestamp():
            return "messages from after --until"
        return None


@dataclass
class Tally:
    """What a chat holds, while it is read."""

    kinds: Counter[tuple[int, str]] = field(default_factory=Counter)
    names: dict[int, str] = field(default_factory=dict)
    left_out: Counter[str] = field(default_factory=Counter)
    files: int = 0
    file_bytes: int = 0
    missing_files: int = 0
    example: ExportedFile | None = None

    def add(self, author: int, message: Told) -> None:
        """Count a message."""
        self.kinds[author, message.kind] += 1
        if message.file is not None:
            self.files += 1
            self.file_bytes += message.file.size
            self.example = message.file
        self.missing_files += message.is_missing

    @property
    def authors(self) -> Set[int]:
        """Return who wrote."""
        return {author for author, _kind in self.kinds}


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
            return _Lines(spool, wanted, size_of, str(file)).read(handle)
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
        _plan_chat(self._plan, planned, tally)

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


class _Lines:
    """Reads the neutral format."""

    def __init__(self, spool: Spool, wanted: Wanted, size_of: SizeOf, name: str) -> None:
        self._spool = spool
        self._wanted = wanted
        self._size_of = size_of
        self._name = name
        self._plan = Plan()
        self._tallies: dict[int, Tally] = {}

    def read(self, handle: BinaryIO) -> Plan:
        """Read all of it.

        Raises:
            UnreadableExportError: a line is not of the format.
        """
        number_of_line = 0
        while line := handle.readline(LONGEST_LINE):
            number_of_line += 1
            text = self._text(line, number_of_line)
            if text.strip():
                self._add(text, number_of_line)
        for client_id, tally in self._tallies.items():
            planned = ChatPlan(
                number=client_id,
                client_id=client_id,
                bot_id=self._wanted.bot_id,
                name=tally.names.get(client_id, ""),
                is_export=False,
            )
            self._plan.messages_left_out += tally.left_out
            _plan_chat(self._plan, planned, tally)
        return self._plan

    def _text(self, line: bytes, number_of_line: int) -> str:
        if len(line) == LONGEST_LINE:
            raise self._wrong(number_of_line, "is too long")
        try:
            return line.decode("utf-8-sig" if number_of_line == 1 else "utf-8")
        except UnicodeDecodeError:
            raise self._wrong(number_of_line, "is not in UTF-8") from None

    def _wrong(self, number_of_line: int, what: str) -> UnreadableExportError:
        return UnreadableExportError(
            f"{self._name}, line {number_of_line}: {what}; nothing was imported"
        )

    def _add(self, text: str, number_of_line: int) -> None:
        try:
            line = read_line(text)
        except LineError as error:
            raise self._wrong(number_of_line, str(error)) from None
        if self._wanted.client_id not in {None, line.chat_id}:
            self._plan.messages_left_out["messages of other clients"] += 1
            return
        tally = self._tallies.setdefault(line.chat_id, Tally())
        reason = self._wanted.refusal(line.at)
        if reason is not None:
            tally.left_out[reason] += 1
            return
        author = line.chat_id if line.side == "client" else line.author_id or COMPANY
        if author == line.chat_id and line.side == "company":
            raise self._wrong(number_of_line, "author_id is the client's own id")
        found = line.told(self._size_of)
        body = found.model_dump_json(exclude_none=True)
        if not self._spool.add(Spooled(line.chat_id, line.id, line.at, author, body)):
            tally.left_out["messages that stand twice in the file"] += 1
            return
        tally.add(author, found)
        tally.names[author] = found.author or tally.names.get(author, "")


def _plan_chat(plan: Plan, chat: ChatPlan, tally: Tally) -> None:
    """Add a chat to the plan."""
    for (author, kind), count in tally.kinds.items():
        side: Side = "client" if author == chat.client_id else "company"
        plan.messages[side, kind] += count
        chat.count += count
        if side == "company":
            plan.writers[author] += count
    plan.files += tally.files
    plan.file_bytes += tally.file_bytes
    plan.missing_files += tally.missing_files
    if tally.example is not None:
        plan.example = chat.bot_id, chat.client_id, tally.example
    if chat.count:
        plan.chats.append(chat)
    elif tally.kinds or tally.left_out:
        plan.chats_left_out["chats without a message to import"] += 1
