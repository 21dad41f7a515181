"""The channel's standing, from Kommo's latest answers: whether its calls are accepted."""

import asyncio
import time

from kommo.errors import RequestError


class Standing:
    """Remembers how the calls of the scope fared last.

    Disabling the integration cuts the channel off, also while the bridge runs.
    Reference: Kommo, Connect a channel to an account; HTTP codes.
    """

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        """Set when calls begin to be refused, or are taken again."""
        self.refused = asyncio.Event()
        """Set while they are refused."""
        self.refusal: RequestError | None = None
        """Why Kommo refuses the channel; None while it does not."""
        self.lost_at = float("-inf")
        """When Kommo took the last call before it began to refuse them."""
        self.asked_at = float("-inf")
        """When Kommo answered a call of the scope last, by the clock that only goes forward."""
        self.taken_at = float("-inf")
        """When it took one last."""

    def take(self) -> None:
        """Note that Kommo took a call."""
        is_news = self.refusal is not None or self.taken_at < 0
        self.asked_at = self.taken_at = time.monotonic()
        self.refusal = None
        self.refused.clear()
        if is_news:
            self.changed.set()

    def refuse(self, error: RequestError) -> None:
        """Note that Kommo did not take a call, which need not say anything of the channel."""
        if error.status is not None:
            self.asked_at = time.monotonic()
        if error.is_about_channel:
            if self.refusal is None:
                self.lost_at = self.taken_at
            self.refusal = error
            self.refused.set()
            self.changed.set()
