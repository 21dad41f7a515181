"""Everything the sandbox's Telegram knows, and how to find it."""

import itertools
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from sandbox.telegram.files import Spool, StoredFile, media_content
from sandbox.telegram.model import (
    DAY_S,
    ApiCall,
    Bot,
    BusinessConnection,
    Chat,
    Json,
    Peer,
    SentMessage,
    bad_request,
    forbidden,
)

UPLOAD_LIMIT_BYTES: Final = 50 * 2**20  # Reference: Bot API, sendDocument
LOCAL_UPLOAD_LIMIT_BYTES: Final = 2000 * 2**20  # Reference: Bot API, Using a local server
ANN: Final = 555


class World:
    """Bots, people, chats, files.

    Args:
        local_folder: where files lie for a server that behaves like a local Bot API server.
        now: the time, in Unix seconds.
    """

    def __init__(
        self, *, local_folder: Path | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.now = now
        self.local_folder = local_folder
        self.keeps_names = False
        """Whether files are downloaded by the names they were sent under."""

        self.bots: dict[int, Bot] = {}
        self.peers: dict[int, Peer] = {}
        self.chats: dict[tuple[int, int, int], Chat] = {}
        self.connections: dict[str, BusinessConnection] = {}
        self.files: dict[str, StoredFile] = {}
        self.owners: dict[str, set[int]] = {}
        self.paths: dict[str, str] = {}
        self.sent: list[SentMessage] = []
        self.call_log: list[ApiCall] = []
        self.chat_actions: list[tuple[int, str]] = []
        self.read: list[tuple[int, int]] = []
        self.callbacks: dict[str, str | None] = {}
        self._numbers = itertools.count(1)
        self._folder: TemporaryDirectory[str] | None = None

    @property
    def upload_limit_bytes(self) -> int:
        """How large a file a bot may send."""
        return UPLOAD_LIMIT_BYTES if self.local_folder is None else LOCAL_UPLOAD_LIMIT_BYTES

    def number(self) -> int:
        """A number that was not used before."""
        return next(self._numbers)

    def bot(self, bot_id: int | None = None) -> Bot:
        """A bot; the first one if not named."""
        return self.bots[bot_id] if bot_id else next(iter(self.bots.values()))

    def add_person(
        self, chat_id: int = ANN, name: str | None = None, username: str | None = None
    ) -> Peer:
        """Somebody with a Telegram account, who need not have written to any bot."""
        peer = self.peers.setdefault(chat_id, Peer(chat_id, name or "Ann", username))
        peer.name, peer.username = name or peer.name, username or peer.username
        return peer

    def add_group(self, chat_id: int, title: str = "Group", *, bot: int | None = None) -> Peer:
        """A group that a bot is a member of; its id is negative."""
        group = self.peers.setdefault(chat_id, Peer(chat_id, title))
        group.kind = "supergroup" if str(chat_id).startswith("-100") else "group"
        self.chat(self.bot(bot).id, chat_id)
        return group

    def chat(self, bot_id: int, chat_id: int, owner_id: int = 0) -> Chat:
        """A chat, which begins now if it has not."""
        key = (bot_id, owner_id, chat_id)
        if key not in self.chats:
            self.chats[key] = Chat(bot_id, self.peers[chat_id], owner_id)
        return self.chats[key]

    def add_file(
        self, content: bytes | int, name: str = "file.bin", *, bot: int | None = None
    ) -> str:
        """Keep a file, or one of so many made-up bytes; return its file_id."""
        size, source = (content, None) if isinstance(content, int) else (len(content), content)
        return self.keep(StoredFile(name, size, source), bot)

    def keep(self, file: StoredFile, bot_id: int | None = None) -> str:
        """Keep a file; return its file_id, which is the bot's own once a bot has seen it."""
        file_id = f"FILE{self.number()}"
        self.files[file_id] = file
        self.owners[file_id] = {bot_id} if bot_id else set()
        return file_id

    def file(self, bot: Bot, file_id: str) -> StoredFile | None:
        """What a file_id means to a bot: ids of other bots mean nothing."""
        file_id = file_id if file_id in self.files else file_id.removesuffix("s")
        owners = self.owners.get(file_id)
        if owners and bot.id not in owners:
            return None
        return self.files.get(file_id)

    def show_files(self, bot: Bot, content: Any) -> None:
        """Let a bot know the files named in something that it is told."""
        if isinstance(content, dict):
            if (file_id := content.get("file_id")) in self.owners:
                self.owners[file_id].add(bot.id)
            for value in content.values():
                self.show_files(bot, value)
        elif isinstance(content, list):
            for value in content:
                self.show_files(bot, value)

    def media(self, kind: str, file_id: str, **extra: Any) -> Json:
        """Fields of a message that shows a file, to be sent with `client_sends`."""
        return {**media_content(kind, file_id, self.files[file_id]), **extra}

    def spool(self, name: str) -> Spool:
        """What takes a file that is being uploaded."""
        if self._folder is None:
            self._folder = TemporaryDirectory(prefix="sandbox-telegram-")
        path = Path(self._folder.name) / f"upload{self.number()}"
        return Spool(name, path, limit_bytes=self.upload_limit_bytes)

    def remove_uploads(self) -> None:
        """Remove what uploads left on disk."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def receiver(self, call: ApiCall, *, is_for_sending: bool = True) -> Chat:
        """The chat a call is about, or the refusal that Telegram words."""
        if not call.text("chat_id"):
            raise bad_request("chat_id is empty")
        chat_id = call.text("chat_id").lstrip("-")
        peer = self.peers.get(call.integer("chat_id")) if chat_id.isdigit() else None
        if peer is None:
            raise bad_request("chat not found")
        if call.text("business_connection_id"):
            return self._business_chat(call, peer)
        if is_for_sending:
            _check_reachable(call.bot, peer)
        chat = self.chats.get((call.bot.id, 0, peer.id))
        if chat is None:
            raise forbidden("bot can't initiate conversation with a user")
        return chat

    def _business_chat(self, call: ApiCall, peer: Peer) -> Chat:
        """A chat of the account that the bot answers for.

        Reference: Bot API, BusinessConnection and BusinessBotRights.
        """
        connection = self.connections.get(call.text("business_connection_id"))
        if connection is None:
            raise bad_request("business connection not found")
        if not connection.is_enabled or not connection.rights.get("can_reply"):
            raise bad_request("BUSINESS_CONNECTION_INVALID")
        chat = self.chats.get((call.bot.id, connection.owner.id, peer.id))
        if chat is None:
            raise bad_request("BUSINESS_PEER_INVALID")
        if chat.last_incoming_at is None or self.now() - chat.last_incoming_at > DAY_S:
            raise bad_request("BUSINESS_PEER_USAGE_MISSING")
        return chat


def _check_reachable(bot: Bot, peer: Peer) -> None:
    if peer.migrated_to is not None:
        raise _migrated(peer.migrated_to)
    if peer.is_deactivated:
        raise forbidden("user is deactivated")
    if bot.id in peer.blocked:
        group = peer.kind != "private"
        raise forbidden(
            f"bot was kicked from the {peer.kind} chat" if group else "bot was blocked by the user"
        )


def _migrated(to: int) -> Exception:
    error = bad_request("group chat was upgraded to a supergroup chat")
    error.parameters = {"migrate_to_chat_id": to}
    return error
