"""Counts what the chats of an export hold, for the plan."""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field

from bot.imports.plan import ChatPlan, Plan, Side
from bot.translate.exports.told import ExportedFile, Told


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


def plan_chat(plan: Plan, chat: ChatPlan, tally: Tally) -> None:
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
