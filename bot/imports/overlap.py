"""Messages that the bridge delivered live, which an import must not duplicate (pure).

An export of a chat with the bot and the live bridge number messages differently, but Telegram's
second is the same; of words, the bridge knows a fingerprint.
"""

import hashlib
from collections.abc import Iterable

from bot.imports.plan import Side
from bot.translate.exports.told import Told
from kommo.content import Content
from storage.message_reader import StoredMessage
from storage.spool import Spooled


class Live:
    """Messages that crossed the bridge."""

    def __init__(self, messages: Iterable[StoredMessage]) -> None:
        self._prints = {
            (one.direction, int(one.at.timestamp()), one.content_hash) for one in messages
        }
        self._moments = {(direction, at_s) for direction, at_s, _print in self._prints}

    def has(self, row: Spooled, side: Side) -> bool:
        """Tell whether an old message is one of them."""
        direction = "incoming" if side == "client" else "outgoing"
        if (direction, row.at) not in self._moments:
            return False
        told = Told.model_validate_json(row.body)
        if side == "company" or told.content.type != "text":
            return True
        return (direction, row.at, fingerprint(told.content)) in self._prints


def fingerprint(content: Content) -> str:
    """Return the fingerprint that the bridge keeps of a client's words."""
    return hashlib.sha256(content.model_dump_json().encode()).hexdigest()[:32]
