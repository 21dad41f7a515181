"""Routes of the Chats API: method and path → call.

All paths begin with ``/v2/origin/custom/`` and go on with the channel's id (connect and
disconnect) or the scope's id (all others).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import unquote

from sandbox.kommo import chats, messages
from sandbox.kommo.account import Account
from sandbox.kommo.model import Json

ROOT = "/v2/origin/custom/"
HISTORY = "history"

Carry: TypeAlias = Callable[[Account, str, Json], Json | None]


@dataclass(frozen=True, slots=True)
class Route:
    """A call, the id that owns it (channel or scope) and the id further on in the path."""

    name: str
    carry: Carry
    owner: str
    id: str = ""

    @property
    def is_of_channel(self) -> bool:
        """Whether the path names the channel instead of the scope."""
        return self.name in {"connect", "disconnect"}


SIMPLE: dict[tuple[str, str], Carry] = {
    ("POST", ""): messages.send,
    ("POST", "connect"): chats.connect,
    ("DELETE", "disconnect"): chats.disconnect,
    ("POST", "chats"): chats.create_chat,
    ("POST", "typing"): chats.typing,
    ("POST", "react"): chats.react,
}


def find_route(method: str, path: str) -> Route | None:
    """Return the call of a raw path without its query; None when there is no such call."""
    owner, *rest = path.removeprefix(ROOT).split("/")
    match method, rest:
        case "POST", [message_id, "delivery_status"]:
            name, id_, carry = rest[1], unquote(message_id), messages.delivery_status
            return Route(name, carry, unquote(owner), id_)
        case "GET", ["chats", chat_id, "history"]:
            return Route(HISTORY, chats.history, unquote(owner), unquote(chat_id))
    name = "/".join(rest)
    simple = SIMPLE.get((method, name))
    return None if simple is None else Route(name or "send", simple, unquote(owner))
