"""The context of a message → a line above its text: its origin, what it answers. Pure.

Reference: Bot API, MessageOrigin, ExternalReplyInfo, TextQuote.
"""

from aiogram.types import (
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)

from bot.translate.names import chat_name, person_name
from bot.translate.visible import visible

Origin = MessageOriginUser | MessageOriginHiddenUser | MessageOriginChat | MessageOriginChannel


def heading(message: Message) -> str:
    """Return the lines to put above a message's text; none for an ordinary one."""
    lines = []
    if message.forward_origin is not None:
        author = _author(message.forward_origin)
        lines.append(f"[Forwarded from {author}]" if author else "[Forwarded]")
    if message.external_reply is not None:
        author = _author(message.external_reply.origin) or "another chat"
        lines.append(f"[In reply to a message of {author}]")
    if message.reply_to_story is not None:
        lines.append("[In reply to a story]")
    if message.quote is not None and (message.quote.is_manual or message.external_reply):
        lines += [f"> {line}" for line in message.quote.text.splitlines()]
    return "\n".join(lines)


def _author(origin: Origin) -> str:
    """Name who wrote a message that came from elsewhere."""
    match origin:
        case MessageOriginUser():
            return person_name(origin.sender_user)
        case MessageOriginHiddenUser():
            return visible(origin.sender_user_name)
        case MessageOriginChat():
            return _signed(chat_name(origin.sender_chat), origin.author_signature)
        case _:  # a channel
            return _signed(chat_name(origin.chat), origin.author_signature)


def _signed(name: str, author: str | None) -> str:
    return " ".join(filter(None, (name, f"({author})" if visible(author) else "")))
