"""The sandbox's Kommo as a test, a demo or a person sees it."""

from sandbox.kommo.account import Account
from sandbox.kommo.contacts import new_contact
from sandbox.kommo.hooks import Hooks
from sandbox.kommo.manager import Manager
from sandbox.kommo.media import MediaHost
from sandbox.kommo.model import (
    ApiCall,
    Conversation,
    Edit,
    Hook,
    Json,
    Lead,
    Message,
    Reaction,
)


# Over the limit of methods: what a test may ask or set, each in one line.
class KommoResults:
    """What arrived and what became of it; the server adds the network to it."""

    def __init__(self, account: Account, hooks: Hooks, media: MediaHost) -> None:
        self.account = account
        self.manager = Manager(account, hooks, media)
        self.manager_says = self.manager.says
        self.manager_sends = self.manager.sends
        self.manager_types = self.manager.types
        self.manager_reacts = self.manager.reacts
        self.write_first = self.manager.writes_first
        self.post_hook = hooks.post
        self._hooks = hooks
        self._media = media
        self._calls: list[ApiCall] = []

    def add_contact(self, name: str, *phones: str) -> int:
        """Make a contact as somebody in Kommo types it; return its number."""
        return new_contact(self.account, name, *phones)

    def contact_of(self, conversation_id: str) -> int | None:
        """Return the contact that a conversation of either side's id was linked to."""
        conversation = self.account.conversation(conversation_id)
        link = self.account.chat_links.get(conversation.id) if conversation else None
        return None if link is None else int(link["contact_id"])

    @property
    def hook_url(self) -> str | None:
        """Where hooks go."""
        return self._hooks.url

    @hook_url.setter
    def hook_url(self, url: str | None) -> None:
        self._hooks.url = url

    @property
    def absent_keys(self) -> bool:
        """Whether hooks leave empty keys out."""
        return self._hooks.absent_keys

    @absent_keys.setter
    def absent_keys(self, value: bool) -> None:
        self._hooks.absent_keys = value

    @property
    def is_connected(self) -> bool:
        """Whether the account has connected the channel."""
        return self.account.is_connected

    @property
    def is_enabled(self) -> bool:
        """Whether the integration is switched on; switching it off cuts the channel off.

        Reference: Kommo, Connect a channel to an account.
        """
        return self.account.is_enabled

    @is_enabled.setter
    def is_enabled(self, value: bool) -> None:
        self.account.is_enabled = value
        self.account.is_connected = self.account.is_connected and value

    @property
    def hooks(self) -> list[Hook]:
        """Every hook that was posted, with what was answered."""
        return self._hooks.posted

    @property
    def received(self) -> list[Message]:
        """What the integration sent, in order of arrival."""
        return self.account.received

    @property
    def conversations(self) -> dict[str, Conversation]:
        """All conversations by the integration's id (by Kommo's where it has none)."""
        return {one.client_id or one.id: one for one in self.account.conversations}

    @property
    def leads(self) -> list[Lead]:
        """The leads that first messages made."""
        return self.account.leads

    @property
    def edits(self) -> list[Edit]:
        """The changes that the integration asked for."""
        return self.account.edits

    @property
    def reactions(self) -> list[Reaction]:
        """The reactions that the integration reported."""
        return self.account.reactions

    @property
    def typings(self) -> list[Json]:
        """The bodies of the typing calls."""
        return self.account.typings

    @property
    def repeated(self) -> int:
        """How often a known `msgid` came again."""
        return self.account.repeated

    @property
    def rejected(self) -> list[ApiCall]:
        """The calls that were refused, with the reason."""
        return [call for call in self._calls if call.reason is not None]

    def calls(self, name: str | None = None) -> list[ApiCall]:
        """Return the calls that arrived: connect, send, delivery_status, typing, history."""
        return [call for call in self._calls if name in {None, call.name}]

    def messages_in(self, conversation_id: str) -> list[Message]:
        """Return the messages of a conversation of either side's id, as Kommo shows them."""
        found = self.account.conversation(conversation_id)
        return sorted(found.messages, key=lambda one: one.msec_timestamp) if found else []

    def texts_in(self, conversation_id: str) -> list[str]:
        """Return the texts of a conversation, as Kommo shows them."""
        return [message.text for message in self.messages_in(conversation_id)]

    def statuses_of(self, message_id: str) -> list[int]:
        """Return the delivery statuses of a message, in the order in which they came."""
        return [status.code for status in self.manager.message(message_id).statuses]

    def add_attachment(self, content: bytes | int, name: str) -> str:
        """Put a file (or a generated one of this size) on Kommo's host; returns its link."""
        return self._media.add(content, name)

    def attachment(self, url: str) -> bytes | None:
        """Return the file behind a link of Kommo's host; nothing when there is none."""
        return self._media.content(url)

    def remove_attachment(self, url: str) -> None:
        """Take a file off Kommo's host."""
        self._media.remove(url)
