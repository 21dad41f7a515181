"""Decide whether Telegram's server gives a big file to a bot: by its size, or by asking.

The cloud gives 20 MB at most, a server of one's own gives all in its local mode, and answers
only when it has the whole of a file: nothing else may wait for that.
Reference: Bot API, getFile; Using a local Bot API server.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from bot.background import Background
from bot.media.file_errors import FileError, FileRefusedError
from bot.media.telegram_files import CLOUD_LIMIT_BYTES
from bot.translate.files import BotFile

KNOWN_FOR_S = 600.0
"""So long a server's kind is remembered: it may be started again in another mode."""

REMEMBERED = 1000
"""How many files to remember the answer for."""

PATIENCE_S = 60.0
"""So long a file is asked for that Telegram's server has only errors for; then its link goes."""

FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 1.0

T = TypeVar("T")

log = logging.getLogger(__name__)


class NotAskedYetError(Exception):
    """It is being asked; come again.

    Args:
        after_s: when.
    """

    def __init__(self, after_s: float) -> None:
        super().__init__("Telegram is being asked for the size of a file")
        self.after_s = after_s


class Sizes:
    """Knows which files are too big.

    Args:
        is_given: asks Telegram whether it gives a bot a file; None: there is no telling.
        background: where it is asked.
        is_cloud: whether Telegram's own server is asked, whose limit is known.
        now_s: the clock that only goes forward.
    """

    def __init__(
        self,
        is_given: Callable[[int, str], Awaitable[bool | None]],
        background: Background,
        *,
        is_cloud: bool,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._is_given = is_given
        self._background = background
        self._is_cloud = is_cloud
        self._now_s = now_s
        self._gives_all: tuple[bool, float] | None = None
        self._found: OrderedDict[str, bool] = OrderedDict()
        self._asked_at: OrderedDict[str, float] = OrderedDict()

    def is_too_big(self, asked: BotFile) -> bool:
        """Tell whether a file is too big to be given; never waits.

        Raises:
            NotAskedYetError: nobody knows yet.
        """
        told = self._told(asked)
        if told is not None:
            return told
        now_s = self._now_s()
        waited_s = now_s - _kept(self._asked_at, asked.file.file_id, now_s)
        if waited_s >= PATIENCE_S:
            return False
        self._background.start(f"size {asked.file.file_id}", partial(self._ask, asked))
        raise NotAskedYetError(min(FIRST_WAIT_S + waited_s / 4, LONGEST_WAIT_S))

    def _told(self, asked: BotFile) -> bool | None:
        """Return what the size, the server's kind or an earlier answer says."""
        if asked.file.size is not None and asked.file.size <= CLOUD_LIMIT_BYTES:
            return False
        if asked.file.file_id in self._found:
            return self._found[asked.file.file_id]
        if asked.file.size is None:
            return None
        if self._is_cloud:
            return True
        if self._gives_all is None or self._now_s() >= self._gives_all[1]:
            return None
        return not self._gives_all[0]

    async def _ask(self, asked: BotFile) -> None:
        try:
            is_given = await self._is_given(asked.bot_id, asked.file.file_id)
        except FileRefusedError as error:
            log.info("the size of a file is unknown: %s", error, extra={"bot": asked.bot_id})
            is_given = None
        except FileError as error:
            log.info("asking again for the size of a file: %s", error)
            return
        _kept(self._found, asked.file.file_id, is_given is False)
        if is_given is not None and asked.file.size is not None:
            self._gives_all = (is_given, self._now_s() + KNOWN_FOR_S)


def _kept(known: OrderedDict[str, T], key: str, value: T) -> T:
    """Return what is known, else keep a value; the oldest are forgotten."""
    kept = known.setdefault(key, value)
    while len(known) > REMEMBERED:
        known.popitem(last=False)
    return kept
