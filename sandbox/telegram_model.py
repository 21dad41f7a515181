"""What the sandbox's Telegram keeps: bots, people, chats, updates and messages."""

import asyncio
import itertools
from dataclasses import dataclass, field
from typing import Any

DEFAULT_KINDS = frozenset(
    {
        "message", "edited_message", "callback_query", "my_chat_member", "business_connection",
        "business_message", "edited_business_message", "deleted_business_messages", "poll_answer",
    }
)  # fmt: skip
"""Kinds of updates that come unasked; a reaction must be asked for. Reference: Bot API, getUpdates."""


@dataclass
class Person:
    """Somebody with a Telegram account."""

    id: int
    name: str
    username: str | None = None
    has_blocked: bool = False
    is_deactivated: bool = False

    def user(self) -> dict[str, Any]:
        """Return the person as a Bot API `User`."""
        user = {"id": self.id, "is_bot": False, "first_name": self.name, "language_code": "en"}
        return {**user, "username": self.username} if self.username else user

    def chat(self) -> dict[str, Any]:
        """Return the person's chat with a bot as a Bot API `Chat`."""
        chat: dict[str, Any] = {"id": self.id, "type": "private", "first_name": self.name}
        return {**chat, "username": self.username} if self.username else chat


@dataclass(frozen=True)
class SentMessage:
    """A message that a bot sent."""

    method: str
    bot_id: int
    chat_id: int
    message_id: int
    text: str
    parameters: dict[str, Any]
    files: dict[str, "Upload"]
    at: float

    @property
    def reply_markup(self) -> dict[str, Any] | None:
        """Return the keyboard under the message."""
        return self.parameters.get("reply_markup")


@dataclass(frozen=True)
class Upload:
    """A file as a bot uploaded it."""

    name: str
    size: int
    sha256: str
    content: bytes


@dataclass(frozen=True)
class Call:
    """One request of a bot."""

    bot_id: int
    method: str
    parameters: dict[str, Any]


@dataclass(eq=False)
class Poll:
    """A getUpdates call that waits."""

    ended: asyncio.Event = field(default_factory=asyncio.Event)
    is_replaced: bool = False


@dataclass
class Bot:
    """A bot account."""

    id: int
    token: str
    name: str
    username: str
    is_revoked: bool = False
    webhook_url: str = ""
    kinds: frozenset[str] = DEFAULT_KINDS
    updates: list[dict[str, Any]] = field(default_factory=list)
    confirmed: list[int] = field(default_factory=list)
    poll: Poll | None = None
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    update_ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1000))

    def user(self) -> dict[str, Any]:
        """Return the bot as a Bot API `User`."""
        return {
            "id": self.id,
            "is_bot": True,
            "first_name": self.name,
            "username": self.username,
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
        }


@dataclass
class Chat:
    """What was said in a chat of a person with a bot, by message id."""

    messages: dict[int, dict[str, Any]] = field(default_factory=dict)
    message_ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
