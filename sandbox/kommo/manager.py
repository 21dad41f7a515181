"""A manager's actions in Kommo: write, type, react, write first."""

from typing import Any
from uuid import uuid4

from sandbox.kommo.account import Account
from sandbox.kommo.hooks import Hooks, quote, reaction_hook, typing_hook
from sandbox.kommo.media import MediaHost
from sandbox.kommo.model import Conversation, Hook, Json, Message, Person

HISTORY_ONLY = ("thumbnail", "media_group_id", "location", "contact")


class Manager:
    """The manager's side of the account.

    Every `to` is a conversation's id of either side; None is the one that was last active.
    With ``hook=False`` the webhook is lost: Kommo knows of it, the integration does not.
    """

    def __init__(self, account: Account, hooks: Hooks, media: MediaHost) -> None:
        self._account = account
        self._hooks = hooks
        self._media = media

    async def says(self, text: str, *, to: str | None = None, **options: Any) -> str:
        """Write a text; returns Kommo's id of the message."""
        return await self.sends(text=text, to=to, **options)

    # Over the limit of arguments: a test names the two or three that it means, by keyword.
    async def sends(
        self,
        *,
        type: str = "text",  # noqa: A002 - Kommo's word
        text: str = "",
        media: str = "",
        file_name: str | None = None,
        file_size: int | None = None,
        markup: Json | None = None,
        template: Json | None = None,
        reply_to: str | Json | None = None,
        forwards: str | Json | None = None,
        to: str | None = None,
        sender: Person | None = None,
        hook: bool = True,
        **content: Any,
    ) -> str:
        """Send any message; returns Kommo's id of it.

        Args:
            type: one of Kommo's types, or any other.
            text: of the message, or its caption.
            media: where the file is; name and size are known for `add_attachment`'s links.
            file_name: instead of the known one.
            file_size: in bytes, instead of the known one.
            markup: `mode` and `buttons`, or `list_message`.
            template: the template that the text was made from.
            reply_to: the quoted message's id of either side, or the whole object.
            forwards: the forwarded message's id of either side, or the whole object.
            to: the conversation.
            sender: who writes; the first user when None.
            hook: False loses the hook.
            content: more of the message: thumbnail, media_group_id, location, contact…
        """
        conversation = self.conversation(to)
        name, size = self._media.name_and_size(media)
        shown = {
            "type": type,
            "text": text,
            "media": media,
            "file_name": name if file_name is None else file_name,
            "file_size": size if file_size is None else file_size,
            **{key: content.pop(key) for key in HISTORY_ONLY if key in content},
        }
        extra = {"markup": markup, "template": template, **content}
        message = self._new_message(conversation, shown, sender=sender)
        message.reply_to = (
            {"message": quote(self.message(reply_to))} if isinstance(reply_to, str) else reply_to
        )
        message.forwards = self._forwarded(forwards)
        message.extra = {key: value for key, value in extra.items() if value is not None}
        self._account.add_message(message)
        if hook:
            await self._post(self._hooks.message(self._account, message))
        return message.id

    async def tells_late(self, message_id: str) -> Hook | None:
        """Post the hook of a message that was sent with `hook=False`, or post it once more."""
        return await self._post(self._hooks.message(self._account, self.message(message_id)))

    async def types(self, *, to: str | None = None, user: Person | None = None) -> Hook | None:
        """Start typing; returns the hook that told of it."""
        body = typing_hook(self._account, self.conversation(to), user or self._account.users[0])
        return await self._post(body)

    async def reacts(
        self,
        message: str,
        emoji: str | None,
        *,
        user: Person | None = None,
        old_form: bool = False,
        hook: bool = True,
    ) -> Hook | None:
        """React to a message of either side's id, or take it back with None."""
        who, what = user or self._account.users[0], self.message(message)
        if emoji is None:
            what.reactions.pop(who.id, None)
        else:
            what.reactions[who.id] = emoji
        body = reaction_hook(self._account, what, who, emoji, old_form=old_form)
        return await self._post(body) if hook else None

    async def writes_first(
        self, phone: str, text: str, *, source: str | None = None, name: str = "", **options: Any
    ) -> str:
        """Write to a phone number that has no chat yet; returns Kommo's id of the message.

        Reference: Kommo, Chat capabilities (Write First).
        """
        known = (one for one in self._account.conversations if one.client_id is None)
        chat = next((one for one in known if one.client.phone == phone), None)
        if chat is None:
            person = self._account.add_person(Person(str(uuid4()), name, phone=phone))
            chat = Conversation(str(uuid4()), None, person, source)
            self._account.add_conversation(chat)
        return await self.says(text, to=chat.id, **options)

    def conversation(self, to: str | None) -> Conversation:
        """Return the conversation of either side's id.

        Raises:
            LookupError: there is none; a client writes first, or a manager by phone.
        """
        if to is not None:
            found = self._account.conversation(to)
        else:
            spoken = (one for one in self._account.conversations if one.messages)
            found = max(spoken, key=lambda one: one.messages[-1].msec_timestamp, default=None)
        if found is None:
            raise LookupError(f"no such conversation in Kommo: {to or 'nobody wrote yet'}")
        return found

    def message(self, message_id: str) -> Message:
        """Return the message of either side's id.

        Raises:
            LookupError: there is none.
        """
        found = self._account.message(message_id)
        if found is None:
            raise LookupError(f"no such message in Kommo: {message_id}")
        return found

    def _new_message(
        self, conversation: Conversation, content: Json, *, sender: Person | None
    ) -> Message:
        seconds, msec = self._account.moment()
        return Message(
            id=str(uuid4()),
            msgid=None,
            conversation=conversation,
            sender=sender or self._account.users[0],
            receiver=conversation.client,
            timestamp=seconds,
            msec_timestamp=msec,
            content=content,
            is_from_kommo=True,
            source=conversation.source,
        )

    def _forwarded(self, forwards: str | Json | None) -> Json | None:
        if not isinstance(forwards, str):
            return forwards
        message = self.message(forwards)
        return {"messages": [quote(message)], "conversation_ref_id": message.conversation.id}

    async def _post(self, body: Json) -> Hook | None:
        """Hooks stop when the channel is disconnected."""
        return await self._hooks.post(body) if self._account.is_connected else None
