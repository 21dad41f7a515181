"""What people do in Telegram: write, send, edit, press, react, block."""

import hashlib
import itertools
import time
from typing import Any

from sandbox.telegram_model import Bot, Chat, Person, SentMessage, Upload
from sandbox.telegram_updates import add_update

ANN = 555


class People:
    """The people's side of the server."""

    bots: dict[int, Bot]

    def __init__(self) -> None:
        self.people: dict[int, Person] = {}
        self.chats: dict[tuple[int, int], Chat] = {}
        self.sent: list[SentMessage] = []
        self.files: dict[str, Upload] = {}
        self.avatars: dict[int, str] = {}
        self.actions: list[tuple[int, str]] = []
        self._numbers = itertools.count(1)
        self._reactions: dict[tuple[int, int, int], list[dict[str, str]]] = {}

    def bot(self, bot_id: int | None = None) -> Bot:
        """Return a bot; the first one if not named."""
        return self.bots[bot_id] if bot_id else next(iter(self.bots.values()))

    def person(self, chat_id: int, name: str = "Ann", username: str | None = None) -> Person:
        """Return somebody, who joins Telegram when not there yet."""
        return self.people.setdefault(chat_id, Person(chat_id, name, username))

    def chat(self, bot_id: int, chat_id: int) -> Chat:
        """Return what was said between a person and a bot."""
        return self.chats.setdefault((bot_id, chat_id), Chat())

    def add_file(self, content: bytes, name: str = "file.bin", *, size: int | None = None) -> str:
        """Keep a file; return its file_id. A larger `size` is made of zero bytes as it is read."""
        file_id = f"FILE{next(self._numbers)}"
        digest = hashlib.sha256(content).hexdigest()
        self.files[file_id] = Upload(name, len(content) if size is None else size, digest, content)
        return file_id

    def client_says(self, text: str, *, chat_id: int = ANN, **how: Any) -> int:
        """Let somebody write a text; return the message's id. See `client_sends`."""
        return self.client_sends({"text": text}, chat_id=chat_id, **how)

    def client_sends(
        self,
        content: dict[str, Any],
        *,
        chat_id: int = ANN,
        bot: int | None = None,
        name: str = "Ann",
        username: str | None = None,
        reply_to: int | None = None,
        date: int | None = None,
    ) -> int:
        """Let somebody send anything: the fields of a Bot API `Message`; return the message's id."""
        account = self.bot(bot)
        person = self.person(chat_id, name, username)
        chat = self.chat(account.id, chat_id)
        message_id = next(chat.message_ids)
        message: dict[str, Any] = {
            "message_id": message_id,
            "date": date if date is not None else int(time.time()),
            "chat": person.chat(),
            "from": person.user(),
            **content,
        }
        if reply_to is not None:
            replied = chat.messages[reply_to]
            message["reply_to_message"] = {
                key: value
                for key, value in replied.items()
                if key not in {"reply_to_message", "bot_reaction"}
            }
        chat.messages[message_id] = message
        add_update(account, "message", message)
        return message_id

    def client_starts(self, payload: str = "", **how: Any) -> int:
        """Let somebody press Start, with the payload of a deep link."""
        text = f"/start {payload}".strip()
        entities = [{"type": "bot_command", "offset": 0, "length": 6}]
        return self.client_sends({"text": text, "entities": entities}, **how)

    def client_edits(
        self, message_id: int, text: str, *, chat_id: int = ANN, bot: int | None = None
    ) -> None:
        """Let somebody change a text or a caption."""
        account = self.bot(bot)
        message = self.chat(account.id, chat_id).messages[message_id]
        message["text" if "text" in message else "caption"] = text
        message["edit_date"] = int(time.time())
        add_update(account, "edited_message", message)

    def client_presses(
        self, message_id: int, button: str, *, chat_id: int = ANN, bot: int | None = None
    ) -> str:
        """Let somebody press an inline button by its text; return the callback's id."""
        account = self.bot(bot)
        message = self.chat(account.id, chat_id).messages[message_id]
        rows = message["reply_markup"]["inline_keyboard"]
        found = next(entry for row in rows for entry in row if entry["text"] == button)
        callback_id = f"callback{next(self._numbers)}"
        callback = {
            "id": callback_id,
            "from": self.person(chat_id).user(),
            "message": message,
            "chat_instance": f"instance{chat_id}",
            "data": found["callback_data"],
        }
        add_update(account, "callback_query", callback)
        return callback_id

    def client_reacts(
        self, message_id: int, emoji: str | None, *, chat_id: int = ANN, bot: int | None = None
    ) -> None:
        """Let somebody react to a message, or take the reaction back."""
        account = self.bot(bot)
        message = self.chat(account.id, chat_id).messages[message_id]
        new = [{"type": "emoji", "emoji": emoji}] if emoji else []
        old = self._reactions.get((account.id, chat_id, message_id), [])
        self._reactions[account.id, chat_id, message_id] = new
        reaction = {
            "chat": self.person(chat_id).chat(),
            "message_id": message_id,
            "user": self.person(chat_id).user(),
            "date": int(time.time()),
            "old_reaction": old,
            "new_reaction": new,
        }
        add_update(account, "message_reaction", reaction)

    def client_blocks(self, chat_id: int = ANN, *, bot: int | None = None) -> None:
        """Let somebody block the bot."""
        self._change_membership(chat_id, bot, has_blocked=True)

    def client_unblocks(self, chat_id: int = ANN, *, bot: int | None = None) -> None:
        """Let somebody unblock the bot."""
        self._change_membership(chat_id, bot, has_blocked=False)

    def push(self, update: dict[str, Any], *, bot: int | None = None) -> int:
        """Queue an update as it is, however broken; return its id."""
        account = self.bot(bot)
        update_id = next(account.update_ids)
        account.updates.append({"update_id": update_id, **update})
        account.arrived.set()
        return update_id

    def _change_membership(self, chat_id: int, bot: int | None, *, has_blocked: bool) -> None:
        account, person = self.bot(bot), self.person(chat_id)
        person.has_blocked = has_blocked
        member = {"status": "member", "user": account.user()}
        kicked = {"status": "kicked", "user": account.user(), "until_date": 0}
        change = {
            "chat": person.chat(),
            "from": person.user(),
            "date": int(time.time()),
            "old_chat_member": member if has_blocked else kicked,
            "new_chat_member": kicked if has_blocked else member,
        }
        add_update(account, "my_chat_member", change)
