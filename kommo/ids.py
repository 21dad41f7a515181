"""The identifiers of the Chats API, each a type of its own, so that they cannot be mixed up.

Ours are made in `bot/translate/ids.py`; Kommo's are opaque.
"""

from typing import NewType

AmojoId = NewType("AmojoId", str)
"""A Kommo account as the Chats API knows it; `account_id` on the wire."""

ChannelId = NewType("ChannelId", str)
"""The chat channel registered with Kommo."""

ScopeId = NewType("ScopeId", str)
"""A channel connected to one account."""

ConversationId = NewType("ConversationId", str)
"""Our id of a conversation; `conversation_id` in calls, `conversation.client_id` in webhooks."""

KommoChatId = NewType("KommoChatId", str)
"""Kommo's id of a conversation; `conversation_ref_id` in calls, `conversation.id` in webhooks."""

ExternalMessageId = NewType("ExternalMessageId", str)
"""Our id of a message; `msgid` in calls."""

KommoMessageId = NewType("KommoMessageId", str)
"""Kommo's id of a message; `message.id` in webhooks, `msgid` in the delivery status path."""

ParticipantId = NewType("ParticipantId", str)
"""Our id of a person; `sender.id` in calls, `client_id` in webhooks."""

KommoUserId = NewType("KommoUserId", str)
"""Kommo's id of a person; `ref_id` in calls, `id` in webhooks."""

SourceId = NewType("SourceId", str)
"""Our id of a source: here, of one Telegram bot."""


def scope_id(channel: ChannelId, account: AmojoId) -> ScopeId:
    """Return the scope of a channel connected to an account.

    Reference: Kommo, Connect a channel to an account.
    """
    return ScopeId(f"{channel}_{account}")
