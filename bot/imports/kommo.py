"""One old message, told to Kommo with patience: outages pass, and its pace is kept."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from bot.imports.errors import NoAnswerError, RefusedError
from bot.imports.pace import ImportPace
from kommo.answers import SentMessage
from kommo.chats import ChatsApi
from kommo.errors import (
    RateLimitedError,
    RejectedError,
    RequestError,
    ServerError,
    UnreachableError,
)
from kommo.ids import ExternalMessageId, KommoChatId, KommoMessageId
from kommo.models import NewMessage, Reaction

CHANNEL_TROUBLE = (401, 402, 403, 404)
"""Answers about the channel or the clock: all messages would have the same."""

FIRST_REFUSAL, NOT_FOUND = 400, 404
NO_AUTHOR = "user not found"
"""What Kommo says of a `ref_id` that it does not know. Reference: Kommo, HTTP codes."""

PAGE = 50
SHORTEST_GAP_S, LONGEST_GAP_S = 0.01, 2.0
MAX_PAGES = 400

T = TypeVar("T")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Refused:
    """Kommo does not take a message, and may well take others."""

    reason: str


class Teller:
    """Tells Kommo of old messages, one call after another for each that asks."""

    def __init__(self, chats: ChatsApi, pace: ImportPace) -> None:
        self._chats = chats
        self._pace = pace
        self._gap_s = 0.0
        self._taken_at = time.monotonic()
        self._takes_status: bool | None = None
        self.on_trouble: Callable[[str], None] = lambda _reason: None

    async def tell(
        self,
        message: NewMessage,
        *,
        is_repeated: bool,
        find: Callable[[], Awaitable[KommoMessageId | None]],
    ) -> SentMessage | Refused:
        """Show a message in Kommo.

        Args:
            message: what.
            is_repeated: whether Kommo may have been told of it before.
            find: looks for it in Kommo's history.

        Raises:
            RefusedError: Kommo refuses the channel, or the author of all such messages.
            NoAnswerError: Kommo does not answer.
        """
        doubt = Doubt(is_repeated)
        try:
            try:
                return await self._patiently(lambda: self._send(message, doubt), doubt)
            except RejectedError:
                if not doubt.is_there:
                    raise
            found = await self._patiently(find, Doubt())
            if found is not None:
                return SentMessage(found)
            doubt = Doubt()
            return await self._patiently(lambda: self._send(message, doubt), doubt)
        except (RejectedError, _AloneError) as error:
            return Refused(str(error))

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T:
        """Return the answer to a question, as soon as there is one."""
        return await self._patiently(question, Doubt())

    async def react(self, reaction: Reaction) -> bool:
        """Show an emoji; tell whether Kommo took it. A new message may take it a moment."""
        for pause_s in (*self._pace.react_again_s, None):
            try:
                await self._patiently(
                    lambda: self._chats.react(reaction), Doubt(), is_message=False
                )
            except (RejectedError, _AloneError) as error:
                is_unknown = getattr(error, "status", None) == NOT_FOUND
                if pause_s is None or not is_unknown:
                    log.info("a reaction was not taken: %s", error)
                    return False
                await asyncio.sleep(pause_s)
            else:
                return True
        return False

    async def arrived(
        self, chat_id: KommoChatId, *, since_ms: int
    ) -> dict[ExternalMessageId, KommoMessageId]:
        """Return which of our messages a chat has, as far back as a moment."""
        found: dict[ExternalMessageId, KommoMessageId] = {}
        for page in range(MAX_PAGES):
            rows = await self._patiently(
                lambda page=page: self._chats.history(chat_id, offset=page * PAGE, limit=PAGE),  # type: ignore[misc]
                Doubt(),
            )
            found |= {row.external_id: row.kommo_message_id for row in rows if row.external_id}
            is_older = bool(rows) and rows[-1].at.timestamp() * 1000 < since_ms - 1000
            if rows.told < PAGE or is_older:
                break
        return found

    async def _send(self, message: NewMessage, doubt: "Doubt") -> SentMessage:
        """Make the call; a plainer one where Kommo refuses what is not needed."""
        variants = list(self._variants(message))
        for number, variant in enumerate(variants, start=1):
            try:
                sent = await self._chats.send_message(variant)
            except RejectedError as error:
                is_last = number == len(variants) or doubt.is_there
                if is_last or not _is_of_message(error) or _is_about_author(error):
                    raise
                continue
            if message.status is not None and variant.reply_to == message.reply_to:
                self._takes_status = variant.status is not None
            return sent
        raise AssertionError  # there is always one variant

    def _variants(self, message: NewMessage) -> Iterator[NewMessage]:
        """Return a message as it should be, then without its status, then without its quote."""
        if self._takes_status is not False:
            yield message
        if message.status is not None and self._takes_status is not True:
            message = message.model_copy(update={"status": None})
            yield message
        elif self._takes_status is False:
            yield message
        if message.reply_to is not None:
            yield message.model_copy(update={"reply_to": None})

    async def _patiently(
        self, call: Callable[[], Awaitable[T]], doubt: "Doubt", *, is_message: bool = True
    ) -> T:
        """Make a call until it is answered for good.

        Raises:
            RejectedError: Kommo refuses this very call.
            RefusedError: it refuses the channel, or the author.
            NoAnswerError: it has not answered for long.
        """
        failures = 0
        while True:
            await asyncio.sleep(self._gap_s)
            try:
                answer = await call()
            except RateLimitedError as error:
                await self._slow_down(error)
                continue
            except RejectedError as error:
                if not _may_pass(error):
                    if is_message:
                        _raise_if_for_all(error)
                    self._taken_at = time.monotonic()
                    raise
                reason: RequestError = error
            except RequestError as error:
                doubt.note(error)
                reason = error
            else:
                self._taken_at = time.monotonic()
                self._gap_s = self._gap_s * 0.9 if self._gap_s > SHORTEST_GAP_S else 0.0
                return answer
            failures += 1
            await self._wait(reason, failures)

    async def _slow_down(self, error: RateLimitedError) -> None:
        """Wait for as long as Kommo asks, and go on more slowly."""
        self._gap_s = min(max(self._pace.gap_s, 2 * self._gap_s), LONGEST_GAP_S)
        self._taken_at = time.monotonic()  # it answers
        self.on_trouble("Kommo asks to slow down")
        await asyncio.sleep(max(error.retry_after_s or 0.0, self._chats.held_s, self._gap_s))

    async def _wait(self, error: RequestError, failures: int) -> None:
        """Wait after a failure.

        Raises:
            NoAnswerError: it has been failing for long.
            _AloneError: only this call fails.
        """
        if time.monotonic() - self._taken_at >= self._pace.give_up_s:
            raise NoAnswerError(
                f"{error}; Kommo has not taken anything for {self._pace.give_up_s / 60:.0f} "
                "minutes; give the same command again when it does: it goes on where it stopped"
            ) from error
        is_its_own = isinstance(error, ServerError) and failures >= self._pace.alone
        if is_its_own and await self._is_well():
            raise _AloneError(f"fails again and again while other calls succeed: {error}")
        self.on_trouble(f"trying again: {error}")
        await asyncio.sleep(
            self._pace.policy.delay_s(failures, error.retry_after_s, random.random())  # noqa: S311 - jitter, no secret
        )

    async def _is_well(self) -> bool:
        with suppress(RequestError):
            await self._chats.prove()
            return True
        return False


class _AloneError(Exception):
    """A call that fails while others succeed."""


@dataclass
class Doubt:
    """Whether an earlier attempt may have been carried out."""

    is_there: bool = False

    def note(self, error: RequestError) -> None:
        """Learn of a failure."""
        is_sent = error.was_sent if isinstance(error, UnreachableError) else True
        self.is_there = self.is_there or is_sent


def _is_of_message(error: RejectedError) -> bool:
    return error.status == FIRST_REFUSAL and not error.is_about_channel


def _is_about_author(error: RejectedError) -> bool:
    return NO_AUTHOR in str(error).lower()


def _may_pass(error: RejectedError) -> bool:
    """Tell whether an answer is no refusal of Kommo's: a redirection of a proxy."""
    return (error.status or 0) < FIRST_REFUSAL


def _raise_if_for_all(error: RejectedError) -> None:
    """Stop at what would be refused of all messages.

    Raises:
        RefusedError: it would.
    """
    if error.is_about_channel or error.status in CHANNEL_TROUBLE:
        raise RefusedError(
            f"Kommo refuses the channel: {error}; see: kommo-telegram check; then give the same "
            "command again: it goes on where it stopped"
        ) from error
    if _is_about_author(error):
        raise RefusedError(
            f"Kommo does not know who wrote a message of the company: {error}; see that "
            "kommo.channel_bot_id and the ids in [import.managers] are of this account; then give "
            "the same command again: it goes on where it stopped"
        ) from error
