"""Alerts as a JSON POST: the way that needs neither Telegram nor a bot.

See decision 0053.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Any

import httpx

from bot.operate.operators.alerts import News
from bot.operate.operators.teller import Look, Teller

TIMEOUT_S = 10.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 30.0, 900.0
"""A receiver that fails is asked again after these times, growing from the first to the last."""

log = logging.getLogger(__name__)


class AlertWebhook:
    """Posts what is news to the address in the settings, beside the operators' chats.

    Args:
        url: where; never logged, as its path may be a secret.
        http: the client that posts.
        look: returns everything that is wrong.
        now: the time.
        redact: takes secrets out of what is posted.
        bridge: the bridge's public address, which tells several of them apart.
    """

    def __init__(
        self,
        url: str,
        http: httpx.AsyncClient,
        *,
        look: Look,
        now: Callable[[], datetime],
        redact: Callable[[str], str],
        bridge: str,
    ) -> None:
        self._url = url
        self._http = http
        self._now = now
        self._redact = redact
        self._bridge = bridge
        self._teller = Teller(look, now)
        self._failures = 0
        self._rests_until = 0.0

    async def alert(self) -> None:
        """Look at everything once; post what is news."""
        await self._teller.alert(self._send)

    async def tell_ends(self) -> None:
        """Post what was told and is over."""
        await self._teller.tell_ends(self._send)

    async def _send(self, news: News) -> bool:
        """Post news; tell whether it was taken."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._rests_until:
            return False
        problem = await self._post(news)
        if problem is None:
            if self._failures:
                log.info("the operators' webhook takes alerts again")
            self._failures = 0
            return True
        if not self._failures:
            log.warning("the operators' webhook did not take an alert: %s", problem)
        pause_s = min(FIRST_PAUSE_S * 2 ** min(self._failures, 10), LONGEST_PAUSE_S)
        self._failures += 1
        self._rests_until = loop.time() + pause_s
        return False

    async def _post(self, news: News) -> str | None:
        """Post once; return what went wrong, without the address."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                answer = await self._http.post(self._url, json=self._body(news))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            return type(error).__name__
        return None if answer.is_success else f"it answered {answer.status_code}"

    def _body(self, news: News) -> dict[str, Any]:
        """Return what is posted; chat services show its `text`."""
        return {
            "service": "kommo-telegram",
            "bridge": self._bridge,
            "at": self._now().isoformat(timespec="seconds"),
            "text": self._redact(news.text()),
            "alerts": [
                {"key": alert.key, "text": self._redact(alert.text)} for alert in news.alerts
            ],
            "over": [self._redact(text) for text in news.over],
        }
