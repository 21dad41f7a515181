"""The data of the sandbox's Telegram: bots, people, chats, messages, updates."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from sandbox.telegram.files import StoredFile

Json: TypeAlias = dict[str, Any]

# Kinds of updates that come unasked. Reference: Bot API, getUpdates.
UNASKED_FOR: Final = frozenset({"message_reaction", "message_reaction_count", "chat_member"})

DAY_S: Final = 24 * 3600


class ApiError(Exception):
    """An answer that is not ok."""

    def __init__(self, status: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters

    def body(self) -> Json:
        """The answer's body."""
        body: Json = {
            "ok": False,
            "error_code": self.status,
            "description": self.description,
        }
        if self.parameters:
            body["parameters"] = self.parameters
        return body


def bad_request(description: str) -> ApiError:
    """A request that Telegram refuses."""
    return ApiError(400, f"Bad Request: {description}")


def forbidden(description: str) -> ApiError:
    """Something that the bot may not do."""
    return ApiError(403, f"Forbidden: {description}")


@dataclass
class Peer:
    """Somebody with a Telegram account, or a group.

    Args:
        id: the chat's id; in private chats also the user's.
        blocked: ids of the bots that this person has blocked.
        is_deactivated: whether the account is deleted.
        forbids_voice: whether voice and video notes are refused.
        migrated_to: id of the supergroup that this group has become.
    """

    id: int
    name: str
    username: str | None = None
    kind: Literal["private", "group", "supergroup"] = "private"
    blocked: set[int] = field(default_factory=set)
    is_deactivated: bool = False
    forbids_voice: bool = False
    migrated_to: int | None = None
    avatar: str | None = None

    def user(self) -> Json:
        """The person as a `User`."""
        user: Json = {
            "id": self.id,
            "is_bot": False,
            "first_name": self.name,
            "language_code": "en",
        }
        return {**user, "username": self.username} if self.username else user

    def chat(self) -> Json:
        """The chat as a `Chat`."""
        name = "first_name" if self.kind == "private" else "title"
        chat: Json = {"id": self.id, "type": self.kind, name: self.name}
        return {**chat, "username": self.username} if self.username else chat


@dataclass
class BusinessConnection:
    """A business account that a bot is connected to."""

    id: str
    owner: Peer
    date: int
    rights: Json
    is_enabled: bool = True

    def content(self) -> Json:
        """The connection as a `BusinessConnection`."""
        return {
            "id": self.id,
            "user": self.owner.user(),
            "user_chat_id": self.owner.id,
            "date": self.date,
            "rights": self.rights,
            "is_enabled": self.is_enabled,
        }


@dataclass
class Chat:
    """What a bot sees of one chat, by message id.

    Args:
        owner_id: the business account whose chat it is; 0 for a chat with the bot itself.
        keyboards: the keyboards under messages, inline or not.
        reactions: the bot's reactions, by message id.
        client_reactions: the client's, as the last update told them.
        last_incoming_at: when a client wrote last (Unix seconds); None for never.
        written_at: when each message of people was written, in Unix seconds and their parts.
        topics: the threads that messages can be sent to.
    """

    bot_id: int
    peer: Peer
    owner_id: int = 0
    messages: dict[int, Json] = field(default_factory=dict)
    keyboards: dict[int, Json] = field(default_factory=dict)
    reactions: dict[int, str | None] = field(default_factory=dict)
    client_reactions: dict[int, list[Json]] = field(default_factory=dict)
    last_id: int = 0
    last_incoming_at: float | None = None
    written_at: dict[int, float] = field(default_factory=dict)
    topics: set[int] = field(default_factory=set)

    def written_ms(self, message: Json) -> int:
        """When a message was written, in Unix milliseconds as far as they are known."""
        at: float = self.written_at.get(message["message_id"]) or message["date"]
        return int(at * 1000)

    def next_id(self) -> int:
        """The id of the next message; unique only in this chat."""
        self.last_id += 1
        return self.last_id


@dataclass(eq=False)
class Poll:
    """A getUpdates call that waits; what it waits for is a reason to end."""

    ended: asyncio.Future[Literal["updates", "replaced", "webhook", "stopped"]]

    def end(self, reason: Literal["updates", "replaced", "webhook", "stopped"]) -> None:
        """Let the call go on."""
        if not self.ended.done():
            self.ended.set_result(reason)


@dataclass
class Bot:
    """A bot account.

    Args:
        kinds: the kinds of updates it asked for last; None for those that come unasked.
        updates: what it has not confirmed.
        confirmed: ids of the updates it confirmed, in order.
        last_poll: offset and moment (monotonic seconds) of the last getUpdates.
    """

    id: int
    token: str
    name: str
    username: str
    is_revoked: bool = False
    webhook_url: str = ""
    kinds: frozenset[str] | None = None
    updates: list[Json] = field(default_factory=list)
    confirmed: list[int] = field(default_factory=list)
    next_update_id: int = 1000
    poll: Poll | None = None
    last_poll: tuple[int, float] = (-1, 0.0)

    def user(self) -> Json:
        """The bot as a `User`."""
        return {
            "id": self.id,
            "is_bot": True,
            "first_name": self.name,
            "username": self.username,
        }

    def me(self) -> Json:
        """The bot as getMe shows it."""
        return {
            **self.user(),
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
            "can_connect_to_business": True,
            "has_main_web_app": False,
        }

    def wants(self, kind: str) -> bool:
        """Whether updates of a kind are created for it."""
        return kind not in UNASKED_FOR if self.kinds is None else kind in self.kinds


@dataclass(frozen=True)
class SentMessage:
    """A message as a bot sent it; later edits are in `Chat.messages`.

    Args:
        text: the text or the caption, after parsing.
        files: what was sent with it, by the field of the answer (``photo``, ``document``...).
        at: when it was sent, in Unix seconds.
    """

    method: str
    bot_id: int
    chat_id: int
    message_id: int
    text: str
    parameters: Json
    files: dict[str, StoredFile]
    reply_markup: Json | None
    reply_to: int | None
    media_group_id: str | None
    at: float


@dataclass(frozen=True)
class ApiCall:
    """One request of a bot, as it was read."""

    bot: Bot
    method: str
    parameters: Json
    files: Mapping[str, StoredFile]
    at: float

    @property
    def bot_id(self) -> int:
        """Who asked."""
        return self.bot.id

    def text(self, name: str) -> str:
        """A parameter as text; empty when it is missing."""
        value = self.parameters.get(name)
        return "" if value is None else str(value)

    def integer(self, name: str, default: int = 0) -> int:
        """A parameter as a whole number."""
        value = self.parameters.get(name)
        try:
            return default if value is None or value == "" else int(value)
        except (TypeError, ValueError):
            raise bad_request(f"{name} must be a number") from None

    def number(self, name: str) -> float:
        """A parameter as a number, which must be there."""
        try:
            return float(self.parameters[name])
        except (KeyError, TypeError, ValueError):
            raise bad_request(f"{name} is empty") from None

    def flag(self, name: str) -> bool:
        """A parameter as yes or no."""
        return str(self.parameters.get(name, "")).lower() in {"true", "1", "yes"}

    def decoded(self, name: str) -> Any:
        """A parameter that is JSON, however it was sent; None when it is missing."""
        value = self.parameters.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f"can't parse {name} JSON object") from None
