"""Switches of the page: break things, and repair them again."""

from typing import Final

from sandbox.faults import Fault
from sandbox.kommo.server import KommoServer
from sandbox.telegram.server import TelegramServer

SLOW_S: Final = 1.5
RETRY_AFTER_S: Final = 2
NAMES: Final = ("telegram_down", "kommo_down", "slow", "too_many", "no_webhooks")


class Switches:
    """The switches, by name.

    - `telegram_down`, `kommo_down`: connections are refused, open ones are reset;
    - `slow`: every answer takes seconds;
    - `too_many`: sending is answered 429, with the time to wait;
    - `no_webhooks`: what managers write is in Kommo, but no webhook tells of it.
    """

    def __init__(self, telegram: TelegramServer, kommo: KommoServer) -> None:
        self._telegram = telegram
        self._kommo = kommo
        self._hook_url = kommo.hook_url
        self._refusals: list[Fault] = []

    def states(self) -> dict[str, bool]:
        """Return which are on."""
        return {
            "telegram_down": self._telegram.is_down,
            "kommo_down": self._kommo.is_down,
            "slow": bool(self._telegram.latency_s or self._kommo.latency_s),
            "too_many": bool(self._refusals),
            "no_webhooks": self._kommo.hook_url is None,
        }

    def set(self, name: str, *, is_on: bool) -> None:
        """Turn one on or off."""
        if name == "telegram_down":
            self._telegram.is_down = is_on
        elif name == "kommo_down":
            self._kommo.is_down = is_on
        elif name == "slow":
            self._telegram.latency_s = self._kommo.latency_s = SLOW_S if is_on else 0.0
        elif name == "too_many":
            self._refuse(is_on=is_on)
        elif name == "no_webhooks":
            self._hook_url = self._kommo.hook_url or self._hook_url
            self._kommo.hook_url = None if is_on else self._hook_url
        else:
            raise LookupError(f"no switch {name!r}: there are {', '.join(NAMES)}")

    def _refuse(self, *, is_on: bool) -> None:
        servers = ((self._telegram, "send"), (self._kommo, "/v2/origin/custom/"))
        for server, _ in servers:
            for fault in self._refusals:
                server.faults.remove(fault)
        self._refusals = [
            server.faults.fail(what, status=429, retry_after=RETRY_AFTER_S, times=None)
            for server, what in servers
            if is_on
        ]
