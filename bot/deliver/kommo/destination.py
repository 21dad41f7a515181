"""The outbox's destination: one attempt to tell Kommo something, its outcome, what follows."""

import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from bot.conversations.kommo_chats import KommoChats
from bot.deliver.kommo.avatars import Avatars
from bot.deliver.kommo.contacts import KnownPeople
from bot.deliver.kommo.sizes import NotAskedYetError, Sizes
from bot.deliver.kommo.started_chats import (
    known_names,
    newest_started,
    note_alias,
    note_bound,
    note_refused,
    voices,
)
from bot.deliver.kommo.unknown_messages import UnknownMessages, UnknownPatience
from bot.media.links import MediaLinks
from bot.queue.items import Kind, name_of, status_key
from bot.queue.outcomes import Delivered, NotYet, Outcome, RetryLater, Undeliverable
from bot.translate.aliases import reacted, spoken
from bot.translate.ids import parse_conversation
from bot.translate.incoming.contents import too_big
from bot.translate.incoming.updates import UnreadableError
from kommo.answers import SentMessage
from kommo.chats import ChatsApi
from kommo.errors import (
    HeldBackError,
    RateLimitedError,
    RejectedError,
    RequestError,
    ServerError,
    UnreachableError,
)
from kommo.ids import KommoChatId, KommoMessageId
from kommo.models import (
    Content,
    DeliveryStatus,
    EditMessage,
    NewMessage,
    Person,
    Reaction,
    StatusCode,
)
from storage.conversation_chats import ConversationChat
from storage.database import Database, Transaction
from storage.errors import StorageError
from storage.patience import persist
from storage.queue.direction import Direction
from storage.queue.reader import QueueItem

HISTORY_PAGE, HISTORY_PAGES = 50, 4
"""How far back a message is looked for; a retry is rarely older than the newest 200."""

FIRST_REFUSAL = 400
"""A redirection is of a proxy or a maintenance page, not of the message."""

CHANNEL_TROUBLE = (401, 402, 403, 404)
"""Answers about the channel or the clock, not about the message: it is kept and tried again."""

LONGEST_OUTAGE_S = 300.0
"""No `Retry-After` of a failing server, or of a proxy before it, makes a message wait longer."""

BAD_REQUEST, FORBIDDEN, NOT_FOUND = 400, 403, 404
MOST_SKEW_S = 300.0
"""A clock that is off by more is named as the likely reason of a refusal."""

ABOUT_MESSAGES = (Kind.DELIVERY_STATUS, Kind.EDIT_MESSAGE, Kind.REACTION)
"""These may overtake the message that they are about."""

PATIENCE = UnknownPatience()

Replay = Callable[[Transaction, int, Mapping[str, Any]], Awaitable[None]]
"""Stores an update of a bot that was parked; raises UnreadableError if it still cannot be read."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Accepted(Delivered):
    """Kommo took a message, and said by which ids it knows it."""

    sent: SentMessage | None = None


class ToKommo:
    """Delivers the items of the outbox through the Chats API."""

    name = "Kommo"

    def __init__(
        self,
        chats: ChatsApi,
        database: Database,
        *,
        links: MediaLinks,
        sizes: Sizes,
        avatars: Avatars,
        people: KnownPeople,
        kommo_chats: KommoChats,
        now: Callable[[], datetime],
        skew_s: Callable[[], float | None],
        replay: Replay,
        patience: UnknownPatience = PATIENCE,
    ) -> None:
        self._chats = chats
        self._database = database
        self._links = links
        self._sizes = sizes
        self._avatars = avatars
        self._people = people
        self._kommo_chats = kommo_chats
        self._replays = replay
        self._now = now
        self._skew_s = skew_s
        self._unknown = UnknownMessages(chats.standing, patience)

    async def send(self, item: QueueItem) -> Outcome:
        """Make one attempt; while Kommo asks to slow down, none."""
        try:
            return await self._attempt(item)
        except HeldBackError as error:
            return NotYet(error.retry_after_s or 0.0)
        except NotAskedYetError as error:
            return NotYet(error.after_s)

    async def _attempt(self, item: QueueItem) -> Outcome:
        try:
            return await self._send(item)
        except RejectedError as error:
            return await self._refused(item, error)
        except HeldBackError:
            raise
        except RateLimitedError as error:
            return RetryLater(str(error), after_s=error.retry_after_s)
        except UnreachableError as error:
            return RetryLater(str(error), is_uncertain=error.was_sent)
        except RequestError as error:
            after_s = min(error.retry_after_s or 0.0, LONGEST_OUTAGE_S)
            is_suspect = isinstance(error, ServerError)
            return RetryLater(
                str(error), after_s=after_s, is_uncertain=True, is_suspect=is_suspect
            )

    async def settle(
        self, tx: Transaction, item: QueueItem, outcome: Delivered | Undeliverable
    ) -> None:
        """Store Kommo's id of a message that was delivered."""
        if item.kind == Kind.NEW_MESSAGE and isinstance(outcome, Delivered) and outcome.remote_ids:
            message = NewMessage.model_validate_json(item.payload)
            await tx.messages.bind_kommo(message.external_id, outcome.remote_ids[0])
            if isinstance(outcome, Accepted) and outcome.sent:
                await self._save_chat(tx, message, outcome.sent)

    async def _save_chat(self, tx: Transaction, message: NewMessage, sent: SentMessage) -> None:
        """Store Kommo's id of a conversation whose first message it took, if it told the id."""
        conversation_id, chat_id = message.conversation_id, sent.kommo_chat_id
        if chat_id is None or await tx.conversation_chats.by_alias(conversation_id):
            return
        is_known = await tx.conversation_chats.by_kommo_chat(chat_id)
        if is_known is None and await tx.conversations.get(conversation_id):
            user_id = sent.receiver_id if message.receiver else sent.sender_id
            await tx.conversation_chats.save(
                chat_id, conversation_id, user_id, alias=conversation_id, now=self._now()
            )

    async def _send(self, item: QueueItem) -> Outcome:
        match item.kind:
            case Kind.NEW_MESSAGE:
                sent = await self._send_message(item)
                return Accepted((sent.kommo_message_id,) if sent.kommo_message_id else (), sent)
            case Kind.EDIT_MESSAGE:
                await self._send_edit(item)
            case Kind.DELIVERY_STATUS:
                status = DeliveryStatus.model_validate_json(item.payload)
                await self._chats.set_delivery_status(status)
            case Kind.REACTION:
                await self._send_reaction(item)
            case Kind.CONTACT_LINK:
                return await self._people.link(item)
            case Kind.UPDATE:
                return await self._replay(item)
            case _:
                return Undeliverable(f"this version cannot send items of kind {item.kind!r}")
        return Delivered()

    async def _send_edit(self, item: QueueItem) -> None:
        """Change a message, unless a newer change of it arrived while this one stood aside."""
        edit = EditMessage.model_validate_json(item.payload)
        is_tie = edit.external_id is not None and edit.kommo_message_id is not None
        about = f"{'tie' if is_tie else 'text'} {edit.external_id or edit.kommo_message_id}"
        if not self._unknown.is_outdated(about, item.id):
            content = self._servable(edit.content)
            await self._edit(edit.model_copy(update={"content": content}))
            self._unknown.note_told(about, item.id)

    async def _send_reaction(self, item: QueueItem) -> None:
        """Show a reaction, unless a newer one arrived while this one stood aside."""
        reaction = Reaction.model_validate_json(item.payload)
        message = reaction.external_id or reaction.kommo_message_id
        about = f"reaction {message} {reaction.user_id or reaction.user_ref_id}"
        if not self._unknown.is_outdated(about, item.id):
            await self._react(reaction)
            self._unknown.note_told(about, item.id)

    async def _send_message(self, item: QueueItem) -> SentMessage:
        """Send a message: the first answer to what a manager began ties that chat to ours."""
        message = NewMessage.model_validate_json(item.payload)
        content = self._servable(message.content)
        sender = await self._pictured(message)
        message = message.model_copy(update={"content": content, "sender": sender})
        started = await newest_started(self._database, message.conversation_id)
        if message.receiver is not None or started is None or started.state == "bound":
            is_bound = started is not None and started.state == "bound"
            [voice] = voices(message.conversation_id, started if is_bound else None)
            return await self._quoting(spoken(message, voice))
        return await self._tying(item, message, started)

    async def _tying(
        self, item: QueueItem, message: NewMessage, started: ConversationChat
    ) -> SentMessage:
        """Send a client's first answer in a chat that a manager began."""
        chat_id = KommoChatId(started.kommo_chat_id)
        if started.alias is not None and (item.attempts > 1 or item.is_uncertain):
            found = await self._in_chat(chat_id, message)
            if found is not None:
                await note_bound(self._database, started, started.alias)
                return SentMessage(found)
        *tying, usual = voices(message.conversation_id, started)
        for voice in tying:
            await note_alias(self._database, started, voice)
            try:
                sent = await self._quoting(spoken(message, voice))
            except RejectedError as error:
                if not _is_of_message(error, BAD_REQUEST):
                    raise
                log.info(
                    "a chat cannot be tied: %s",
                    error,
                    extra={"item": name_of(Direction.INCOMING, item.id)},
                )
                continue
            await note_bound(self._database, started, voice.conversation_id)
            return sent
        sent = await self._quoting(spoken(message, usual))
        await note_refused(self._database, started)
        return sent

    async def _edit(self, edit: EditMessage) -> None:
        """Change a message, in whichever of the client's conversations it is."""
        started = await newest_started(self._database, edit.conversation_id)
        *newer, usual = known_names(edit.conversation_id, started)
        for voice in newer:
            try:
                await self._chats.edit_message(
                    edit.model_copy(update={"conversation_id": voice.conversation_id})
                )
            except RejectedError as error:
                if not _is_of_message(error, BAD_REQUEST, NOT_FOUND):
                    raise
                continue
            return
        await self._chats.edit_message(
            edit.model_copy(update={"conversation_id": usual.conversation_id})
        )

    async def _react(self, reaction: Reaction) -> None:
        """Show a reaction, in whichever of the client's conversations its message is."""
        if reaction.conversation_id is None or reaction.user_id is None:
            await self._chats.react(reaction)
            return
        started = await newest_started(self._database, reaction.conversation_id)
        *newer, usual = known_names(reaction.conversation_id, started)
        for voice in newer:
            try:
                await self._chats.react(reacted(reaction, voice))
            except RejectedError as error:
                if not _is_of_message(error, BAD_REQUEST, NOT_FOUND):
                    raise
                continue
            return
        await self._chats.react(reacted(reaction, usual))

    async def _quoting(self, message: NewMessage) -> SentMessage:
        """Send a message; without its quote, should Kommo not know what it quotes."""
        try:
            return await self._chats.send_message(message)
        except RejectedError as error:
            if message.reply_to is None or not _is_of_message(error, BAD_REQUEST):
                raise
        return await self._chats.send_message(message.model_copy(update={"reply_to": None}))

    async def _pictured(self, message: NewMessage) -> Person:
        """Return a message's sender; a client with the picture that Telegram shows."""
        address = parse_conversation(message.conversation_id)
        if address is None or message.receiver or message.sender.avatar:
            return message.sender
        avatar = await self._avatars.link(address)
        return message.sender.model_copy(update={"avatar": avatar})

    def _servable(self, content: Content) -> Content:
        """Put a notice in the place of a file that Telegram gives to no bot."""
        link = self._links.read_url(content.media) if content.media else None
        is_too_big = link is not None and self._sizes.is_too_big(link)
        return too_big(content) if is_too_big else content

    async def _replay(self, item: QueueItem) -> Outcome:
        """Store an update that can be read now, in the transaction that ends its item."""
        parked: dict[str, Any] = json.loads(item.payload)

        async def store(tx: Transaction) -> None:
            await self._replays(tx, parked["bot_id"], parked["update"])
            await tx.to_kommo.finish(item.id, now=self._now())

        try:
            await persist(self._database, store)
        except StorageError:
            raise
        except UnreadableError as error:
            return Undeliverable(f"still unreadable: {error}")
        except Exception as error:
            return Undeliverable(f"still unreadable: {type(error).__name__}")
        return Delivered()

    async def _refused(self, item: QueueItem, error: RejectedError) -> Outcome:
        """Decide what a refusal means for this kind of item."""
        outcome = await self._meant(item, error)
        if isinstance(outcome, Undeliverable) and await self._follows_an_error(item):
            log.info(
                "Kommo takes no status after an error: %s",
                error,
                extra={"item": name_of(Direction.INCOMING, item.id)},
            )
            return Delivered()
        return outcome

    async def _follows_an_error(self, item: QueueItem) -> bool:
        """Tell whether an item is the status of a message that failed, and was tried again.

        Nothing says that an error may be taken back, and nobody has to mend it if it may not.
        Reference: Kommo, Update message delivery status.
        """
        if item.kind != Kind.DELIVERY_STATUS:
            return False
        status = DeliveryStatus.model_validate_json(item.payload)
        earlier = status_key(status.kommo_message_id, StatusCode.ERROR)
        async with self._database.snapshot() as snapshot:
            error = await snapshot.to_kommo.by_dedupe_key(earlier)
        return status.status != StatusCode.ERROR and error is not None

    async def _meant(self, item: QueueItem, error: RejectedError) -> Outcome:
        """Decide what a refusal says of an item, whatever was told before."""
        if item.kind in ABOUT_MESSAGES and _is_of_message(error, NOT_FOUND):
            return await self._not_known(item, error)
        is_about_channel = error.is_about_channel or error.status in CHANNEL_TROUBLE
        if is_about_channel or (error.status or 0) < FIRST_REFUSAL:
            return RetryLater(f"{error}{self._clock_remedy(error)}")
        if item.kind == Kind.NEW_MESSAGE and (item.attempts > 1 or item.is_uncertain):
            return await self._look_for(item, error)
        return Undeliverable(str(error))

    async def _not_known(self, item: QueueItem, error: RejectedError) -> Outcome:
        """Wait for minutes until Kommo knows the message that an item is about."""
        is_in_order = item.ordering_key == item.conversation_id
        if is_in_order and self._unknown.steps_aside(item.id):
            step = partial(_step_aside, item_id=item.id, now=self._now())
            await persist(self._database, step)
        if self._unknown.wants_proof(item.id):
            with suppress(RequestError):
                await self._chats.prove()
        return (Undeliverable if self._unknown.is_final(item.id) else RetryLater)(str(error))

    def _clock_remedy(self, error: RejectedError) -> str:
        """Return what to do when Kommo refuses signatures because our clock is wrong.

        Reference: Kommo, Chats API authorization (a signature lives 15 minutes).
        """
        skew_s = self._skew_s() or 0.0
        if error.status != FORBIDDEN or abs(skew_s) < MOST_SKEW_S:
            return ""
        return (
            f"; this machine's clock is off by {skew_s:.0f} s, and Kommo refuses signatures from "
            "900 s on: set it right (timedatectl set-ntp true)"
        )

    async def _look_for(self, item: QueueItem, error: RejectedError) -> Outcome:
        """Ask the chat's history whether an earlier attempt had arrived after all.

        Kommo refuses a message id that it knows; whether it was known is told by nothing else.
        """
        message = NewMessage.model_validate_json(item.payload)
        try:
            found = await self._in_history(message)
        except RequestError as failure:
            return RetryLater(f"{error}; history could not be read: {failure}", is_uncertain=True)
        if found is None:
            return Undeliverable(str(error))
        log.info(
            "an earlier attempt had arrived", extra={"item": name_of(Direction.INCOMING, item.id)}
        )
        return Delivered((found,))

    async def _in_history(self, message: NewMessage) -> KommoMessageId | None:
        async with self._database.snapshot() as snapshot:
            conversation = await snapshot.conversations.get(message.conversation_id)
        if conversation is None:
            return None
        return await self._in_chat(await self._kommo_chats.answering(conversation), message)

    async def _in_chat(self, chat_id: KommoChatId, message: NewMessage) -> KommoMessageId | None:
        for page in range(HISTORY_PAGES):
            rows = await self._chats.history(
                chat_id, offset=page * HISTORY_PAGE, limit=HISTORY_PAGE
            )
            for row in rows:
                if row.external_id == message.external_id:
                    return row.kommo_message_id
            if not rows.told:
                return None
        return None


async def _step_aside(tx: Transaction, item_id: int, now: datetime) -> None:
    await tx.to_kommo.step_aside(item_id, now=now)


def _is_of_message(error: RejectedError, *statuses: int) -> bool:
    """Tell whether Kommo refused what was sent, and neither the channel nor a router refused."""
    is_routers = error.status == NOT_FOUND and not error.is_kommos
    return error.status in statuses and not error.is_about_channel and not is_routers
