"""Reads the neutral format into the spool: JSON Lines, one message each."""

from typing import BinaryIO

from bot.imports.errors import UnreadableExportError
from bot.imports.plan import ChatPlan, Plan
from bot.imports.tally import Tally, plan_chat
from bot.imports.wanted import Wanted
from bot.translate.exports.lines import LineError, read_line
from bot.translate.exports.told import SizeOf
from storage.spool import Spool, Spooled

LONGEST_LINE = 1 << 24
COMPANY = -1
"""The author of what the company wrote, where nobody says who."""


class Lines:
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
            plan_chat(self._plan, planned, tally)
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
