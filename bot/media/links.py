"""Media links: signed public addresses under which the bridge serves a Telegram file (pure).

A link names the bot and the file, never the token; a key that is derived from the channel secret
signs it, so that none can be made up or extended. It looks like this:

    https://bridge.example.com/media/<what it is about, Base64>.<signature>/<file name>
"""

import base64
import binascii
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from bot.errors import BridgeError
from bot.translate.files import BotFile, TelegramFile

ROOT = "/media/"
PURPOSE = b"kommo-telegram media links"
"""Keeps the key apart from the secret's other uses."""

DAY_S = 24 * 3600

EXPORT = "export/"
"""Begins the name of a file that lies in an export; Telegram's ids hold no slash."""


class LinkError(BridgeError):
    """A media link that was not made here, or is past its time."""


@dataclass(frozen=True)
class MediaLink:
    """What a link says."""

    bot_id: int
    file_id: str
    name: str
    mime_type: str
    size: int | None
    is_sticker: bool
    expires_at: datetime
    chat_id: int | None = None
    body: str = ""

    @property
    def is_export(self) -> bool:
        """Tell whether the file lies in an export on this machine, and not with Telegram."""
        return self.file_id.startswith(EXPORT)

    @property
    def export_path(self) -> tuple[str, str]:
        """Return which export a file lies in, and its path there."""
        export_id, _, path = self.file_id.removeprefix(EXPORT).partition("/")
        return export_id, path


def exported(export_id: str, path: str) -> str:
    """Return what names a file of an export instead of Telegram's id."""
    return f"{EXPORT}{export_id}/{path}"


class MediaLinks:
    """Makes media links, and reads them back.

    Args:
        public_url: where the bridge is reached.
        secret: the channel secret.
        lifetime: how long a link is good, at least; a day's links share their end, so that a file
            has the same link all day.
        now: the clock.
    """

    def __init__(
        self, public_url: str, secret: str, *, lifetime: timedelta, now: Callable[[], datetime]
    ) -> None:
        self._prefix = public_url.rstrip("/") + ROOT
        self._key = hmac.digest(secret.encode(), PURPOSE, "sha256")
        self._lifetime = lifetime
        self._now = now

    def url(self, bot_id: int, file: TelegramFile) -> str:
        """Return the link of a file."""
        fields = [
            bot_id, file.file_id, file.mime_type, file.size, int(file.is_sticker),
            int(self.end().timestamp()), *([file.chat_id] if file.chat_id else []),
        ]  # fmt: skip
        body = _encoded(json.dumps(fields, separators=(",", ":")).encode())
        signature = _encoded(self._signature(body, file.name))
        return f"{self._prefix}{body}.{signature}/{quote(file.name, safe='')}"

    def end(self) -> datetime:
        """Return when the links end that are made today."""
        days = int((self._now() + self._lifetime).timestamp()) // DAY_S + 1
        return datetime.fromtimestamp(days * DAY_S, UTC)

    def tag(self, bot_id: int, chat_id: int) -> str:
        """Return what names a chat without saying which it is."""
        return hmac.digest(self._key, f"{bot_id}:{chat_id}".encode(), "sha256").hex()

    def read(self, token: str, name: str) -> MediaLink:
        """Return what a link says, given its last two parts.

        Raises:
            LinkError: it is forged, or expired.
        """
        link = self._read(token, name)
        if self._now() >= link.expires_at:
            raise LinkError("the link has expired")
        return link

    def file_of(self, url: str) -> BotFile | None:
        """Return the bot's file of a link, however long ago it was made; None for others."""
        if not url.startswith(self._prefix):
            return None
        token, _, name = url.removeprefix(self._prefix).partition("/")
        try:
            link = self._read(token, unquote(name))
        except LinkError:
            return None
        if link.is_export:
            return None
        return BotFile(
            link.bot_id,
            TelegramFile(
                link.file_id,
                unique_id="",
                name=link.name,
                mime_type=link.mime_type,
                size=link.size,
                is_sticker=link.is_sticker,
                chat_id=link.chat_id or 0,
            ),
        )

    def _read(self, token: str, name: str) -> MediaLink:
        """Return what a link says, whether it has expired or not."""
        body, _, signature = token.partition(".")
        if not hmac.compare_digest(_decoded(signature), self._signature(body, name)):
            raise LinkError("the link was not made by this bridge")
        bot_id, file_id, mime_type, size, is_sticker, end_s, *chat = json.loads(_decoded(body))
        return MediaLink(
            bot_id,
            file_id,
            name,
            mime_type,
            size,
            bool(is_sticker),
            datetime.fromtimestamp(end_s, UTC),
            chat_id=chat[0] if chat else None,
            body=body,
        )

    def _signature(self, body: str, name: str) -> bytes:
        signed = f"{body}/{name}".encode("utf-8", "surrogateescape")
        return hmac.digest(self._key, signed, "sha256")


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    """Return what was encoded; nothing when it was not encoded here."""
    try:
        data = base64.urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        return b""
    return data if _encoded(data) == text else b""
