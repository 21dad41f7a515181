"""Retention: remove old rows in small steps, so that nobody waits for long.

Each table that grows with every message is named here, or says why it does not grow for ever:
conversations, topics, avatars and conversation_chats have a row for each chat, grants and notes a
few, used_consents are removed with each new one, and imported has what a person imported, so that
an import can be repeated at any time.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from storage.engine import Session, Statement
from storage.queue.direction import Direction
from storage.timestamps import to_ms


@dataclass(frozen=True)
class Rule:
    """Rows of one table that are old enough to go.

    Args:
        table: the table.
        condition: which rows, by an index.
        moments: the moments that the condition names.
        with_them: statements that remove what belongs to them; `:rows` of them is known to each.
    """

    table: str
    condition: str
    moments: Mapping[str, datetime]
    with_them: tuple[str, ...] = ()


def rules(
    *, items_before: datetime, messages_before: datetime | None, buttons_before: datetime
) -> list[Rule]:
    """Return what may go.

    Args:
        items_before: finished items, and invitations that ended before that.
        messages_before: which message is which on the other side, and how far it got; None to
            keep it for ever.
        buttons_before: buttons that were shown before that.
    """
    found = [finished(direction, items_before) for direction in Direction]
    found += [
        Rule("buttons", "created_at < :before", {"before": buttons_before}),
        Rule(
            "invitation_uses",
            "payload IN (SELECT payload FROM invitations WHERE expires_at < :before)",
            {"before": items_before},
        ),
        Rule("invitations", "expires_at < :before", {"before": items_before}),
    ]
    if messages_before is not None:
        found += [
            Rule("messages", "at < :before", {"before": messages_before}),
            Rule("topic_messages", "known_at < :before", {"before": messages_before}),
            Rule(
                "deliveries",
                "coalesce(sent_at, known_at) < :before",
                {"before": messages_before},
            ),
        ]
    return found


def finished(direction: Direction, before: datetime) -> Rule:
    """Return the rule for items that ended before a moment, and for their attempts."""
    table = direction.table
    attempts = f"DELETE FROM attempts WHERE queue = '{table}' AND item_id IN ({{rows}})"
    return Rule(table, "finished_at < :before", {"before": before}, (attempts,))


class Retention:
    """Removes old rows, inside a transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def remove(self, rule: Rule, *, limit: int) -> int:
        """Remove some of the rows that a rule names; return how many those were.

        Args:
            rule: which rows.
            limit: the most rows of one step.
        """
        moments = {name: to_ms(moment) for name, moment in rule.moments.items()}
        (rows,) = await self._session.at_length(
            (
                f"DELETE FROM {rule.table} WHERE rowid IN (SELECT rowid FROM {rule.table} "
                f"WHERE {rule.condition} LIMIT :limit) RETURNING rowid",
                {**moments, "limit": limit},
            )
        )
        if rows and rule.with_them:
            listed = ", ".join(str(int(row[0])) for row in rows)
            statements: list[Statement] = [(sql.format(rows=listed), {}) for sql in rule.with_them]
            await self._session.at_length(*statements)
        return len(rows)
