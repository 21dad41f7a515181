"""Notify systemd: ready, alive, stopping. Does nothing where systemd did not start us.

Reference: sd_notify(3).
"""

import os
import socket
from collections.abc import Mapping


class Notifier:
    """Sends state lines to the socket named in `NOTIFY_SOCKET`."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        watchdog_us = environ.get("WATCHDOG_USEC", "")
        self.watchdog_s = int(watchdog_us) / 1_000_000 if watchdog_us.isdigit() else None

    def send(self, *states: str) -> None:
        """Send lines such as `READY=1`; a socket that is gone is no reason to stop."""
        if not self._address:
            return
        address = self._address
        if address.startswith("@"):  # Linux's abstract namespace
            address = "\0" + address[1:]
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
                sender.sendto("\n".join(states).encode(), address)
        except OSError:
            self._address = ""
