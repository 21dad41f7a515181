"""Of which time the database knows what was delivered; see decision 0043."""

import logging
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from storage.database import Database, Transaction
from storage.heartbeat import Life
from storage.patience import persist

KNOWS_SINCE = "history_since"
"""The fact: since when there is the database: what was before is not its business."""

DOUBTFUL_UNTIL = "doubtful_until"
"""The fact: of before when the database does not know what was delivered."""

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)

EVIDENCE = 2
"""So many conversations in doubt are no accident: all of them are."""

log = logging.getLogger(__name__)


class Knowledge:
    """What may be believed of earlier deliveries, in all conversations and in each.

    A database that was restored from a copy, or made anew, does not know what was delivered before
    it: what it does not know may have been delivered.
    """

    def __init__(self, database: Database, *, now: Callable[[], datetime]) -> None:
        self._database = database
        self._now = now
        self._since = ALWAYS
        self._doubtful_until = ALWAYS
        self._doubted: set[str] = set()
        self._evidence = EVIDENCE
        self._loaded_at = now()

    async def load(self, life: Life) -> None:
        """Learn of which time the database knows what was delivered."""
        self._loaded_at = now = _as_kommo_tells(self._now())
        self._evidence = 1 if life.origin == "unknown" else EVIDENCE
        async with self._database.transaction() as tx:
            noted = await tx.facts.get(KNOWS_SINCE)
            await self._know_since(tx, moment=datetime.fromisoformat(noted) if noted else now)
            doubtful = await tx.facts.get(DOUBTFUL_UNTIL)
            self._doubtful_until = datetime.fromisoformat(doubtful) if doubtful else ALWAYS
            if life.origin == "copied":
                log.warning(
                    "the database was restored or moved: whether answers that it does not know "
                    "were delivered before this start is not known; they are not sent, "
                    "`kommo-telegram queue list` shows them"
                )
                await self._doubt_all(tx, now)

    async def since(self) -> datetime:
        """Return since when there is the database: what was before is not its business."""
        if self._since > self._now():
            await persist(self._database, partial(self._know_since, moment=ALWAYS))
        return self._since

    async def doubtful_until(self, name: str) -> datetime:
        """Return until when it is not known what was delivered in a conversation."""
        async with self._database.snapshot() as snapshot:
            noted = await snapshot.doubts.until(name)
        return max(map(self._believed, (self._doubtful_until, noted or ALWAYS)))

    async def is_evidence(
        self,
        name: str,
        foreign: Sequence[datetime],
        missed_since: datetime | None,
        lost_until: datetime,
    ) -> bool:
        """Tell whether a conversation shows that the database is from an older copy.

        Then Kommo has messages of the client from the time in which the bridge was away as far as
        this database knows. A few of them are no reason to doubt what others were sent.

        Args:
            name: the conversation.
            foreign: when the client wrote what this database never told Kommo of, by our clock.
            missed_since: since when webhooks may be missing; None when nothing is known of that.
            lost_until: until when.
        """
        if missed_since is None or name in self._doubted:
            return False
        if not any(missed_since <= at < lost_until for at in foreign):
            return False
        self._doubted.add(name)
        await persist(self._database, partial(self._doubt, name=name, until=lost_until))
        return True

    async def _doubt(self, tx: Transaction, *, name: str, until: datetime) -> None:
        """Note that nothing is known of what was delivered in a conversation before a moment."""
        if await tx.conversations.get(name) is None:
            return  # forgotten while Kommo was asked
        log.error(
            "Kommo has messages of a client that this database does not know: it is from an older "
            "backup; answers from before now that it does not know are not sent, "
            "`kommo-telegram queue list` shows them",
            extra={"conversation": name},
        )
        await tx.doubts.save(name, until=until)
        if len(self._doubted) >= self._evidence:
            await self._doubt_all(tx, until)

    async def _doubt_all(self, tx: Transaction, until: datetime) -> None:
        """Note that nothing is known of what was delivered before a moment."""
        self._doubtful_until = max(self._doubtful_until, _as_kommo_tells(until))
        await tx.facts.put(DOUBTFUL_UNTIL, self._doubtful_until.isoformat())

    def _believed(self, doubtful_until: datetime) -> datetime:
        """Return until when to doubt: no clock that was set back since makes it longer."""
        return doubtful_until if doubtful_until <= self._now() else self._loaded_at

    async def _know_since(self, tx: Transaction, *, moment: datetime) -> None:
        """Note since when there is the database; always, if that was noted by a clock ahead."""
        self._since = moment
        await tx.facts.put(KNOWS_SINCE, moment.isoformat())


def _as_kommo_tells(moment: datetime) -> datetime:
    """Return a moment as exactly as Kommo tells moments."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)
