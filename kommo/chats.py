"""`ChatsApi`: Kommo's Chats API, over whatever carries its calls."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import partial
from http import HTTPStatus
from typing import TypeVar

from kommo import answers, calls
from kommo.answers import ConnectedChannel, CreatedChat, HistoryPage, SentMessage
from kommo.calls import Call
from kommo.errors import (
    HeldBackError,
    NoAnswerError,
    PayloadError,
    RateLimitedError,
    RejectedError,
    RequestError,
    ServerError,
    UnreachableError,
)
from kommo.exchange import LIMITS, Limits, Wire
from kommo.failures import no_answer, refusal, told_error
from kommo.ids import AmojoId, ChannelId, KommoChatId, ScopeId
from kommo.limits import HISTORIES_AT_A_TIME, ChatsLimits
from kommo.models import Connect, EditMessage, NewChat, NewMessage, Reaction, Typing
from kommo.signature import content_md5, sign
from kommo.standing import Standing
from kommo.status_names import StatusNames
from kommo.statuses import DeliveryStatus

CONTENT_TYPE = "application/json"
NO_CHAT = KommoChatId("00000000-0000-4000-8000-000000000000")
"""Nobody's: asking for its history changes nothing."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Identity:
    """As whom calls are made and signed.

    Args:
        channel_id: the channel.
        scope_id: the channel connected to the account; None until it is known.
        secret: the channel secret.
    """

    channel_id: ChannelId
    scope_id: ScopeId | None
    secret: str = field(repr=False)


class ChatsApi:
    """The Chats API of one channel in one account; every method may raise a `RequestError`.

    Args:
        wire: carries the calls to Kommo.
        identity: the channel in the account.
        now: the clock; a signature lives 15 minutes.
        status_names: know how the account's host names a delivery status.
        pace: shared by all that ask on behalf of the account.
        limits: what an answer may cost.
        standing: learns how calls of the scope fare.
    """

    def __init__(
        self,
        wire: Wire,
        identity: Identity,
        *,
        now: Callable[[], datetime],
        status_names: StatusNames | None = None,
        pace: ChatsLimits | None = None,
        limits: Limits = LIMITS,
        standing: Standing | None = None,
    ) -> None:
        self._wire = wire
        self._identity = identity
        self._now = now
        self._status_names = status_names or StatusNames("delivery_status")
        self._pace = pace or ChatsLimits()
        self._history_pace = ChatsLimits(HISTORIES_AT_A_TIME, behind=self._pace)
        self._limits = limits
        self.standing = standing or Standing()

    @property
    def held_s(self) -> float:
        """Return how long Kommo wants to be asked nothing; 0 for not at all."""
        return self._pace.held_s

    async def connect(
        self, account_id: AmojoId, title: str, *, is_time_window_disabled: bool | None = None
    ) -> ConnectedChannel:
        """Connect the channel to an account, where it appears under the title."""
        connection = Connect(
            account_id=account_id, title=title, is_time_window_disabled=is_time_window_disabled
        )
        call = calls.connect(self._identity.channel_id, connection)
        return _read(call, answers.connection, await self._in_turn(call))

    async def disconnect(self, account_id: AmojoId) -> None:
        """Take the channel away from an account; webhooks stop."""
        call = calls.disconnect(self._identity.channel_id, account_id)
        _read(call, answers.nothing, await self._in_turn(call))

    async def send_message(self, message: NewMessage) -> SentMessage:
        """Show a message in Kommo."""
        call = calls.new_message(self._scope(), message)
        return await self._call(call, partial(answers.sent_message, message=message))

    async def edit_message(self, edit: EditMessage) -> None:
        """Change a message in Kommo, or tie our id to it."""
        await self._do(calls.edit_message(self._scope(), edit))

    async def set_delivery_status(self, status: DeliveryStatus) -> None:
        """Tell Kommo what became of a manager's message."""
        scope_id = self._scope()
        await self._status_names.tell(
            lambda name: self._do(calls.delivery_status(scope_id, status, name))
        )

    async def send_typing(self, typing: Typing) -> None:
        """Show that a client is writing."""
        await self._do(calls.typing(self._scope(), typing))

    async def react(self, reaction: Reaction) -> None:
        """Put an emoji on a message, or take it away."""
        await self._do(calls.react(self._scope(), reaction))

    async def create_chat(self, chat: NewChat) -> CreatedChat:
        """Create a conversation, or learn Kommo's id of one that exists."""
        call = calls.create_chat(self._scope(), chat)
        return await self._call(call, answers.created_chat)

    async def prove(self) -> None:
        """Make a call that changes nothing, to learn whether Kommo takes those of the scope.

        Raises:
            RequestError: it does not, or there is no answer.
        """
        try:
            await self.history(NO_CHAT, limit=1)
        except RejectedError as error:
            is_of_chat = error.status == HTTPStatus.NOT_FOUND and error.is_kommos
            if not is_of_chat or error.is_about_channel:
                raise
            self.standing.take()

    async def history(
        self, kommo_chat_id: KommoChatId, *, offset: int = 0, limit: int = calls.HISTORY_LIMIT
    ) -> HistoryPage:
        """Return a page of a conversation, newest first; empty when Kommo does not know it."""
        call = calls.history(self._scope(), kommo_chat_id, offset=offset, limit=limit)
        return await self._call(call, answers.history)

    async def history_behind(
        self, kommo_chat_id: KommoChatId, *, offset: int = 0, limit: int = calls.HISTORY_LIMIT
    ) -> HistoryPage:
        """Return such a page, at a pace of its own: a 429 holds back these calls only."""
        call = calls.history(self._scope(), kommo_chat_id, offset=offset, limit=limit)
        return await self._call(call, answers.history, self._history_pace)

    def _scope(self) -> ScopeId:
        if self._identity.scope_id is None:
            raise UnreachableError("the channel is not connected to an account", was_sent=False)
        return self._identity.scope_id

    async def _do(self, call: Call) -> None:
        """Make a call that is answered with nothing but its success."""
        await self._call(call, answers.nothing)

    async def _call(
        self, call: Call, read: Callable[[bytes], Answer], pace: ChatsLimits | None = None
    ) -> Answer:
        """Make a call of the scope, and return its answer."""
        try:
            answer = _read(call, read, await self._in_turn(call, pace))
        except HeldBackError:
            raise
        except RequestError as error:
            self.standing.refuse(error)
            raise
        self.standing.take()
        return answer

    async def _in_turn(self, call: Call, pace: ChatsLimits | None = None) -> bytes:
        """Make a call when it is its turn, and return the answer's body."""
        pace = pace or self._pace
        async with pace.turn():
            try:
                return await self._ask(call)
            except RateLimitedError as error:
                pace.slow_down(error.retry_after_s)
                raise

    async def _ask(self, call: Call) -> bytes:
        """Sign a call, make it, and return the answer's body."""
        what = f"{call.method} {call.path}"
        url = f"{call.path}?{call.query}" if call.query else call.path
        try:
            response = await self._wire.send(
                call.method,
                url,
                body=call.body,
                headers=self._headers(call),
                limits=self._limits,
            )
        except NoAnswerError as error:
            raise no_answer(what, error) from error
        if not response.is_success or told_error(response.content).is_error:
            raise refusal(what, response, secret=self._identity.secret, now=self._now())
        return response.content

    def _headers(self, call: Call) -> dict[str, str]:
        """Return the four headers that are all of the authorization.

        Reference: Kommo, Chats API authorization and headers.
        """
        date = format_datetime(self._now().astimezone(UTC))
        md5 = content_md5(call.body)
        return {
            "Date": date,
            "Content-Type": CONTENT_TYPE,
            "Content-MD5": md5,
            "X-Signature": sign(
                self._identity.secret, call.method, md5, CONTENT_TYPE, date, call.path
            ),
        }


def _read(call: Call, read: Callable[[bytes], Answer], body: bytes) -> Answer:
    """Read an answer that is worth nothing when it cannot be read; repeating is harmless."""
    try:
        return read(body)
    except PayloadError as error:
        message = f"{call.method} {call.path}: Kommo's answer cannot be read: {error}"
        raise ServerError(message, status=HTTPStatus.OK) from error
