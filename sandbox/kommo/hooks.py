"""Webhooks: what Kommo posts when a manager does something, once, with little patience.

Reference: Kommo, Receiving chat webhooks.
"""

import asyncio
import json
from time import perf_counter

import aiohttp

from sandbox.kommo.account import Account
from sandbox.kommo.model import Channel, Conversation, Habits, Hook, Json, Message, Person
from sandbox.kommo.shared import shown
from sandbox.kommo.signing import hook_signature

EMPTY: Json = {
    "text": "",
    "markup": None,
    "tag": "",
    "media": "",
    "thumbnail": "",
    "file_name": "",
    "file_size": 0,
}


class Hooks:
    """Posts webhooks and keeps what was answered.

    Args:
        url: where to; ``:scope_id`` in it is replaced. None: nowhere.
        channel: whose secret signs them, and whose scope they tell.
        habits: whether a line feed follows the signed bytes, as it does in live hooks; how long
            an answer may take; whether what is empty is left out: both occur.
    """

    def __init__(self, *, url: str | None, channel: Channel, habits: Habits) -> None:
        self.url = url
        self.newline = habits.hook_newline
        self.patience_s = habits.patience_s
        self.absent_keys = habits.absent_keys
        self.posted: list[Hook] = []
        self.session: aiohttp.ClientSession | None = None
        self._secret = channel.secret
        self._scope_id = channel.scope_id

    async def post(
        self, body: bytes | Json, *, signature: str | None = None, newline: bool | None = None
    ) -> Hook | None:
        """Post a body once; None when there is nowhere to post it.

        Args:
            body: bytes go out as they are.
            signature: instead of the right one; an empty one leaves the header out.
            newline: instead of what is usual here.
        """
        if self.url is None or self.session is None:
            return None
        raw = body if isinstance(body, bytes) else dump(body)
        given = hook_signature(self._secret, raw) if signature is None else signature
        has_newline = self.newline if newline is None else newline
        hook = await self._attempt(
            self.session,
            self.url.replace(":scope_id", self._scope_id),
            raw + b"\n" if has_newline else raw,
            {"Content-Type": "application/json", **({"X-Signature": given} if given else {})},
        )
        self.posted.append(hook)
        return hook

    async def _attempt(
        self, session: aiohttp.ClientSession, url: str, raw: bytes, headers: dict[str, str]
    ) -> Hook:
        started = perf_counter()
        try:
            async with (
                asyncio.timeout(self.patience_s),
                session.post(url, data=raw, headers=headers, allow_redirects=False) as answer,
            ):
                content = await answer.read()
        except (aiohttp.ClientError, OSError) as error:
            return Hook(url, raw, None, b"", perf_counter() - started, repr(error))
        return Hook(url, raw, answer.status, content, perf_counter() - started)

    def message(self, account: Account, message: Message) -> Json:
        """Return the hook that tells of a manager's message."""
        source = {} if message.source is None else {"source": {"external_id": message.source}}
        return {
            "account_id": account.id,
            "time": int(account.now().timestamp()),
            "message": {
                "receiver": self._receiver(message.conversation.client),
                "sender": message.sender.ids(),
                "conversation": conversation_ids(message.conversation),
                **source,
                "timestamp": message.timestamp,
                "msec_timestamp": message.msec_timestamp,
                "message": self._content(message),
            },
        }

    def _receiver(self, client: Person) -> Json:
        contacts = {"phone": client.phone or "", "email": client.email or ""}
        return {**client.ids(), **(without_empty(contacts) if self.absent_keys else contacts)}

    def _content(self, message: Message) -> Json:
        content = {**EMPTY, **shown(message), **message.extra}
        quotes = {"reply_to": message.reply_to, "forwards": message.forwards}
        return {
            "id": message.id,
            **(without_empty(content) if self.absent_keys else content),
            **without_empty(quotes),
        }


def typing_hook(account: Account, conversation: Conversation, user: Person) -> Json:
    """Return the hook that tells that a manager types."""
    now = int(account.now().timestamp())
    typing = {
        "user": {"id": user.id},
        "conversation": conversation_ids(conversation),
        "expired_at": now + 5,
    }
    return {"account_id": account.id, "time": now, "action": {"typing": typing}}


def reaction_hook(
    account: Account, message: Message, user: Person, emoji: str | None, *, old_form: bool
) -> Json:
    """Return the hook that tells of a manager's reaction, in the newer or the older form."""
    reaction: Json = {
        **({"msgid": message.id} if old_form else {"message": _reacted(message)}),
        "user": {"id": user.id},
        "conversation": conversation_ids(message.conversation),
        "type": "unreact" if emoji is None else "react",
        **({} if emoji is None else {"emoji": emoji}),
    }
    now = int(account.now().timestamp())
    return {"account_id": account.id, "time": now, "action": {"reaction": reaction}}


def _reacted(message: Message) -> Json:
    receiver = message.receiver
    return {
        "id": message.id,
        **({"client_id": message.msgid} if message.msgid else {}),
        "sender": {"id": message.sender.id},
        **({"receiver": {"id": receiver.id}} if receiver else {}),
        "timestamp": message.timestamp,
        "msec_timestamp": message.msec_timestamp,
    }


def quote(message: Message) -> Json:
    """Return a message as hooks embed it in `reply_to` and `forwards`."""
    return {
        "id": message.id,
        **({"msgid": message.msgid} if message.msgid else {}),
        **shown(message),
        "timestamp": message.timestamp,
        "msec_timestamp": message.msec_timestamp,
        "sender": message.sender.ids(),
        **({"receiver": message.receiver.ids()} if message.receiver else {}),
    }


def conversation_ids(conversation: Conversation) -> Json:
    """Return both ids; the integration's is absent until it is known."""
    own = {} if conversation.client_id is None else {"client_id": conversation.client_id}
    return {"id": conversation.id, **own}


def without_empty(values: Json) -> Json:
    """Leave out what is empty."""
    return {key: value for key, value in values.items() if value not in ("", 0, None)}


def dump(body: Json) -> bytes:
    """Return the bytes of a body: compact, raw UTF-8."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
