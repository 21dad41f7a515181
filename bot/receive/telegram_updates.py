"""Store Telegram's updates: translated, or raw where they cannot be read.

Reference: Bot API, Update.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.queue.items import Kind, name_of
from bot.receive.blocked import store_blocked
from bot.receive.client_messages import ClientMessages, IntakeSettings
from bot.receive.floods import FloodGuard, Held
from bot.receive.presses import store_press
from bot.receive.reachability import store_reachability
from bot.receive.reactions import store_reaction
from bot.translate.ids import ChatAddress
from bot.translate.incoming import unreadable
from bot.translate.incoming.actions import Action, Pressed, action
from bot.translate.incoming.client_of import Origin, origin
from bot.translate.incoming.messages import ClientEdit, ClientMessage
from bot.translate.incoming.reachability import Reachability
from bot.translate.incoming.reactions import ClientReaction
from bot.translate.incoming.unreadable import update_number
from bot.translate.incoming.updates import UnreadableError
from storage.database import Transaction
from storage.queue.direction import Direction
from storage.queue.producer import Draft

log = logging.getLogger(__name__)


class Intake:
    """Stores the updates of one bot: translated, or parked as they came."""

    def __init__(self, bot_id: int, settings: IntakeSettings) -> None:
        self._bot_id = bot_id
        self._settings = settings
        self._clients = ClientMessages(settings)
        self._floods = FloodGuard(settings.messages_per_min, settings.source_id, settings.language)

    async def store_all(self, tx: Transaction, updates: Sequence[Mapping[str, Any]]) -> None:
        """Store updates in the order they came in."""
        blocked = await tx.blocks.chat_ids()
        held: dict[str, Held] = {}
        for update in updates:
            client = origin(update)
            if client is None:
                await self.store(tx, update)
            elif client.chat_id in blocked:
                await self._store_blocked(tx, update, client)
            else:
                await self._show_or_hold(tx, update, client, held)
            await asyncio.sleep(0)  # statements run at once: others have their turn in between
        for one in held.values():
            await self._floods.tell(tx, self._clients.enqueue(tx), one)

    async def store(self, tx: Transaction, update: Mapping[str, Any]) -> None:
        """Store one update; whatever is wrong with its content, it is kept."""
        try:
            done = self._translate(update, tx.now)
        except Exception as error:
            await self.set_aside(tx, update, type(error).__name__)
            return
        await self._store_action(tx, done, update)

    async def replay(self, tx: Transaction, update: Mapping[str, Any]) -> None:
        """Store an update that was parked: a message takes the place of its placeholder.

        Raises:
            UnreadableError: it still cannot be read, or there is nothing to show.
        """
        done = self._translate(update, tx.now)
        if done is None:
            raise UnreadableError("it tells nothing; nothing to show")
        if isinstance(done, ClientMessage):
            await self._clients.replace(tx, done, update_number(update))
        elif not await self._is_outdated(tx, done):
            await self._store_action(tx, done, update)

    @staticmethod
    async def _is_outdated(tx: Transaction, action: Action) -> bool:
        """Tell whether more is known of a client than that he was there, or gone, long ago."""
        if not isinstance(action, Reachability):
            return False
        known = await tx.conversations.get(action.address.conversation_id)
        seen = (known.last_incoming_at, known.last_outgoing_at) if known else ()
        return any(at is not None and at > action.at for at in seen)

    async def _store_action(
        self, tx: Transaction, action: Action | None, update: Mapping[str, Any]
    ) -> None:
        match action:
            case ClientMessage():
                await self._clients.store(tx, action)
            case ClientEdit():
                await self._clients.store_edit(tx, action, update_number(update))
            case ClientReaction():
                await store_reaction(tx, self._clients, action, update_id=update_number(update))
            case Pressed():
                await store_press(tx, self._clients, action, source_id=self._settings.source_id)
            case Reachability():
                await store_reachability(
                    tx,
                    self._clients.enqueue(tx),
                    action,
                    update_id=update_number(update),
                    source_id=self._settings.source_id,
                    language=self._settings.language,
                )
            case None:
                log.debug("update without use", extra={"update": update.get("update_id")})

    async def _show_or_hold(
        self,
        tx: Transaction,
        update: Mapping[str, Any],
        client: Origin,
        held: dict[str, Held],
    ) -> None:
        """Store an update to be shown, unless its client has written too much."""
        address = ChatAddress(self._bot_id, client.chat_id)
        if await self._floods.holds(tx, client, address):
            await self._floods.hold(tx, held, client, address, update)
        else:
            await self.store(tx, update)

    async def _store_blocked(
        self, tx: Transaction, update: Mapping[str, Any], client: Origin
    ) -> None:
        """Note that a blocked client did something."""
        try:
            done = self._translate(update, tx.now)
        except Exception:
            done = None
        await store_blocked(
            tx,
            self._clients,
            client,
            done,
            address=ChatAddress(self._bot_id, client.chat_id),
        )

    def _translate(self, raw: Mapping[str, Any], now: datetime) -> Action | None:
        return action(
            raw,
            bot_id=self._bot_id,
            source_id=self._settings.source_id,
            media_url=self._settings.media_url,
            now=now,
        )

    async def set_aside(self, tx: Transaction, update: Mapping[str, Any], reason: str) -> None:
        """Keep an update as it came, and let the manager see that there was something."""
        message = await self.park(tx, update, reason)
        if message is not None:
            await self._clients.store(tx, message)

    async def park(
        self, tx: Transaction, update: Mapping[str, Any], reason: str
    ) -> ClientMessage | None:
        """Keep an update as it came, for a person; return its placeholder, if it is new."""
        update_id = update_number(update)
        reason = f"{reason} while reading Telegram's update {update_id}"
        message = unreadable.unreadable_message(
            update, bot_id=self._bot_id, source_id=self._settings.source_id, now=tx.now
        )
        conversation_id = message.address.conversation_id if message else None
        parked = await tx.to_kommo.park(
            Draft(
                dedupe_key=f"update:{self._bot_id}:{update_id}",
                ordering_key=conversation_id or f"update:{self._bot_id}",
                conversation_id=conversation_id,
                kind=Kind.UPDATE,
                payload=json.dumps({"bot_id": self._bot_id, "update": update}),
            ),
            now=tx.now,
            reason=reason,
        )
        if parked is None:
            return None
        log.error(
            "%s; it is kept, see `queue list`",
            reason,
            extra={"item": name_of(Direction.INCOMING, parked)},
        )
        return message
