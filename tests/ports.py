"""Free ports that stay free until a test's program listens on them."""

import itertools
import os
import random
import socket

FIRST, LAST = 10_000, 32_000
"""Below what Linux gives to outgoing connections (32,768 and up), which are made all the time."""
SHARES = 16
"""Test processes side by side, each with its own share."""

_SIZE = (LAST - FIRST) // SHARES
_SHARE = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % SHARES
_turns = itertools.count(random.randrange(_SIZE))


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on, another one each time."""
    for turn in itertools.islice(_turns, _SIZE):
        port = FIRST + _SHARE * _SIZE + turn % _SIZE
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port between {FIRST} and {LAST}")
