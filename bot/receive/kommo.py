"""What comes from Kommo: one webhook, verified, on disk before it is answered.

Kommo sends a hook once, waits five seconds, and counts nothing but 200 as received.
Reference: Kommo, Receiving chat webhooks.
"""

import hmac
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aiohttp import web

from bot.bodies import Bodies, BodyError
from bot.items import Kind, Lifetimes
from bot.receive.together import Together
from bot.refusals import Refusals
from bot.translate.ids import ChatAddress, number_of, parse_conversation
from kommo.errors import PayloadError, SignatureError
from kommo.events import (
    Event,
    LegacyMessage,
    ManagerMessage,
    ManagerReaction,
    ManagerTyping,
    parse_event,
)
from kommo.ids import ScopeId
from kommo.signature import verify_hook, well_formed
from storage.conversation_chats import ConversationChat
from storage.conversations import Conversation
from storage.database import Database, Transaction
from storage.errors import StorageError
from storage.queue_reader import Urgency

PATH = "/webhooks/kommo/{scope_id}"

KIND_OF: dict[type, Kind] = {
    ManagerMessage: Kind.MANAGER_MESSAGE,
    ManagerTyping: Kind.MANAGER_TYPING,
    ManagerReaction: Kind.MANAGER_REACTION,
    LegacyMessage: Kind.LEGACY_MESSAGE,
}

DELIVERED_KINDS = (Kind.MANAGER_MESSAGE, Kind.MANAGER_REACTION, Kind.LEGACY_MESSAGE)

OnTyping = Callable[[ChatAddress, datetime | None], None]
"""Shows a client that a manager types, until a moment; returns at once."""

RECENT = timedelta(hours=1)
"""Who wrote within this time waits for an answer; anything else comes after it."""

Hold = Callable[[str | None], datetime | None]
"""Returns until when a hook of a conversation waits for what was missed before it."""

Missed = Callable[[str | None], None]
"""Takes note of the conversation whose hook could not be stored."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Hook:
    """One webhook: what it tells, and its body as it came."""

    event: Event
    body: str


class Hooks:
    """Verifies and stores Kommo's webhooks."""

    def __init__(
        self,
        database: Database,
        *,
        scope_id: ScopeId,
        secret: str,
        lifetimes: Lifetimes,
        on_typing: OnTyping,
        hold_until: Hold,
        on_missed: Missed,
        now: Callable[[], datetime],
        bodies: Bodies | None = None,
    ) -> None:
        self._database = database
        self._on_typing = on_typing
        self._hold_until = hold_until
        self._on_missed = on_missed
        self._scope_id = scope_id
        self._secret = secret
        self._lifetimes = lifetimes
        self._now = now
        self._together = Together(self._keep_all)
        self._bodies = bodies or Bodies()
        self._refusals = Refusals(log)

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one webhook; the answer says nothing but its status."""
        try:
            self._bodies.refuse_too_large(request)
            signature = self._addressed(request)
            async with self._bodies.read(request) as body:
                return await self._take(body, signature)
        except BodyError as error:
            return self._refused(error.status, error)
        except SignatureError as error:
            return self._refused(403, error)
        except PayloadError as error:
            return self._refused(400, error)

    def _addressed(self, request: web.Request) -> str:
        """Return the signature of what may be for us; the body is not needed to refuse the rest.

        Raises:
            SignatureError: it is for another scope, or what should sign it is no signature.
        """
        scope = request.match_info["scope_id"].encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(scope, self._scope_id.encode()):
            raise SignatureError("the hook is for another scope")
        return well_formed(request.headers.get("X-Signature"))

    async def _take(self, body: bytes, signature: str) -> web.Response:
        """Verify and store one webhook."""
        verify_hook(self._secret, body, signature)
        event = parse_event(body)
        try:
            await self.keep(event, body.decode().strip())
        except StorageError as error:
            log.error("webhook could not be stored: %s", error)
            self._on_missed(getattr(event, "conversation_id", None))
            return web.Response(status=503)
        return web.Response(status=200)

    def _refused(self, status: int, error: Exception) -> web.Response:
        self._refusals.warn(f"webhook refused: {error}")
        return web.Response(status=status)

    async def keep(self, event: Event, body: str) -> None:
        """Store an event: on disk when this returns.

        Raises:
            StorageError: it is not.
        """
        await self._together.do(Hook(event, body))

    async def _keep_all(self, hooks: Sequence[Hook]) -> Sequence[Exception | None]:
        """Store hooks in the order they came in; one that is our fault stops no other."""
        try:
            await self._keep_in_one(hooks)
        except StorageError:
            raise
        except Exception:
            if len(hooks) == 1:
                raise
            return [await self._failure_of(hook) for hook in hooks]
        return [None] * len(hooks)

    async def _keep_in_one(self, hooks: Sequence[Hook]) -> None:
        async with self._database.transaction() as tx:
            known = await tx.conversations.all_of(filter(None, map(_named, hooks)))
            for hook in hooks:
                await self._store(tx, hook, known)

    async def _failure_of(self, hook: Hook) -> Exception | None:
        try:
            await self._keep_in_one([hook])
        except Exception as error:
            return error
        return None

    async def _store(self, tx: Transaction, hook: Hook, named: Mapping[str, Conversation]) -> None:
        event = hook.event
        kind = KIND_OF.get(type(event), Kind.UNKNOWN_EVENT)
        conversation_id, known = await _conversation_of(tx, hook, named, now=self._now())
        if isinstance(event, ManagerTyping):
            self._show_typing(event, conversation_id)
            return
        if kind not in DELIVERED_KINDS:
            await tx.inbox.record_done(
                dedupe_key=event.dedupe_key,
                ordering_key=event.dedupe_key,
                conversation_id=conversation_id,
                kind=kind,
                payload=hook.body,
                now=self._now(),
            )
            return
        now, order = self._now(), _order_of(event, conversation_id)
        await tx.inbox.add(
            dedupe_key=event.dedupe_key,
            ordering_key=order,
            conversation_id=conversation_id,
            kind=kind,
            payload=hook.body,
            now=now,
            expires_at=now + self._lifetimes.to_telegram,
            urgency=_urgency(known, now),
            not_before=self._hold_until(conversation_id) if order == conversation_id else None,
            written_at=_written_at(event),
        )

    def _show_typing(self, event: ManagerTyping, conversation_id: str | None) -> None:
        """Pass typing on: it is worth something now, or nothing, so it is not stored."""
        address = parse_conversation(conversation_id or "")
        if address is not None:
            self._on_typing(address, event.expires_at)


def _urgency(known: Conversation | None, now: datetime) -> Urgency:
    """Return whether a client waits for this: a broadcast must not delay an answer."""
    if known is None or known.last_incoming_at is None:
        return "later"
    return "" if now - known.last_incoming_at < RECENT else "later"


def _named(hook: Hook) -> str | None:
    """Return the conversation that a hook names; a name of ours may say more than the id."""
    ours: str | None = getattr(hook.event, "conversation_id", None)
    address = parse_conversation(ours or "")
    return ours if address is None else address.conversation_id


async def _conversation_of(
    tx: Transaction, hook: Hook, named: Mapping[str, Conversation], *, now: datetime
) -> tuple[str | None, Conversation | None]:
    """Return our id of the conversation a hook is about, and what is stored of it, if known.

    What a hook says of both ids is remembered: history is asked for by Kommo's id.
    """
    ours = _named(hook)
    if ours:
        known = named.get(ours)
        if known is not None and isinstance(hook.event, ManagerMessage):
            await _remember(tx, hook.event, known, now=now)
        return ours, known
    kommos = getattr(hook.event, "kommo_chat_id", None)
    if not kommos:
        return None, None
    known = await tx.conversations.by_kommo_chat(kommos)
    return (known.conversation_id, known) if known else (None, None)


async def _remember(
    tx: Transaction, event: ManagerMessage, known: Conversation, *, now: datetime
) -> None:
    """Store what a webhook says of ids that was not known: Kommo knows its chat as ours."""
    alias, user = event.conversation_id or known.conversation_id, event.receiver.kommo_id
    chat = await tx.conversation_chats.by_kommo_chat(event.kommo_chat_id)
    if chat is not None and _says_it_all(chat, known, alias, user):
        return
    await tx.conversation_chats.save(
        event.kommo_chat_id,
        known.conversation_id,
        user,
        alias=alias,
        number=number_of(alias),
        now=now,
    )


def _says_it_all(
    chat: ConversationChat, known: Conversation, alias: str, user: str | None
) -> bool:
    """Tell whether what is stored of a chat is what a webhook says."""
    return (
        chat.conversation_id == known.conversation_id
        and chat.alias == alias
        and chat.state in ("plain", "bound")
        and user in (None, chat.kommo_user_id)
    )


def _written_at(event: Event) -> datetime | None:
    """Return what a message stands by among those that wait; None: by its arrival."""
    if isinstance(event, ManagerMessage):
        return event.at if event.is_dated else None
    return event.at if isinstance(event, LegacyMessage) else None


def _order_of(event: Event, conversation_id: str | None) -> str:
    """Return what an event keeps its order in: of a chat that a manager started, that chat."""
    if isinstance(event, ManagerMessage) and conversation_id is None:
        return f"started:{event.kommo_chat_id}"
    return conversation_id or event.dedupe_key
