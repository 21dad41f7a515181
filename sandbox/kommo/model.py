"""The data of the sandbox's Kommo: people, conversations, messages and their statuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel and the account that it belongs to.

    Args:
        id: the path of connect and disconnect.
        secret: signs both directions.
        account_id: the account's amojo id.
        bot_id: author of messages that no Kommo user wrote.
        access_token: of the account's REST calls.
    """

    id: str
    secret: str
    account_id: str
    bot_id: str = "44444444-5555-4666-8777-888888888888"
    access_token: str = "sandbox-access-token"  # noqa: S105 - opens nothing real

    @property
    def scope_id(self) -> str:
        """Return the id of the channel in this account."""
        return f"{self.id}_{self.account_id}"


@dataclass(frozen=True, slots=True)
class Habits:
    """What Kommo does one way or another; hosts differ, and pages leave it open.

    Args:
        is_connected: start as if the account had connected the channel already.
        repeated_msgid: "refuse" (400) or "accept" (the first answer again, without a second
            message); Kommo does not say which it does.
        status_field: the name of a delivery status that is taken: "status_code",
            "delivery_status" or "both". Reference: Kommo, Update message delivery status.
        fetch_media: whether the links that arrive are fetched.
        head_first: whether a HEAD goes before that.
        hook_newline: whether an unsigned line feed follows the body of a hook.
        absent_keys: leave empty keys of hooks out.
        patience_s: how long a hook waits for its answer.
    """

    is_connected: bool = False
    repeated_msgid: Literal["refuse", "accept"] = "refuse"
    status_field: Literal["both", "status_code", "delivery_status"] = "both"
    fetch_media: bool = False
    head_first: bool = False
    hook_newline: bool = True
    absent_keys: bool = False
    patience_s: float = 5.0


@dataclass(slots=True, eq=False)
class Person:
    """A participant: a client of the integration, a Kommo user, or the channel's bot.

    `id` is Kommo's; `client_id` is the integration's and clients have one.
    """

    id: str
    name: str
    client_id: str | None = None
    avatar: str | None = None
    phone: str | None = None
    email: str | None = None
    profile_link: str | None = None

    def ids(self) -> Json:
        """Return who it is: the ids that exist, and the name."""
        own = {} if self.client_id is None else {"client_id": self.client_id}
        return {"id": self.id, **own, "name": self.name}

    def wire(self) -> Json:
        """Return the participant as Kommo describes it; what is unknown is left out."""
        known = {"avatar": self.avatar, "phone": self.phone, "email": self.email}
        return {**self.ids(), **{key: value for key, value in known.items() if value is not None}}


@dataclass(frozen=True, slots=True)
class Status:
    """A delivery status as it was reported; `field` is the name under which it came."""

    code: int
    error_code: int | None
    error: str | None
    field: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Lead:
    """The incoming lead that a client's first message made."""

    id: int
    contact_id: int
    conversation_id: str | None
    source: str | None
    name: str
    phone: str | None


@dataclass(slots=True, eq=False)
class Conversation:
    """A chat: `id` is Kommo's, `client_id` the integration's (absent for Write First).

    `notified` holds the messages that managers were told of, and that Salesbot answers;
    `window_from` is the moment, in milliseconds, from which the channel's time window runs.
    """

    id: str
    client_id: str | None
    client: Person
    source: str | None = None
    lead: Lead | None = None
    contact_id: int | None = None
    messages: list["Message"] = field(default_factory=list, repr=False)
    notified: list["Message"] = field(default_factory=list, repr=False)
    window_from: int | None = None


@dataclass(slots=True, eq=False)
class Message:
    """A message as Kommo shows it; `msgid` is the integration's id of it.

    `extra` holds what only hooks carry: markup and template.
    """

    id: str
    msgid: str | None
    conversation: Conversation
    sender: Person
    receiver: Person | None
    timestamp: int
    msec_timestamp: int
    content: Mapping[str, Any]
    is_from_kommo: bool = False
    is_silent: bool = False
    is_edited: bool = False
    source: str | None = None
    reply_to: Json | None = None
    forwards: Json | None = None
    extra: Json = field(default_factory=dict)
    statuses: list[Status] = field(default_factory=list)
    reactions: dict[str, str] = field(default_factory=dict)

    @property
    def is_incoming(self) -> bool:
        """Whether the client wrote it."""
        return self.receiver is None

    @property
    def type(self) -> str:
        """Its type, such as text or picture."""
        return str(self.content["type"])

    @property
    def text(self) -> str:
        """Its text or caption."""
        return str(self.content.get("text") or "")


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of a message that the integration asked for."""

    message: Message
    payload: Json


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction that the integration reported; `emoji` is None when it was taken back."""

    message: Message
    person: Person
    emoji: str | None


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call that reached the Chats API and how it was answered."""

    name: str
    method: str
    path: str
    body: bytes
    status: int
    reason: str | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook that was posted, once; `status` is None when no answer came in time."""

    url: str
    sent: bytes
    status: int | None
    answer: bytes
    seconds: float
    error: str | None = None


class RefusedError(Exception):
    """A call that Kommo does not carry out.

    Args:
        status: of the answer.
        reason: in words; Kommo's own are not published.
        error_type: Kommo's name of the error. Reference: Kommo, HTTP codes.
    """

    def __init__(self, status: int, reason: str, error_type: str = "Error") -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.error_type = error_type


class InvalidError(RefusedError):
    """A row of a REST call that is not as documented. Reference: Kommo, Response codes.

    Args:
        row: its place in the array.
        code: Kommo's name of the mistake, such as `NotSupportedChoice`.
        field: what is wrong.
        detail: in words.
    """

    def __init__(self, row: int, code: str, field: str, detail: str) -> None:
        super().__init__(400, "Request validation failed")
        error = {"code": code, "path": f"{row}.{field}", "detail": detail}
        self.body = {"validation-errors": [{"request_id": str(row), "errors": [error]}]}


class NotFoundError(RefusedError):
    """A row of a REST call names what is not there. Reference: Kommo, Sources.

    Args:
        row: its place in the array.
        detail: in words.
    """

    def __init__(self, row: int, detail: str) -> None:
        super().__init__(400, "Invalid request items")
        error = {"code": "EntityNotFound", "path": "id", "detail": detail}
        self.body = {"errors": [{"request_id": str(row), "errors": error}]}
