"""Store Telegram's updates: translated, or raw where they cannot be read.

Reference: Bot API, Update.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from bot.queue.items import Kind, name_of
from bot.receive.blocked import store_blocked
from bot.receive.business import store_connection, told_in
from bot.receive.client_messages import ClientMessages, IntakeSettings
from bot.receive.floods import FloodGuard, Held
from bot.receive.owner_messages import OwnerMessages
from bot.receive.presses import store_press
from bot.receive.reachability import store_reachability
from bot.receive.reactions import store_reaction
from bot.translate.ids import ChatAddress
from bot.translate.incoming import unreadable
from bot.translate.incoming.actions import Action, Pressed, action
from bot.translate.incoming.business import (
    Deletion,
    OwnerEdit,
    OwnerMessage,
    connection_id_in,
)
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
        self._owners = OwnerMessages(
            self._clients, settings.company, settings.source_id, settings.language
        )
        self._floods = FloodGuard(settings.messages_per_min, settings.source_id, settings.language)

    async def store_all(self, tx: Transaction, updates: Sequence[Mapping[str, Any]]) -> None:
        """Store updates in the order they came in."""
        blocked = await tx.blocks.chat_ids()
        held: dict[str, Held] = {}
        for update in updates:
            client = origin(update)
            address = await self._address(tx, update, client) if client else None
            if client is None or address is None:
                await self.store(tx, update)
            elif client.chat_id in blocked:
                await self._store_blocked(tx, update, client, address)
            elif await self._floods.holds(tx, client, address):
                await self._floods.hold(tx, held, client, address, update)
                continue  # nothing is written yet
            else:
                await self.store(tx, update)
            await asyncio.sleep(0)  # statements run at once: others have their turn in between
        for one in held.values():
            await self._floods.tell(tx, self._clients.enqueue(tx), one)

    async def store(self, tx: Transaction, update: Mapping[str, Any]) -> None:
        """Store one update; whatever is wrong with its content, it is kept."""
        if (told := told_in(update)) is not None:
            await store_connection(tx, self._bot_id, told)
            return
        try:
            done = await self._translate(tx, update)
        except Exception as error:
            await self.set_aside(tx, update, type(error).__name__)
            return
        await self._store_action(tx, done, update)

    async def replay(self, tx: Transaction, update: Mapping[str, Any]) -> None:
        """Store an update that was parked: a message takes the place of its placeholder.

        Raises:
            UnreadableError: it still cannot be read, or there is nothing to show.
        """
        done = await self._translate(tx, update)
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
            case OwnerMessage():
                await self._owners.store(tx, action)
            case OwnerEdit():
                await self._owners.store_edit(tx, action, update_number(update))
            case Deletion():
                await self._owners.store_deletion(tx, action, update_number(update))
            case None:
                log.debug("update without use", extra={"update": update.get("update_id")})

    async def _store_blocked(
        self,
        tx: Transaction,
        update: Mapping[str, Any],
        client: Origin,
        address: ChatAddress,
    ) -> None:
        """Note that a blocked client did something."""
        try:
            done = await self._translate(tx, update)
        except Exception:
            done = None
        await store_blocked(
            tx,
            self._clients,
            client,
            done,
            address=address,
        )

    async def _translate(self, tx: Transaction, raw: Mapping[str, Any]) -> Action | None:
        return action(
            raw,
            bot_id=self._bot_id,
            source_id=self._settings.source_id,
            media_url=self._settings.media_url,
            now=tx.now,
            owner_id=await self._owner(tx, raw),
        )

    async def _owner(self, tx: Transaction, update: Mapping[str, Any]) -> int:
        """Return through whose business account an update came; 0 for the chat with the bot.

        Raises:
            UnreadableError: nobody knows.
        """
        name = connection_id_in(update)
        if name is None:
            return 0
        known = await tx.business.get(name)
        if known is None or known.bot_id != self._bot_id:
            raise UnreadableError("its business connection is not known")
        return known.business_user_id

    async def _address(
        self, tx: Transaction, update: Mapping[str, Any], client: Origin
    ) -> ChatAddress | None:
        """Return which chat an update is of; None when its business account is not known."""
        try:
            return ChatAddress(self._bot_id, client.chat_id, await self._owner(tx, update))
        except UnreadableError:
            return None

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
        try:
            owner_id = await self._owner(tx, update)
        except UnreadableError:
            owner_id = 0
        message = unreadable.unreadable_message(
            update,
            bot_id=self._bot_id,
            source_id=self._settings.source_id,
            now=tx.now,
            owner_id=owner_id,
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
