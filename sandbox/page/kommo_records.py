"""The manager's view in Kommo, as records of the page (pure).

Groups: `conversations`, `leads`, `contacts`, `templates`, `sources`, and one group of messages
for each conversation.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from sandbox.kommo.model import Conversation, Message
from sandbox.kommo.results import KommoResults

Json: TypeAlias = dict[str, Any]

SENT, DELIVERED, READ, FAILED = 0, 1, 2, -1
STATUS_WORDS: Final = {SENT: "Sent", DELIVERED: "Delivered", READ: "Read", FAILED: "Error"}
EXCERPT: Final = 80


def kommo_records(kommo: KommoResults, has_copy: Callable[[str], bool]) -> dict[str, Json]:
    """Return everything.

    Args:
        kommo: the account.
        has_copy: tells whether Kommo has fetched the file behind a link.
    """
    records: dict[str, Json] = {}
    for conversation in kommo.account.conversations:
        records[f"conversations/{conversation.id}"] = _conversation(conversation, has_copy)
        records.update(_messages(kommo, conversation, has_copy))
    for lead in kommo.leads:
        records[f"leads/{lead.id}"] = {
            "id": lead.id,
            "name": lead.name,
            "contact": lead.contact_id,
        }
    for number, contact in kommo.account.contacts.items():
        records[f"contacts/{number}"] = {"id": number, "name": contact["name"]}
    for template in kommo.account.templates:
        shown = ("id", "name", "content", "buttons", "external_id")
        records[f"templates/{template['id']}"] = {key: template.get(key) for key in shown}
    for source in kommo.account.sources:
        shown_source = {"name": source["name"], "external_id": source["external_id"]}
        records[f"sources/{source['id']}"] = shown_source
    return records


def status_of(message: Message) -> int:
    """Return how far a manager's message got: an error counts when it came last."""
    codes = [status.code for status in message.statuses]
    return FAILED if codes[-1:] == [FAILED] else max(codes, default=SENT)


def _conversation(conversation: Conversation, has_copy: Callable[[str], bool]) -> Json:
    client, lead = conversation.client, conversation.lead
    avatar = client.avatar if client.avatar and has_copy(client.avatar) else None
    return {
        "id": conversation.id,
        "client_id": conversation.client_id,
        "name": client.name or client.phone or "Unknown",
        "avatar": avatar,
        "phone": client.phone,
        "profile": client.profile_link,
        "source": conversation.source,
        "lead": lead.id if lead else None,
        "contact": conversation.contact_id,
        "last": max((one.msec_timestamp for one in conversation.messages), default=0),
        "incoming": sum(one.is_incoming for one in conversation.messages),
        "excerpt": _excerpt(conversation.messages[-1]) if conversation.messages else "",
    }


def _excerpt(message: Message) -> str:
    return message.text[:EXCERPT] or message.type


def _messages(
    kommo: KommoResults, conversation: Conversation, has_copy: Callable[[str], bool]
) -> Iterator[tuple[str, Json]]:
    for message in conversation.messages:
        yield f"kommo.{conversation.id}/{message.id}", _message(kommo, message, has_copy)


def _message(kommo: KommoResults, message: Message, has_copy: Callable[[str], bool]) -> Json:
    record: Json = {
        "id": message.id,
        "at": message.msec_timestamp,
        "kind": message.type,
        "by": "client" if message.is_incoming else "manager",
        "from": message.sender.name,
        "text": message.text,
    }
    if not message.is_incoming:
        code = status_of(message)
        record |= {"status": STATUS_WORDS[code], "error": _error(message, code)}
    optional = {
        "file": _file(kommo, message, has_copy),
        "place": message.content.get("location"),
        "contact": message.content.get("contact"),
        "reply": _reply(kommo, message),
        "edited": message.is_edited,
        "reactions": list(message.reactions.values()),
        "buttons": _buttons(message.extra.get("markup") or {}),
    }
    return record | {key: value for key, value in optional.items() if value}


def _error(message: Message, code: int) -> str:
    last = message.statuses[-1] if code == FAILED else None
    return "" if last is None else last.error or f"code {last.error_code}"


def _file(kommo: KommoResults, message: Message, has_copy: Callable[[str], bool]) -> Json | None:
    link = message.content.get("media")
    if not link:
        return None
    is_ready = message.is_from_kommo or has_copy(link)
    name = message.content.get("file_name") or message.type
    return {"ready": is_ready, "name": name, "size": message.content.get("file_size") or 0}


def _reply(kommo: KommoResults, message: Message) -> str:
    quoted = (message.reply_to or {}).get("message", {})
    found = kommo.account.message(str(quoted.get("id") or quoted.get("msgid") or ""))
    return _excerpt(found) if found else str(quoted.get("text", ""))[:EXCERPT]


def _buttons(markup: Json) -> list[str]:
    rows = [row for section in markup.get("list_message", {}).get("sections", [])
            for row in section["rows"]]  # fmt: skip
    texts = [button["text"] for row in markup.get("buttons", []) for button in row]
    return texts or [row["title"] for row in rows]
