"""People's actions in Telegram: write, send, edit, press, react, block."""

from typing import Any

from sandbox.telegram.model import Bot, BusinessConnection, Chat, Json
from sandbox.telegram.sending import without_reply
from sandbox.telegram.threads import in_topic
from sandbox.telegram.updates import add_update, queue
from sandbox.telegram.world import ANN, World

ALL_RIGHTS = ("can_reply", "can_read_messages", "can_delete_sent_messages")


# Over the limit of methods: one for each thing that people do in Telegram.
class People(World):
    """What clients, and owners of business accounts, can do.

    Most take ``chat_id`` (who does it; Ann by default), ``bot`` (to which bot, the first by
    default) and ``connection`` (in the chat with a business account instead of the bot's own).
    """

    def client_says(self, text: str, **how: Any) -> int:
        """Let somebody write a text; return the message's id. See `client_sends`."""
        return self.client_sends({"text": text}, **how)

    def client_starts(self, payload: str = "", **how: Any) -> int:
        """Let somebody press Start, with the payload of a deep link."""
        text = f"/start {payload}".strip()
        entities = [{"type": "bot_command", "offset": 0, "length": len("/start")}]
        return self.client_sends({"text": text, "entities": entities}, **how)

    def client_shares_phone(self, phone: str, *, chat_id: int = ANN, **how: Any) -> int:
        """Let somebody share their own number, as the button of a keyboard asks for it.

        Reference: Bot API, KeyboardButton (`request_contact`); Contact.
        """
        name = self.add_person(chat_id).user()["first_name"]
        contact = {"phone_number": phone, "first_name": name, "user_id": chat_id}
        return self.client_sends({"contact": contact}, chat_id=chat_id, **how)

    # Over the limit of arguments: a test names the two or three that it means, by keyword.
    def client_sends(
        self,
        content: Json,
        *,
        chat_id: int = ANN,
        bot: int | None = None,
        name: str | None = None,
        username: str | None = None,
        reply_to: int | None = None,
        date: int | None = None,
        sender: int | None = None,
        connection: str | None = None,
        topic: int | None = None,
    ) -> int:
        """Let somebody send anything; return the message's id.

        The content are fields of a Bot API `Message`; they replace what is made up here. In a
        group, whose id is then the chat_id, the sender is who writes. The date is in Unix seconds.
        The topic is one of `opens_topic`.
        """
        account = self.bot(bot)
        if chat_id > 0:
            self.add_person(chat_id, name, username)
        author = self.peers[chat_id] if sender is None else self.add_person(sender, name, username)
        chat = self._chat(account, chat_id, connection)
        message: Json = {"message_id": chat.next_id(), "from": author.user()}
        message |= {"chat": chat.peer.chat(), "date": int(self.now() if date is None else date)}
        if reply_to is not None:
            message["reply_to_message"] = without_reply(chat.messages[reply_to])
        chat.last_incoming_at = self.now()
        return self._show(account, chat, {**message, **in_topic(topic), **content}, connection)

    def set_avatar(self, content: bytes, *, chat_id: int) -> None:
        """Give somebody a picture."""
        self.add_person(chat_id).avatar = self.add_file(content, "avatar.jpg")

    def client_edits(
        self,
        message_id: int,
        text: str,
        *,
        chat_id: int = ANN,
        bot: int | None = None,
        connection: str | None = None,
    ) -> None:
        """Let somebody change a text or a caption."""
        account = self.bot(bot)
        messages = self._chat(account, chat_id, connection).messages
        field = "text" if "text" in messages[message_id] else "caption"
        messages[message_id] |= {field: text, "edit_date": int(self.now())}
        kind = "edited_business_message" if connection else "edited_message"
        add_update(account, kind, dict(messages[message_id]))

    def client_presses(
        self,
        message_id: int,
        button: str,
        *,
        chat_id: int = ANN,
        bot: int | None = None,
        connection: str | None = None,
    ) -> str:
        """Let somebody press a button by its text.

        Returns:
            The id of the callback query; for a button of the reply keyboard, which only writes
            its text, the id of the message.
        """
        account = self.bot(bot)
        chat = self._chat(account, chat_id, connection)
        keyboard = chat.keyboards[message_id]
        pressed = _button(keyboard, button)
        if pressed.get("request_contact"):
            raise LookupError(f"{button!r} shares the number: see client_shares_phone")
        if "keyboard" in keyboard:
            return str(self.client_says(pressed["text"], chat_id=chat_id, bot=bot))
        callback_id = f"callback{self.number()}"
        callback = {
            "id": callback_id,
            "from": chat.peer.user(),
            "message": dict(chat.messages[message_id]),
            "chat_instance": f"instance{chat_id}",
            "data": pressed["callback_data"],
        }
        self.callbacks[callback_id] = None
        add_update(account, "callback_query", callback)
        return callback_id

    def client_reacts(
        self, message_id: int, emoji: str | None, *, chat_id: int = ANN, bot: int | None = None
    ) -> None:
        """Let somebody react to a message, or take the reaction back."""
        account = self.bot(bot)
        chat = self._chat(account, chat_id)
        new = [{"type": "emoji", "emoji": emoji}] if emoji else []
        reaction = {
            "chat": chat.peer.chat(),
            "message_id": message_id,
            "user": chat.peer.user(),
            "date": int(self.now()),
            "old_reaction": chat.client_reactions.get(message_id, []),
            "new_reaction": new,
        }
        chat.client_reactions[message_id] = new
        add_update(account, "message_reaction", reaction)

    def client_deletes(
        self, *message_ids: int, connection: str, chat_id: int = ANN, bot: int | None = None
    ) -> None:
        """Let somebody delete messages of a chat with a business account.

        In a chat with the bot itself nobody would hear of it.
        """
        account = self.bot(bot)
        chat = self._chat(account, chat_id, connection)
        for message_id in message_ids:
            chat.messages.pop(message_id, None)
        deleted = {
            "business_connection_id": connection,
            "chat": chat.peer.chat(),
            "message_ids": list(message_ids),
        }
        add_update(account, "deleted_business_messages", deleted)

    def client_blocks(self, chat_id: int = ANN, *, bot: int | None = None) -> None:
        """Let somebody block the bot, or put it out of a group."""
        account = self.bot(bot)
        self._chat(account, chat_id).peer.blocked.add(account.id)
        self._change_membership(account, chat_id, "member", "kicked")

    def client_unblocks(self, chat_id: int = ANN, *, bot: int | None = None) -> None:
        """Let somebody unblock the bot."""
        account = self.bot(bot)
        self._chat(account, chat_id).peer.blocked.discard(account.id)
        self._change_membership(account, chat_id, "kicked", "member")

    def client_leaves(self, chat_id: int = ANN) -> None:
        """Let somebody delete their account: nothing tells the bot, until it writes."""
        self.peers[chat_id].is_deactivated = True

    def group_becomes_supergroup(self, old: int, new: int, *, bot: int | None = None) -> None:
        """Let a group's owner make it a supergroup, which has another id; both chats are told.

        Reference: Bot API, Message (`migrate_to_chat_id`, `migrate_from_chat_id`).
        """
        group = self.peers[old]
        self.add_group(new, group.name, bot=bot)
        for chat_id, moved in (
            (old, {"migrate_to_chat_id": new}),
            (new, {"migrate_from_chat_id": old}),
        ):
            self.client_sends(moved, chat_id=chat_id, bot=bot)
        group.migrated_to = new

    def owner_connects(
        self,
        owner_id: int,
        *,
        name: str = "Owner",
        bot: int | None = None,
        rights: tuple[str, ...] = ALL_RIGHTS,
    ) -> str:
        """Let a business account connect the bot; return the connection's id."""
        account, owner = self.bot(bot), self.add_person(owner_id, name)
        connection_id = f"connection{self.number()}"
        given = dict.fromkeys(rights, True)
        connection = BusinessConnection(connection_id, owner, int(self.now()), given)
        self.connections[connection_id] = connection
        add_update(account, "business_connection", connection.content())
        return connection_id

    def owner_changes_rights(
        self, connection: str, *, bot: int | None = None, **rights: bool
    ) -> None:
        """Let a business account give rights, or take them."""
        known = self.connections[connection]
        known.rights = {right: True for right, given in (known.rights | rights).items() if given}
        add_update(self.bot(bot), "business_connection", known.content())

    def owner_disconnects(self, connection: str, *, bot: int | None = None) -> None:
        """Let a business account end the connection."""
        self.connections[connection].is_enabled = False
        content = self.connections[connection].content()
        add_update(self.bot(bot), "business_connection", content)

    def owner_says(
        self, text: str, *, connection: str, to: int = ANN, bot: int | None = None
    ) -> int:
        """Let the owner of a business account write from their own device."""
        return self.owner_sends({"text": text}, connection=connection, to=to, bot=bot)

    def owner_sends(
        self, content: Json, *, connection: str, to: int = ANN, bot: int | None = None
    ) -> int:
        """Let the owner of a business account send anything. See `client_sends`."""
        account = self.bot(bot)
        chat = self._chat(account, to, connection)
        message: Json = {
            "message_id": chat.next_id(),
            "from": self.connections[connection].owner.user(),
            "chat": chat.peer.chat(),
            "date": int(self.now()),
            **content,
        }
        return self._show(account, chat, message, connection)

    def push(self, update: Json, *, bot: int | None = None) -> int:
        """Queue an update as it is, however broken; return its id."""
        account = self.bot(bot)
        self.show_files(account, update)
        return queue(account, update)

    def _chat(self, bot: Bot, chat_id: int, connection: str | None = None) -> Chat:
        self.peers.get(chat_id) or self.add_person(chat_id)
        owner_id = self.connections[connection].owner.id if connection else 0
        return self.chat(bot.id, chat_id, owner_id)

    def _show(self, bot: Bot, chat: Chat, message: Json, connection: str | None) -> int:
        """Put a message into a chat and tell the bot of it."""
        if connection:
            message["business_connection_id"] = connection
        self.show_files(bot, message)
        message_id: int = message["message_id"]
        chat.messages[message_id] = message
        chat.written_at[message_id] = self.now()
        add_update(bot, "business_message" if connection else "message", dict(message))
        return message_id

    def _change_membership(self, bot: Bot, chat_id: int, old: str, new: str) -> None:
        peer = self.peers[chat_id]

        def member(status: str) -> Json:
            until = {"until_date": 0} if status == "kicked" else {}
            return {"status": status, "user": bot.user(), **until}

        change = {
            "chat": peer.chat(),
            "from": peer.user(),
            "date": int(self.now()),
            "old_chat_member": member(old),
            "new_chat_member": member(new),
        }
        add_update(bot, "my_chat_member", change)


def _button(keyboard: Json, text: str) -> Json:
    """The button with a text; says which there are if there is none that can be pressed."""
    rows = keyboard.get("inline_keyboard") or keyboard.get("keyboard") or []
    buttons: list[Json] = [button for row in rows for button in row]
    for button in buttons:
        if button["text"] == text and ("callback_data" in button or "keyboard" in keyboard):
            return button
    raise LookupError(f"no button {text!r} to press among {[b['text'] for b in buttons]}")
