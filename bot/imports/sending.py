"""Brings what is planned to Kommo: chat by chat, oldest first, each message once.

A message is written down as planned before Kommo is told of it, and as sent some time later, many
in one commit, so that the service beside it is not held up. What a kill leaves planned is looked
for in Kommo's history before it is told again.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from operator import itemgetter

from bot.conversations.kommo_chats import KommoChats
from bot.imports.calls import call_of, quoting
from bot.imports.courtesy import Courtesy
from bot.imports.errors import ForgottenError
from bot.imports.kommo import Refused, Teller
from bot.imports.lane import (
    PAGE,
    Dated,
    Done,
    Lane,
    Options,
    Refusal,
    dated,
    lane_of,
)
from bot.imports.lookups import known_client, live_in, states_of
from bot.imports.plan import ChatPlan, Plan
from bot.imports.recording import store_plan, store_results
from bot.imports.verdict import Verdict
from bot.translate.exports.messages import reactions
from bot.translate.exports.told import Told
from bot.translate.ids import ChatAddress
from kommo.answers import SentMessage
from kommo.chats import ChatsApi
from kommo.ids import ExternalMessageId, KommoMessageId
from kommo.models import NewMessage
from storage.database import Database, Transaction
from storage.patience import persist
from storage.spool import Spool
from storage.timestamps import to_ms

SHORT_LEAD = 3
"""A first message of the company is tried in its place if no more than so many stand before it."""


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
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        on_progress: Callable[[Done], None] = lambda _done: None,
    ) -> None:
        self._database = database
        self._spool = spool
        self._plan = plan
        self._options = options
        self._pace = options.pace
        self._now = now
        self._on_progress = on_progress
        self._teller = Teller(chats, options.pace)
        self._courtesy = Courtesy(database, options.pace, now=now)
        self._teller.on_trouble = self._note_trouble
        self._kommo_chats = KommoChats(database, chats.create_chat, now=now)
        self._verdict = Verdict()
        self._tried: set[ExternalMessageId] = set()
        self._known_since: dict[str, datetime] = {}
        self.done = Done()

    async def run(self) -> Done:
        """Import everything; whatever ends it, what Kommo took is recorded.

        Raises:
            RefusedError: Kommo would refuse all the rest.
            NoAnswerError: Kommo does not answer for long.
        """
        await self._note_known()
        with suppress(ForgottenError):
            await self._try_the_company()
        chats = iter(self._plan.chats)
        await _all_or_none([partial(self._chats, chats)] * self._pace.chats)
        rest = self._verdict.rest()
        self.done.refused += await persist(self._database, lambda tx: store_results(tx, rest))
        return self.done

    async def _note_known(self) -> None:
        """Note whom the bridge knows at the beginning: who is missing later was forgotten."""
        for chat in self._plan.chats:
            conversation_id = ChatAddress(chat.bot_id, chat.client_id).conversation_id
            known = await known_client(self._database, conversation_id)
            if known is not None:
                self._known_since[conversation_id] = known.created_at

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
        async with self._recording(chat) as lane:
            messages = dated(chat, self._spool, upto=first.place)
            rows = list(messages) if before <= SHORT_LEAD else _ends(messages)
            await self._page(lane, rows)
            self._tried |= {lane.external_id(one.row) for one in rows}

    async def _chats(self, chats: Iterator[ChatPlan]) -> None:
        """Import chats, one after another."""
        for chat in chats:
            with suppress(ForgottenError):  # theirs are left out, the others' go on
                await self._chat(chat)
            self.done.chats += 1
            self._on_progress(self.done)

    async def _chat(self, chat: ChatPlan) -> None:
        async with self._recording(chat) as lane:
            messages = dated(chat, self._spool)
            while page := list(islice(messages, PAGE)):
                await self._page(lane, page)

    @asynccontextmanager
    async def _recording(self, chat: ChatPlan) -> AsyncIterator[Lane]:
        """Record what came of a chat's messages, whatever ends it."""
        lane = await self._lane(chat)
        try:
            yield lane
        finally:
            await self._record(lane)

    async def _lane(self, chat: ChatPlan) -> Lane:
        conversation_id = ChatAddress(chat.bot_id, chat.client_id).conversation_id
        known = await known_client(self._database, conversation_id)
        source = self._options.sources.get(chat.bot_id)
        lane = lane_of(chat, self._spool, source, known_name=known.name if known else None)
        lane.known_since = self._known_since.get(conversation_id)
        return lane

    async def _page(self, lane: Lane, page: Sequence[Dated]) -> None:
        """Tell Kommo of some messages, as far as it does not know them."""
        states = await states_of(self._database, lane, page)
        live = await live_in(self._database, lane, page)
        rest = []
        for one in page:
            external_id = lane.external_id(one.row)
            if external_id in self._tried:
                continue
            if states.get(external_id, "planned") != "planned":
                self.done.before += 1
            elif external_id not in states and live.has(one.row, lane.side(one.row)):
                self.done.live += 1
            else:
                rest.append(one)
        if not rest:
            self._on_progress(self.done)
            return
        await self._record(lane, planned=rest)
        arrived = await self._arrived(lane, [d for d in rest if lane.external_id(d.row) in states])
        for one in rest:
            is_repeated = lane.external_id(one.row) in states
            await self._message(lane, one, arrived, is_repeated=is_repeated)

    async def _arrived(
        self, lane: Lane, repeated: Sequence[Dated]
    ) -> Mapping[ExternalMessageId, KommoMessageId]:
        """Return which messages Kommo took before an earlier run could record it."""
        if not repeated:
            return {}
        known = await known_client(self._database, lane.place.address.conversation_id)
        if known is None:
            return {}
        chat_id = await self._teller.ask(lambda: self._kommo_chats.made_for(known))
        return await self._teller.arrived(chat_id, since_ms=to_ms(repeated[0].at))

    async def _message(
        self,
        lane: Lane,
        one: Dated,
        arrived: Mapping[ExternalMessageId, KommoMessageId],
        *,
        is_repeated: bool,
    ) -> None:
        """Tell Kommo of one message, and of who put an emoji on it."""
        await self._courtesy.wait()
        await self._stop_if_forgotten(lane, one)
        told = Told.model_validate_json(one.row.body)
        message = await quoting(
            self._database, lane, told, call_of(lane, one, told, self._options)
        )
        outcome: SentMessage | Refused
        if message.external_id in arrived:
            outcome = SentMessage(arrived[message.external_id])
        else:
            find = partial(self._find, lane, one)
            outcome = await self._teller.tell(message, is_repeated=is_repeated, find=find)
        if isinstance(outcome, SentMessage):
            for reaction in reactions(told, message, self._options.company):
                self.done.lost_reactions += not await self._teller.react(reaction)
        await self._note(lane, one, message, outcome)

    async def _stop_if_forgotten(self, lane: Lane, one: Dated) -> None:
        """Look whether a message is still planned: `forget` erases that.

        Raises:
            ForgottenError: the client was forgotten meanwhile.
        """
        if not await states_of(self._database, lane, [one]):
            raise ForgottenError(lane.place.address.conversation_id)

    async def _find(self, lane: Lane, one: Dated) -> KommoMessageId | None:
        return (await self._arrived(lane, [one])).get(lane.external_id(one.row))

    async def _note(
        self, lane: Lane, one: Dated, message: NewMessage, outcome: SentMessage | Refused
    ) -> None:
        """Keep what came of a message; record it with others.

        Raises:
            RefusedError: the first messages of its side were all refused.
        """
        side = lane.side(one.row)
        if isinstance(outcome, SentMessage):
            lane.results += [*self._verdict.taken(side), (message, outcome)]
            lane.told[one.row.name] = message.external_id
            self.done.sent += 1
        else:
            lane.results += self._verdict.refused(side, message, outcome)
        self.done.trouble = ""
        self._on_progress(self.done)
        if time.monotonic() - lane.recorded_at >= self._pace.record_s:
            await self._record(lane)

    async def _record(self, lane: Lane, *, planned: Sequence[Dated] = ()) -> None:
        """Record what came of messages, and what comes next, in one commit."""
        results, lane.results = lane.results, []
        lane.recorded_at = time.monotonic()
        if len(lane.told) > 2 * PAGE:
            lane.told.clear()

        async def store(tx: Transaction) -> list[Refusal]:
            await store_plan(tx, lane, planned)
            return await store_results(tx, results)

        if results or planned:
            self.done.refused += await persist(self._database, store)
        if planned and lane.known_since is None:
            await self._note_since(lane)

    async def _note_since(self, lane: Lane) -> None:
        """Note since when a client is known whom this import made known."""
        conversation_id = lane.place.address.conversation_id
        known = await known_client(self._database, conversation_id)
        if known is None:
            raise ForgottenError(conversation_id)
        lane.known_since = self._known_since[conversation_id] = known.created_at

    def _note_trouble(self, reason: str) -> None:
        self.done.trouble = reason
        self._on_progress(self.done)


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
