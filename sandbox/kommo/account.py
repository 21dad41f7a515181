"""The account's data and the rules that hold for it, without any network."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import count
from uuid import uuid4

from sandbox.kommo.model import (
    Channel,
    Conversation,
    Edit,
    Habits,
    Json,
    Lead,
    Message,
    Person,
    Reaction,
    RefusedError,
)


class Account:
    """One Kommo account with one channel.

    Args:
        channel: the account's one.
        users: the people who answer in Kommo; the first one is the usual manager.
        habits: which repeated `msgid` and which name of a delivery status it takes.
        now: the clock.
    """

    # Over the limit of lines: a table of what an account has, one line each.
    def __init__(
        self,
        channel: Channel,
        *,
        users: Iterable[Person],
        habits: Habits,
        now: Callable[[], datetime],
    ) -> None:
        self.id = channel.account_id
        self.channel_bot = Person(channel.bot_id, "Channel bot")
        self.users = list(users)
        self.repeated_msgid = habits.repeated_msgid
        self.status_field: str = habits.status_field
        self.now = now
        self.tells_milliseconds = True
        """Whether a history's `msec_timestamp` says more than the second: it may be 0."""
        self.takes_old_status = True
        """Whether a message to a client may tell how far it got; only since February 2026."""
        self.is_connected = habits.is_connected
        self.is_enabled = True
        self.title = ""
        self.is_time_window_disabled = False
        self.conversations: list[Conversation] = []
        self.received: list[Message] = []
        self.edits: list[Edit] = []
        self.reactions: list[Reaction] = []
        self.typings: list[Json] = []
        self.leads: list[Lead] = []
        self.sources: list[Json] = []
        self.templates: list[Json] = []
        self.pipelines = [1300, 1301]
        self.has_widget = True
        self.contacts: dict[int, Json] = {}
        self.chat_links: dict[str, Json] = {}
        self.repeated = 0
        self._conversations: dict[str, Conversation] = {}
        self._people: dict[str, Person] = {}
        self._messages: dict[str, Message] = {}
        self._msgids: dict[str, Message] = {}
        self._numbers = count(9_000_001)
        self._last_msec = 0

    def number(self) -> int:
        """Return a number that nothing else of the account has."""
        return next(self._numbers)

    # people

    def user(self, user_id: str) -> Person | None:
        """Return the Kommo user, or the channel's bot, of this amojo id."""
        return next((one for one in (*self.users, self.channel_bot) if one.id == user_id), None)

    def client(self, wire: Json) -> Person:
        """Return the client of a `sender`, `receiver` or `user`, made or brought up to date."""
        person = self._people.get(wire["id"])
        if "ref_id" in wire:
            known = self.person(wire["ref_id"])
            if known is None:
                raise RefusedError(400, "sender: user not found")
            if person is not None and person is not known:
                raise RefusedError(400, "sender: ref_id belongs to another participant")
            person = known
        if person is None:
            person = Person(str(uuid4()), wire["name"])
        self._people[wire["id"]] = self._people[person.id] = person
        profile = wire.get("profile", {})
        person.client_id = wire["id"]
        person.name = wire["name"]
        person.avatar = wire.get("avatar", person.avatar)
        person.profile_link = wire.get("profile_link", person.profile_link)
        person.phone = profile.get("phone", person.phone)
        person.email = profile.get("email", person.email)
        return person

    def add_person(self, person: Person) -> Person:
        """Keep a participant that was born in Kommo."""
        self._people[person.id] = person
        return person

    def person(self, person_id: str) -> Person | None:
        """Return the client of either side's id."""
        return self._people.get(person_id)

    # conversations

    def conversation(self, conversation_id: str) -> Conversation | None:
        """Return the conversation of either side's id."""
        return self._conversations.get(conversation_id)

    def open_conversation(
        self, client_id: str, client: Person, *, kommo_id: str | None = None
    ) -> Conversation:
        """Return the conversation of the integration's id, made or bound where needed."""
        known = self._conversations.get(client_id)
        if kommo_id is not None:
            known = self._bound(client_id, known, kommo_id)
        if known is None:
            known = self.add_conversation(Conversation(str(uuid4()), client_id, client))
        return known

    def _bound(self, client_id: str, known: Conversation | None, kommo_id: str) -> Conversation:
        conversation = self._conversations.get(kommo_id)
        if conversation is None or conversation.id != kommo_id:
            raise RefusedError(400, "conversation_ref_id: conversation not found")
        is_taken = known is not None and known is not conversation
        if is_taken or conversation.client_id not in {None, client_id}:
            raise RefusedError(400, "conversation_ref_id: bound to another conversation_id")
        conversation.client_id = client_id
        self._conversations[client_id] = conversation
        return conversation

    def add_conversation(self, conversation: Conversation) -> Conversation:
        """Keep a new conversation."""
        self._conversations[conversation.id] = conversation
        if conversation.client_id is not None:
            self._conversations[conversation.client_id] = conversation
        self.conversations.append(conversation)
        return conversation

    # messages

    def message(self, message_id: str) -> Message | None:
        """Return the message of either side's id."""
        return self._messages.get(message_id) or self._msgids.get(message_id)

    def kommo_message(self, message_id: str) -> Message | None:
        """Return the message of Kommo's own id."""
        return self._messages.get(message_id)

    def msgid_message(self, msgid: str) -> Message | None:
        """Return the message of the integration's id."""
        return self._msgids.get(msgid)

    def add_message(self, message: Message) -> Message:
        """Keep a message; one that is not silent tells managers, and makes the lead.

        Reference: Kommo, Send or import messages (`silent`).
        """
        self._messages[message.id] = message
        if message.msgid is not None:
            self._msgids[message.msgid] = message
        message.conversation.messages.append(message)
        if message.is_incoming and not message.is_silent:
            message.conversation.notified.append(message)
            message.conversation.window_from = message.msec_timestamp
            self._make_lead(message)
        return message

    def bind(self, message: Message, msgid: str) -> None:
        """Store the integration's id of a message, instead of the one it had."""
        if self._msgids.get(msgid, message) is not message:
            raise RefusedError(400, "msgid: belongs to another message")
        if message.msgid is not None:
            self._msgids.pop(message.msgid, None)
        message.msgid = msgid
        self._msgids[msgid] = message

    def moment(self) -> tuple[int, int]:
        """Return seconds and milliseconds of now; the milliseconds always rise."""
        msec = int(self.now().timestamp() * 1000)
        self._last_msec = max(self._last_msec + 1, msec)
        return self._last_msec // 1000, self._last_msec

    def all_messages(self) -> Iterator[Message]:
        """Return every message, in the order in which they came to be."""
        return iter(self._messages.values())

    def _make_lead(self, message: Message) -> None:
        conversation = message.conversation
        if conversation.lead is not None or conversation.contact_id is not None:
            return
        lead = Lead(
            id=next(self._numbers),
            contact_id=next(self._numbers),
            conversation_id=conversation.client_id,
            source=conversation.source,
            name=message.sender.name,
            phone=message.sender.phone,
        )
        conversation.lead = lead
        conversation.contact_id = lead.contact_id
        self.leads.append(lead)
