"""Hold back what one client writes beyond a limit: kept on disk, shown as one notice.

The first messages of each minute are shown. What comes beyond them is stored as it came, and one
notice tells the manager how much that is: once nothing more has come for a few seconds, and at
the latest when the minute is over.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from bot.queue.enqueue import Enqueue
from bot.queue.items import Kind
from bot.translate.ids import ChatAddress
from bot.translate.incoming.client_of import Origin
from bot.translate.incoming.floods import flood_notice
from bot.translate.languages import Language
from kommo.ids import SourceId
from storage.database import Transaction
from storage.floods import Flood
from storage.queue.producer import Draft

WINDOW = timedelta(minutes=1)
QUIET = timedelta(seconds=3)
"""How long the client has to be quiet before the manager is told."""

UNCONFIRMED = 100
"""So many updates can come again after a start. Reference: Bot API, getUpdates (limit)."""

MAX_WINDOWS = 10_000
"""So many clients are remembered before those are forgotten whose minute is over."""

TO_CLIENT = '"receiver":{'
"""Only an owner's messages have it: in a client's words, JSON escapes the quotes."""

SHOWN = (Kind.NEW_MESSAGE, Kind.EDIT_MESSAGE, Kind.REACTION, Kind.HELD)


@dataclass
class _Window:
    """One minute of a client.

    Args:
        shown: the updates that are shown.
    """

    began_at: datetime
    shown: set[int] = field(default_factory=set)


@dataclass
class Held:
    """What a batch held back of one conversation.

    Args:
        first: the number of its first update.
        ends_at: when the client's minute is over.
        drafts: its updates as they are stored.
    """

    address: ChatAddress
    first: int
    ends_at: datetime
    drafts: list[Draft] = field(default_factory=list)


class FloodGuard:
    """Decides what of a client's is shown; stores the rest.

    Args:
        limit: so many updates a minute of one client are shown; 0 for all.
        source_id: of the bot.
        language: of the notice.
    """

    def __init__(self, limit: int, source_id: SourceId | None, language: Language) -> None:
        self._limit = limit
        self._source_id = source_id
        self._language = language
        self._windows: dict[str, _Window] = {}
        self._began_at: datetime | None = None
        self._newest = self._seen = 0

    async def holds(self, tx: Transaction, client: Origin, address: ChatAddress) -> bool:
        """Tell whether an update is beyond the limit; for the same update always the same."""
        if not self._limit or client.is_wordless:
            return False
        is_new = self._is_new(client.update_id)
        window = await self._window(tx, address)
        if client.update_id in window.shown:
            return False
        if len(window.shown) < self._limit:
            window.shown.add(client.update_id)
            return False
        return is_new or not await _is_stored(tx, client, address)

    def _is_new(self, update_id: int) -> bool:
        """Tell whether an update cannot have come before: their numbers rise."""
        if update_id <= self._newest:
            return False
        self._newest = update_id
        self._seen += 1
        return self._seen > UNCONFIRMED

    async def hold(
        self,
        tx: Transaction,
        held: dict[str, Held],
        client: Origin,
        address: ChatAddress,
        update: Mapping[str, Any],
    ) -> None:
        """Put an update aside as it came; `tell` stores it, and counts it if it is new."""
        name = address.conversation_id
        if name not in held:
            ends_at = self._windows[name].began_at + WINDOW
            held[name] = Held(address, client.update_id, ends_at)
        held[name].drafts.append(
            Draft(
                dedupe_key=held_key(address, client),
                ordering_key=name,
                conversation_id=name,
                kind=Kind.HELD,
                payload=json.dumps({"bot_id": address.bot_id, "update": update}),
            )
        )

    async def tell(self, tx: Transaction, enqueue: Enqueue, held: Held) -> None:
        """Store what was held; count it in the notice that is not on its way yet, or a new one."""
        name = held.address.conversation_id
        reason = f"beyond {self._limit} messages a minute: kept, and not shown in Kommo"
        added = await tx.to_kommo.record_all_done(held.drafts, now=tx.now, reason=reason)
        if not added:
            return
        due_at = min(tx.now + QUIET, max(held.ends_at, tx.now))
        last = await tx.floods.last_of(name)
        if last is not None:
            number = last.held + added
            key = last.notice_key
            notice = await self._notice(tx, held, key, number)
            if await tx.to_kommo.rewrite(key, notice.model_dump_json(exclude_none=True), due_at):
                await tx.floods.put(Flood(name, key, number))
                return
        key = held.address.notice_id(held.first)
        notice = await self._notice(tx, held, key, added)
        await enqueue.message(notice, not_before=due_at)
        await tx.floods.put(Flood(name, key, added))

    async def _notice(self, tx: Transaction, held: Held, key: str, number: int) -> Any:
        known = await tx.conversations.get(held.address.conversation_id)
        at = await tx.conversations.next_msec(held.address.conversation_id, tx.now)
        return flood_notice(
            held.address,
            number,
            external_id=key,
            at=at,
            name=known.name if known else "",
            source_id=self._source_id,
            language=self._language,
        )

    async def _window(self, tx: Transaction, address: ChatAddress) -> _Window:
        """Return the client's minute; the first one after a start goes on where it was."""
        name, now = address.conversation_id, tx.now
        window = self._windows.get(name)
        if window is not None and timedelta() <= now - window.began_at < WINDOW:
            return window
        self._forget_old(now)
        self._began_at = self._began_at or now
        shown: set[int] = set()
        began_at = now
        if window is None and now - self._began_at < WINDOW:
            recent = [
                one
                for one in await tx.to_kommo.latest_of(
                    name, kinds=SHOWN, limit=self._limit, without=TO_CLIENT
                )
                if now - WINDOW < one.created_at <= now
            ]
            shown = {-one.id for one in recent}  # which updates they were is not known
            began_at = min((one.created_at for one in recent), default=now)
        self._windows[name] = _Window(began_at, shown)
        return self._windows[name]

    def _forget_old(self, now: datetime) -> None:
        if len(self._windows) >= MAX_WINDOWS:
            self._windows = {
                name: one for name, one in self._windows.items() if now - one.began_at < WINDOW
            }


async def _is_stored(tx: Transaction, client: Origin, address: ChatAddress) -> bool:
    """Tell whether a message has come before, and was shown."""
    if client.message_id is None or client.is_edit:
        return False
    return await tx.messages.by_external_id(address.message_id(client.message_id)) is not None


def held_key(address: ChatAddress, client: Origin) -> str:
    """Return what makes a held update unique; it begins with its message, if it brought one."""
    if client.message_id is None:
        return f"held:{address.conversation_id}:update:{client.update_id}"
    return f"held:{address.message_id(client.message_id)}:{client.update_id}"
