"""The clients' view in Telegram, as records of the page (pure).

Groups: `bots`, `clients`, `connections`, `chats` (by bot.owner.chat), and one group of messages
for each chat.
"""

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from sandbox.telegram.model import Chat
from sandbox.telegram.people import People

Json: TypeAlias = dict[str, Any]

KINDS: Final = (
    "photo", "voice", "video", "video_note", "animation", "audio", "sticker", "document",
    "location", "venue", "contact",
)  # fmt: skip
FILES: Final = frozenset(KINDS[:8])
EXCERPT: Final = 80


def telegram_records(people: People) -> dict[str, Json]:
    """Return everything."""
    records: dict[str, Json] = {}
    for number, bot in enumerate(people.bots.values()):
        records[f"bots/{bot.id}"] = {
            "id": bot.id,
            "name": bot.name,
            "username": bot.username,
            "order": number,
            "takes_business": "business_message" in (bot.kinds or ()),
        }
    owners = {connection.owner.id for connection in people.connections.values()}
    for peer in people.peers.values():
        if peer.kind == "private":
            records[f"clients/{peer.id}"] = {
                "id": peer.id,
                "name": peer.name,
                "avatar": peer.avatar,
                "blocked": sorted(peer.blocked),
                "is_owner": peer.id in owners,
            }
    for connection in people.connections.values():
        records[f"connections/{connection.id}"] = {
            "id": connection.id,
            "owner": connection.owner.id,
            "name": connection.owner.name,
            "is_enabled": connection.is_enabled,
        }
    for chat in people.chats.values():
        records.update(_chat(people, chat))
    return records


def group_of(chat: Chat) -> str:
    """Return the group of a chat's messages."""
    return f"chat.{chat.bot_id}.{chat.owner_id}.{chat.peer.id}"


def _chat(people: People, chat: Chat) -> Iterator[tuple[str, Json]]:
    group = group_of(chat)
    for message_id, message in chat.messages.items():
        yield f"{group}/{message_id}", shown_message(people, chat, message)
    yield (
        f"chats/{chat.bot_id}.{chat.owner_id}.{chat.peer.id}",
        {
            "bot": chat.bot_id,
            "owner": chat.owner_id,
            "client": chat.peer.id,
            "typing": sum(chat_id == chat.peer.id for chat_id, _ in people.chat_actions),
        },
    )


def shown_message(people: People, chat: Chat, message: Json) -> Json:
    """Return one message as a client sees it."""
    message_id = message["message_id"]
    kind = next((name for name in KINDS if name in message), "text")
    record: Json = {
        "id": message_id,
        "at": chat.written_ms(message),
        "kind": kind,
        "by": _author(chat, message),
        "text": text_of(message),
    }
    optional = {
        "file": _file(people, kind, message),
        "place": message.get("location"),
        "contact": message.get("contact"),
        "reply": _reply(message),
        "edited": "edit_date" in message,
        "keyboard": chat.keyboards.get(message_id),
        "reaction": chat.reactions.get(message_id),
        "own_reaction": next((r["emoji"] for r in chat.client_reactions.get(message_id, [])), ""),
    }
    return record | {key: value for key, value in optional.items() if value}


def text_of(message: Json) -> str:
    """Return a message's text or caption."""
    return str(message.get("text") or message.get("caption") or "")


def _author(chat: Chat, message: Json) -> str:
    if message["from"]["is_bot"] or "sender_business_bot" in message:
        return "bot"
    return "client" if message["from"]["id"] == chat.peer.id else "owner"


def _file(people: People, kind: str, message: Json) -> Json | None:
    if kind not in FILES:
        return None
    content = message[kind][-1] if kind == "photo" else message[kind]
    file = people.files.get(content["file_id"])
    if file is None:
        return None
    return {"id": content["file_id"], "name": file.name, "size": file.size}


def _reply(message: Json) -> str:
    replied = message.get("reply_to_message")
    if not replied:
        return ""
    kind = next((name for name in KINDS if name in replied), "text")
    return text_of(replied)[:EXCERPT] or kind
