"""The webhook that Kommo calls: verified, on disk before it is answered.

Kommo sends a webhook once, waits five seconds, and counts nothing but 200 as received.
Reference: Kommo, Receiving chat webhooks.
"""

import asyncio
import hmac
import logging
from collections.abc import Sequence

from aiohttp import web

from bot.conversations.addressees import find, named
from bot.http.bodies import Bodies, BodyError
from bot.http.refusals import Refusals
from bot.receive.batches import Batcher
from bot.receive.kommo_events import CatchUp, Events, Webhook
from kommo.errors import PayloadError, SignatureError
from kommo.events import Event, parse_event
from kommo.ids import ScopeId
from kommo.signature import verify_webhook, well_formed
from storage.database import Database
from storage.errors import StorageError

PATH = "/webhooks/kommo/{scope_id}"

LOOK_UP_S = 1.0
"""How long to ask whose webhook it was that could not be stored."""

log = logging.getLogger(__name__)


class Webhooks:
    """Verifies Kommo's webhooks and has their events stored, many in one transaction.

    Args:
        database: where to.
        events: stores events.
        catch_up: recovers what could not be stored.
        scope_id: of the account's channel; webhooks for another one are refused.
        secret: the channel's.
        bodies: the budget for bodies that are being read.
    """

    def __init__(
        self,
        database: Database,
        events: Events,
        catch_up: CatchUp,
        *,
        scope_id: ScopeId,
        secret: str,
        bodies: Bodies | None = None,
    ) -> None:
        self._database = database
        self._events = events
        self._catch_up = catch_up
        self._scope_id = scope_id
        self._secret = secret
        self._batcher = Batcher(self._store_all)
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
            raise SignatureError("the webhook is for another scope")
        return well_formed(request.headers.get("X-Signature"))

    async def _take(self, body: bytes, signature: str) -> web.Response:
        """Verify and store one webhook."""
        verify_webhook(self._secret, body, signature)
        event = parse_event(body)
        try:
            await self.keep(event, body.decode().strip())
        except Exception as error:
            self._catch_up.note_missed(await self._missed_by(event))
            if not isinstance(error, StorageError):
                raise
            log.error("webhook could not be stored: %s", error)
            return web.Response(status=503)
        return web.Response(status=200)

    async def _missed_by(self, event: Event) -> str | None:
        """Return whose webhook could not be stored; reading may work where writing does not."""
        try:
            async with asyncio.timeout(LOOK_UP_S), self._database.snapshot() as snapshot:
                return await find(snapshot, event)
        except (StorageError, TimeoutError):
            return named(event)

    def _refused(self, status: int, error: Exception) -> web.Response:
        self._refusals.warn(f"webhook refused: {error}")
        return web.Response(status=status)

    async def keep(self, event: Event, body: str) -> None:
        """Store an event: on disk when this returns.

        Raises:
            StorageError: it is not.
        """
        await self._batcher.do(Webhook(event, body))

    async def _store_all(self, webhooks: Sequence[Webhook]) -> Sequence[Exception | None]:
        """Store webhooks in the order they came in; one that is our fault stops no other."""
        try:
            await self._store_together(webhooks)
        except StorageError:
            raise
        except Exception:
            if len(webhooks) == 1:
                raise
            return [await self._failure_of(webhook) for webhook in webhooks]
        return [None] * len(webhooks)

    async def _store_together(self, webhooks: Sequence[Webhook]) -> None:
        async with self._database.transaction() as tx:
            await self._events.store_all(tx, webhooks)

    async def _failure_of(self, webhook: Webhook) -> Exception | None:
        try:
            await self._store_together([webhook])
        except Exception as error:
            return error
        return None
