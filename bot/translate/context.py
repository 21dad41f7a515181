"""What surrounds a message → a line above its text: where it is from, what it answers. Pure.

Reference: Bot API, MessageOrigin, ExternalReplyInfo, TextQuote.
"""

from aiogram.types import (
    Message,
    MessageOriginChannel,
    MessageOriginChat,
    MessageOriginHiddenUser,
    MessageOriginUser,
)

Origin = MessageOriginUser | MessageOriginHiddenUser | MessageOriginChat | MessageOriginChannel


def heading(message: Message) -> str:
    """Return the lines to put above a message's text; none for an ordinary one."""
    lines = []
    if message.forward_origin is not None:
        lines.append(f"[Forwarded from {_author(message.forward_origin)}]")
    if message.external_reply is not None:
        lines.append(f"[In reply to a message of {_author(message.external_reply.origin)}]")
    if message.reply_to_story is not None:
        lines.append("[In reply to a story]")
    if message.quote is not None and (message.quote.is_manual or message.external_reply):
        lines += [f"> {line}" for line in message.quote.text.splitlines()]
    return "\n".join(lines)


def _author(origin: Origin) -> str:
    """Name who wrote a message that came from elsewhere."""
    match origin:
        case MessageOriginUser():
            return origin.sender_user.full_name
        case MessageOriginHiddenUser():
            return origin.sender_user_name
        case MessageOriginChat():
            return _signed(origin.sender_chat.full_name, origin.author_signature)
        case _:  # a channel
            return _signed(origin.chat.full_name, origin.author_signature)


def _signed(name: str, author: str | None) -> str:
    return f"{name} ({author})" if author else name
