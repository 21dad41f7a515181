"""Brings what is planned to Kommo: chat by chat, oldest first, each message once.

A message is written down as planned before Kommo is told of it, and as sent some time later, many
in one commit, so that the service beside it is not held up. What a kill leaves planned is looked
for in Kommo's history before it is told again.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from operator import itemgetter

from bot.conversations.kommo_chats import KommoChats
from bot.imports.courtesy import Courtesy
from bot.imports.errors import RefusedError
from bot.imports.kommo import Pace, Refused, Teller
from bot.imports.overlap import Live
from bot.imports.plan import ChatPlan, Plan, Side
from bot.queue.items import Kind, name_of
from bot.translate.exports.messages import (
    Company,
    FileUrl,
    Place,
    answering,
    client,
    old_message,
    reactions,
)
from bot.translate.exports.told import Told
from bot.translate.ids import ChatAddress
from kommo.answers import SentMessage
from kommo.chats import ChatsApi
from kommo.ids import ExternalMessageId, KommoMessageId, SourceId
from kommo.models import NewMessage, StatusCode
from storage.conversations import Conversation
from storage.database import Database, Transaction
from storage.imports import Imported, State
from storage.patience import persist
from storage.queue.direction import Direction
from storage.sqlite.spool import Spool, Spooled
from storage.timestamps import from_ms, to_ms

PAGE = 25
"""So many messages are planned in one commit."""

TRIALS, ROW = 3, 25
"""So many refused messages of a side in a row, at its beginning or later, speak for all of it."""

SHORT_LEAD = 3
"""A first message of the company is tried in its place if no more than so many stand before it."""

COUNTED = 500
SECOND_MS = 1000

Result = tuple[NewMessage, SentMessage | Refused]


@dataclass(frozen=True)
class Options:
    """How an import is made.

    Args:
        is_silent: whether nobody is told of the newest messages either.
        sources: of the bots, by their ids.
        file_urls: make the media links of the clients of a bot: by bot and client.
    """

    company: Company
    sources: Mapping[int, str | None]
    file_urls: Callable[[int, int], FileUrl]
    is_silent: bool = False


@dataclass(frozen=True)
class Refusal:
    """A message that Kommo did not take, as `queue list` names it."""

    item: str
    conversation_id: str
    reason: str


@dataclass
class Done:
    """How far an import is.

    Args:
        sent: messages that Kommo took, now.
        before: messages that it had already, by an earlier import.
        live: messages that the bridge had brought when they were written.
        chats: how many chats are finished.
        trouble: what just went wrong; empty if nothing did.
    """

    sent: int = 0
    before: int = 0
    live: int = 0
    chats: int = 0
    refused: list[Refusal] = field(default_factory=list)
    lost_reactions: int = 0
    trouble: str = ""

    @property
    def count(self) -> int:
        """Return how many messages are behind it."""
        return self.sent + self.before + self.live + len(self.refused)


@dataclass(frozen=True)
class Dated:
    """A message of the spool with its moment in Kommo, which no other one of its chat has."""

    row: Spooled
    at: datetime


@dataclass
class Lane:
    """A chat while it is imported.

    Args:
        results: what is not recorded yet.
        told: what Kommo took in this run, by the names in the export; the last page's.
    """

    chat: ChatPlan
    place: Place
    newest: tuple[int, int]
    newest_client: tuple[int, int]
    results: list[Result] = field(default_factory=list)
    told: dict[str, str] = field(default_factory=dict)
    recorded_at: float = field(default_factory=time.monotonic)

    def external_id(self, row: Spooled) -> ExternalMessageId:
        """Return our id of a message."""
        return self.place.external_id(row.name, row.at, is_export=self.chat.is_export)

    def side(self, row: Spooled) -> Side:
        """Return who wrote a message."""
        return "client" if row.author == self.chat.client_id else "company"


class Import:
    """One run of an import."""

    def __init__(
        self,
        database: Database,
        chats: ChatsApi,
        spool: Spool,
        plan: Plan,
        options: Options,
        *,
        pace: Pace,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_progress: Callable[[Done], None] = lambda _done: None,
    ) -> None:
        self._database = database
        self._spool = spool
        self._plan = plan
        self._options = options
        self._pace = pace
        self._now = now
        self._on_progress = on_progress
        self._teller = Teller(chats, pace)
        self._courtesy = Courtesy(database, pace, now=now)
        self._teller.on_trouble = self._note_trouble
        self._kommo_chats = KommoChats(database, chats.create_chat, now=now)
        self._proven: set[Side] = set()
        self._refused_in_a_row: Counter[Side] = Counter()
        self._held: list[tuple[Side, NewMessage, Refused]] = []
        self._tried: set[ExternalMessageId] = set()
        self.done = Done()

    async def run(self) -> Done:
        """Import everything; whatever ends it, what Kommo took is recorded.

        Raises:
            RefusedError: Kommo would refuse all the rest.
            NoAnswerError: Kommo does not answer for long.
        """
        await self._try_the_company()
        chats = iter(self._plan.chats)
        await _all_or_none([partial(self._chats, chats)] * self._pace.chats)
        if self._held:
            await self._record_held()
        return self.done

    async def _try_the_company(self) -> None:
        """Try the first message of each side before the rest: nothing can be undone."""
        found = [
            (one[1], chat, one[0])
            for chat in self._plan.chats
            if (one := self._spool.first_not_of(chat.number, chat.client_id)) is not None
        ]
        if not found:
            return
        before, chat, first = min(found, key=itemgetter(0))
        async with _Recording(self, self._lane(chat)) as lane:
            dated = self._dated(lane.chat, upto=first.place)
            rows = list(dated) if before <= SHORT_LEAD else _ends(dated)
            await self._page(lane, rows)
            self._tried |= {lane.external_id(one.row) for one in rows}

    async def _chats(self, chats: Iterator[ChatPlan]) -> None:
        """Import chats, one after another."""
        for chat in chats:
            async with _Recording(self, self._lane(chat)) as lane:
                page: list[Dated] = []
                for dated in self._dated(chat):
                    page.append(dated)
                    if len(page) == PAGE:
                        await self._page(lane, page)
                        page = []
                await self._page(lane, page)
            self.done.chats += 1
            self._on_progress(self.done)

    def _lane(self, chat: ChatPlan) -> Lane:
        address = ChatAddress(chat.bot_id, chat.client_id)
        source = self._options.sources.get(chat.bot_id)
        newest = self._spool.newest(chat.number)
        newest_client = self._spool.newest(chat.number, author=chat.client_id)
        nowhere = (-1, -1)
        return Lane(
            chat=chat,
            place=Place(address, client(address, chat.name), SourceId(source) if source else None),
            newest=newest.place if newest else nowhere,
            newest_client=newest_client.place if newest_client else nowhere,
        )

    def _dated(self, chat: ChatPlan, *, upto: tuple[int, int] | None = None) -> Iterator[Dated]:
        """Return a chat's messages, oldest first: those of one second a millisecond apart."""
        last_ms, place = -1, (-1, -1)
        while rows := self._spool.page(chat.number, limit=PAGE, after=place):
            for row in rows:
                last_ms = max(row.at * SECOND_MS, last_ms + 1)
                yield Dated(row, from_ms(last_ms))
                if row.place == upto:
                    return
            place = rows[-1].place

    async def _page(self, lane: Lane, page: Sequence[Dated]) -> None:
        """Tell Kommo of some messages, as far as it does not know them."""
        states = await self._states(lane, page)
        live = await self._live(lane, page)
        rest = []
        for dated in page:
            external_id = lane.external_id(dated.row)
            if external_id in self._tried:
                continue
            if states.get(external_id, "planned") != "planned":
                self.done.before += 1
            elif external_id not in states and live.has(dated.row, lane.side(dated.row)):
                self.done.live += 1
            else:
                rest.append(dated)
        if not rest:
            self._on_progress(self.done)
            return
        await self._record(lane, planned=rest)
        arrived = await self._arrived(lane, [d for d in rest if lane.external_id(d.row) in states])
        for dated in rest:
            is_repeated = lane.external_id(dated.row) in states
            await self._message(lane, dated, arrived, is_repeated=is_repeated)

    async def _states(self, lane: Lane, page: Sequence[Dated]) -> Mapping[str, State]:
        async with self._database.snapshot() as snapshot:
            return await snapshot.imports.states(lane.external_id(one.row) for one in page)

    async def _live(self, lane: Lane, page: Sequence[Dated]) -> Live:
        """Return what the bridge itself brought in the time of a page."""
        if not page:
            return Live(())
        conversation_id = lane.place.address.conversation_id
        first, last = (datetime.fromtimestamp(one.row.at, UTC) for one in (page[0], page[-1]))
        async with self._database.snapshot() as snapshot:
            return Live(
                await snapshot.messages.between(
                    conversation_id, first, last + timedelta(milliseconds=SECOND_MS - 1)
                )
            )

    async def _arrived(
        self, lane: Lane, repeated: Sequence[Dated]
    ) -> Mapping[ExternalMessageId, KommoMessageId]:
        """Return which messages Kommo took before an earlier run could record it."""
        if not repeated:
            return {}
        async with self._database.snapshot() as snapshot:
            known = await snapshot.conversations.get(lane.place.address.conversation_id)
        if known is None:
            return {}
        chat_id = await self._teller.ask(lambda: self._kommo_chats.made_for(known))
        return await self._teller.arrived(chat_id, since_ms=to_ms(repeated[0].at))

    async def _message(
        self,
        lane: Lane,
        dated: Dated,
        arrived: Mapping[ExternalMessageId, KommoMessageId],
        *,
        is_repeated: bool,
    ) -> None:
        """Tell Kommo of one message, and of who put an emoji on it."""
        await self._courtesy.wait()
        told = Told.model_validate_json(dated.row.body)
        message = await self._quoting(lane, told, self._call(lane, dated, told))
        outcome: SentMessage | Refused
        if message.external_id in arrived:
            outcome = SentMessage(arrived[message.external_id])
        else:
            find = partial(self._find, lane, dated)
            outcome = await self._teller.tell(message, is_repeated=is_repeated, find=find)
        if isinstance(outcome, SentMessage):
            for reaction in reactions(told, message, self._options.company):
                self.done.lost_reactions += not await self._teller.react(reaction)
        await self._note(lane, dated, message, outcome)

    def _call(self, lane: Lane, dated: Dated, told: Told) -> NewMessage:
        row, chat = dated.row, lane.chat
        is_read = row.place < lane.newest_client
        return old_message(
            told,
            lane.place,
            self._options.company,
            author_id=row.author,
            external_id=lane.external_id(row),
            at=dated.at,
            is_silent=self._options.is_silent or row.place != lane.newest,
            status=StatusCode.READ if is_read else StatusCode.DELIVERED,
            file_url=self._options.file_urls(chat.bot_id, chat.client_id),
        )

    async def _quoting(self, lane: Lane, told: Told, message: NewMessage) -> NewMessage:
        """Return a message with what it answers, where Kommo has that."""
        if told.reply_to is None:
            return message
        if told.reply_to in lane.told:
            return answering(message, lane.told[told.reply_to])
        address = lane.place.address
        async with self._database.snapshot() as snapshot:
            if lane.chat.is_export:
                beginning = f"{address.conversation_id}:export:{told.reply_to}-"
                return answering(message, await snapshot.imports.newest_sent(beginning))
            name = address.imported_id(told.reply_to)
            states = await snapshot.imports.states([name])
        return answering(message, name if states.get(name) == "sent" else None)

    async def _find(self, lane: Lane, dated: Dated) -> KommoMessageId | None:
        return (await self._arrived(lane, [dated])).get(lane.external_id(dated.row))

    async def _note(
        self, lane: Lane, dated: Dated, message: NewMessage, outcome: SentMessage | Refused
    ) -> None:
        """Keep what came of a message; record it with others.

        Raises:
            RefusedError: the first messages of its side were all refused.
        """
        side = lane.side(dated.row)
        if isinstance(outcome, SentMessage):
            self._prove(lane, side)
            self.done.sent += 1
            lane.told[dated.row.name] = message.external_id
            lane.results.append((message, outcome))
        else:
            self._refused_in_a_row[side] += 1
            self._judge(side, outcome.reason)
            if side in self._proven:
                lane.results.append((message, outcome))
            else:
                self._held.append((side, message, outcome))
        self.done.trouble = ""
        self._on_progress(self.done)
        if time.monotonic() - lane.recorded_at >= self._pace.record_s:
            await self._record(lane)

    def _prove(self, lane: Lane, side: Side) -> None:
        """Learn that Kommo takes messages of a side: what it refused of it, it refused alone."""
        self._refused_in_a_row[side] = 0
        if side not in self._proven:
            self._proven.add(side)
            lane.results += [(message, why) for one, message, why in self._held if one == side]
            self._held = [held for held in self._held if held[0] != side]

    def _judge(self, side: Side, reason: str) -> None:
        """Stop if Kommo seems to refuse everything of one side.

        Raises:
            RefusedError: it does.
        """
        trials = ROW if side in self._proven else TRIALS
        if self._refused_in_a_row[side] < trials:
            return
        who = "clients" if side == "client" else "the company"
        raise RefusedError(
            f"Kommo refuses {trials} messages of {who} in a row: {reason}; nothing more was "
            "tried; see: kommo-telegram check; then give the same command again: it goes on where "
            "it stopped"
        )

    async def _record_held(self) -> None:
        """Record what was refused of a side of which there was nothing else."""
        results = [(message, refused) for _side, message, refused in self._held]
        store = partial(self._store_results, results=results)
        self.done.refused += await persist(self._database, store)

    async def _record(self, lane: Lane, *, planned: Sequence[Dated] = ()) -> None:
        """Record what came of messages, and what comes next, in one commit."""
        results, lane.results = lane.results, []
        lane.recorded_at = time.monotonic()
        if len(lane.told) > 2 * PAGE:
            lane.told.clear()
        if results or planned:
            store = partial(self._store, lane=lane, results=results, planned=planned)
            self.done.refused += await persist(self._database, store)

    async def _store(
        self,
        tx: Transaction,
        *,
        lane: Lane,
        results: Sequence[Result],
        planned: Sequence[Dated],
    ) -> list[Refusal]:
        conversation_id = lane.place.address.conversation_id
        if planned and await tx.conversations.get(conversation_id) is None:
            await tx.conversations.remember(self._conversation(lane))
        for dated in planned:
            await tx.imports.plan(
                Imported(
                    external_id=lane.external_id(dated.row),
                    conversation_id=conversation_id,
                    at=dated.at,
                    is_outgoing=lane.side(dated.row) == "company",
                )
            )
        return await self._store_results(tx, results=results)

    async def _store_results(self, tx: Transaction, *, results: Sequence[Result]) -> list[Refusal]:
        refused = []
        for message, outcome in results:
            state: State = "sent" if isinstance(outcome, SentMessage) else "refused"
            await tx.imports.set_state(message.external_id, state)
            if isinstance(outcome, Refused):
                refused += await self._park(tx, message, outcome)
        taken = [one for one in results if isinstance(one[1], SentMessage)]
        if taken:
            await self._save_chat(tx, *taken[-1])
        return refused

    async def _park(self, tx: Transaction, message: NewMessage, outcome: Refused) -> list[Refusal]:
        """Keep a message that Kommo refused for a person."""
        item_id = await tx.to_kommo.park(
            dedupe_key=message.external_id,
            ordering_key=f"import:{message.conversation_id}",
            conversation_id=message.conversation_id,
            kind=Kind.NEW_MESSAGE,
            payload=message.model_dump_json(exclude_none=True),
            now=self._now(),
            reason=outcome.reason,
        )
        if item_id is None:
            return []
        return [
            Refusal(name_of(Direction.INCOMING, item_id), message.conversation_id, outcome.reason)
        ]

    async def _save_chat(
        self, tx: Transaction, message: NewMessage, sent: SentMessage | Refused
    ) -> None:
        """Store Kommo's id of a conversation, if it told the id and nobody knows it yet."""
        chat_id = sent.kommo_chat_id if isinstance(sent, SentMessage) else None
        conversation_id = message.conversation_id
        if chat_id is None or not isinstance(sent, SentMessage):
            return
        if await tx.conversation_chats.by_alias(conversation_id):
            return
        if await tx.conversation_chats.by_kommo_chat(chat_id) is None:
            user_id = sent.receiver_id if message.receiver else sent.sender_id
            await tx.conversation_chats.save(
                chat_id, conversation_id, user_id, alias=conversation_id, now=self._now()
            )

    def _conversation(self, lane: Lane) -> Conversation:
        address = lane.place.address
        return Conversation(
            conversation_id=address.conversation_id,
            bot_id=address.bot_id,
            business_user_id=0,
            chat_id=address.chat_id,
            name=lane.place.client.name,
            username=None,
            phone=None,
            source_id=lane.place.source_id,
            created_at=self._now(),
        )

    def _note_trouble(self, reason: str) -> None:
        self.done.trouble = reason
        self._on_progress(self.done)


async def count_known(database: Database, spool: Spool, chats: Sequence[ChatPlan]) -> int:
    """Return how many messages an earlier import has brought already."""
    count = 0
    for chat in chats:
        address, place = ChatAddress(chat.bot_id, chat.client_id), (-1, -1)
        own = Place(address, client(address, chat.name))
        while rows := spool.page(chat.number, limit=COUNTED, after=place):
            place = rows[-1].place
            async with database.snapshot() as snapshot:
                states = await snapshot.imports.states(
                    own.external_id(row.name, row.at, is_export=chat.is_export) for row in rows
                )
            count += sum(state != "planned" for state in states.values())
    return count


class _Recording:
    """A lane whose results are recorded, whatever ends it."""

    def __init__(self, running: Import, lane: Lane) -> None:
        self._running = running
        self._lane = lane

    async def __aenter__(self) -> Lane:
        return self._lane

    async def __aexit__(self, *_: object) -> None:
        await self._running._record(self._lane)


def _ends(dated: Iterator[Dated]) -> list[Dated]:
    """Return the first and the last message."""
    first = next(dated)
    rest = deque(dated, maxlen=1)
    return [first, *rest]


async def _all_or_none(work: Sequence[Callable[[], Awaitable[None]]]) -> None:
    """Do work side by side; the first failure ends all of it, and is raised as it is."""
    tasks = [asyncio.ensure_future(one()) for one in work]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
