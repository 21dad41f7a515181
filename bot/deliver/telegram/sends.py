"""The calls that show a client something: each is written down before and after it is made.

One call of a bot is in flight at a time, none begins that could not be recorded, and after a stop
none begins at all. So a kill repeats one of a bot at most. See decision 0003.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import aiohttp
from aiogram import Bot
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramNetworkError,
    TelegramServerError,
)

from bot.deliver.destination import Unrecorded
from bot.deliver.telegram.clearance import Clearance, Send
from bot.deliver.telegram.errors import UnsentError, outcome_of
from bot.deliver.telegram.journal import Journal, Step
from bot.deliver.telegram.sent import accepted
from bot.deliver.telegram.uploads import ReadyCall
from bot.queue.outcomes import Delivered, RetryLater
from storage.database import Database
from storage.message_reader import SentPart
from storage.queue.reader import QueueItem

CALL_S = 60

SLOWEST_BYTES_S = 100_000
"""An upload slower than this is given up."""

LANE_OF_FILES = "files"

PartOf = Callable[[Any], SentPart | None]
"""What is stored of an answer."""


@dataclass(frozen=True)
class Shown(Delivered):
    """All calls of a message were made; the last one's message is stored as the item ends."""

    last: SentPart | None = None


class Sends(Unrecorded):
    """Makes the calls of all bots, and knows what came of them until it is recorded."""

    def __init__(self, database: Database, journal: Journal, clearance: Clearance) -> None:
        self._database = database
        self._journal = journal
        self._clearance = clearance

    def stop(self) -> None:
        """Start no new calls; those in flight go on."""
        self._clearance.stop()

    def check(self) -> None:
        """Refuse what would begin after a stop.

        Raises:
            StoppedError: nothing begins any more.
        """
        self._clearance.check()

    async def left_over(self) -> Sequence[tuple[QueueItem, Delivered]]:
        """Return what Telegram took from an earlier process that was killed before the record."""
        found = []
        async with self._database.snapshot() as snapshot:
            for line in self._journal.read():
                item = await snapshot.to_telegram.get(line.step.item_id)
                if item is not None and line.step.is_of(item) and line.is_delivered:
                    found.append((item, Shown(last=line.part)))
        return found

    def forget_left_over(self) -> None:
        """Empty the journal: all that is in it is recorded, or of no use."""
        self._journal.clear()

    def recorded(self, item: QueueItem, number: int | None = None) -> None:
        """Learn that the database has what came of an attempt, or of one call of it."""
        self._journal.recorded(item.id, number)
        self._clearance.recorded()

    def waited_s(self, item: QueueItem) -> float:
        """Return how long the calls of an attempt waited for their turns; asked once."""
        return self._clearance.waited_s(item)

    async def make(
        self,
        bot: Bot,
        ready: ReadyCall,
        item: QueueItem,
        step: Step,
        part_of: PartOf,
    ) -> Any:
        """Make a call when it is its turn, and return what Telegram sent back.

        Args:
            bot: whose call it is.
            ready: the call, and its file.
            item: what it is a call of.
            step: which one.
            part_of: returns what is stored of an answer.

        Raises:
            StoppedError: nothing begins any more.
            ForgottenError: there is nobody to whom it could go.
            UnsentError: it failed before Telegram could carry it out.
            AiogramError: it failed.
        """
        send = Send(bot.id, item, step, item.lane if ready.file is None else LANE_OF_FILES)
        try:
            sent = await self._answer(bot, ready, send)
        except (TelegramNetworkError, TelegramServerError) as error:
            raise self._unanswered(send, error) from error
        except TelegramAPIError:
            self._clearance.answered(send)
            self._journal.refuse(step, bot.id)
            raise
        except BaseException:
            self._journal.give_up(step)
            raise
        else:
            self._clearance.answered(send)
            self._journal.take(step, part_of(sent), bot.id)
            return sent
        finally:
            send.end()

    def _unanswered(
        self, send: Send, error: TelegramNetworkError | TelegramServerError
    ) -> Exception:
        """Note a call without a proper answer; return what it comes to."""
        if send.kept_from is not None:
            return send.kept_from
        if not send.is_begun:
            return UnsentError(error)
        outcome = outcome_of(error)
        if isinstance(outcome, RetryLater) and outcome.is_uncertain:
            self._journal.give_up(send.step)
        else:
            self._journal.refuse(send.step, send.bot_id)
        self._clearance.unanswered(send)
        return error

    async def _answer(self, bot: Bot, ready: ReadyCall, send: Send) -> Any:
        """Make a call; an answer that says ok counts, even when it cannot be parsed."""
        try:
            async with self._timed(ready, send) as within:
                return await bot(ready.call, request_timeout=within)  # type: ignore[arg-type]
        except ClientDecodeError as error:
            if isinstance(error.data, dict) and error.data.get("ok") is True:
                return accepted(error.data.get("result"))
            raise

    @asynccontextmanager
    async def _timed(self, ready: ReadyCall, send: Send) -> AsyncIterator[aiohttp.ClientTimeout]:
        """Begin a call, and end it when it takes too long; the wait for its turn does not count.

        A call with a file begins before the last bytes of the file: Telegram cannot take it
        without them, and however slow the upload is, it holds up nobody.
        """
        file = ready.file
        if file is None:
            await self._clearance.begin(send)
            yield timeout()
            return
        try:
            async with asyncio.timeout(CALL_S + ready.size_bytes / SLOWEST_BYTES_S) as limit:
                file.before_end = partial(self._clearance.begin_in_time, send, limit)
                yield timeout(total_s=None)
        except TimeoutError as error:
            raise TelegramNetworkError(ready.call, "Request timeout error") from error


def timeout(total_s: float | None = CALL_S) -> aiohttp.ClientTimeout:
    """Return how long a call may take."""
    # an object, not a number: only so do failures before and after sending differ
    return aiohttp.ClientTimeout(total=total_s, connect=5, sock_connect=5, sock_read=30)
