"""The account's contacts, and which chat is whose.

References: Kommo, Contacts list; Link chat to contact; Chats of a contact.
"""

from collections.abc import Mapping, Sequence

from sandbox.kommo.account import Account
from sandbox.kommo.model import InvalidError, Json, RefusedError

PAGE_LIMIT = 250


def new_contact(account: Account, name: str, *phones: str) -> int:
    """Make a contact as somebody in Kommo types it; return its number."""
    values = [{"value": phone, "enum_code": "WORK"} for phone in phones]
    field = {"field_id": 1, "field_code": "PHONE", "field_type": "multitext", "values": values}
    number = account.number()
    fields = [field] if phones else None
    account.contacts[number] = {"id": number, "name": name, "custom_fields_values": fields}
    return number


def list_contacts(account: Account, query: Mapping[str, str]) -> Json | None:
    """Return a page of the contacts that a search finds; nothing when it finds none."""
    page, limit = int(query.get("page", 1)), min(int(query.get("limit", 50)), PAGE_LIMIT)
    words = query.get("query", "")
    rows = [row for row in account.contacts.values() if _is_found(row, words)]
    shown = rows[(page - 1) * limit : page * limit]
    return {"_page": page, "_embedded": {"contacts": shown}} if shown else None


def one_contact(account: Account, number: str) -> Json | None:
    """Return a contact; nothing when there is none of this number."""
    return account.contacts.get(int(number)) if number.isdecimal() else None


def list_links(account: Account, query: Mapping[str, str]) -> Json | None:
    """Return which chat is whose; nothing when the chat or the contact has none."""
    chat_id, contact_id = query.get("chat_id"), query.get("contact_id")
    if not chat_id and not contact_id:
        raise RefusedError(400, "chat_id or contact_id: one of them is required")
    rows = [
        link
        for link in account.chat_links.values()
        if chat_id in {None, link["chat_id"]} and contact_id in {None, str(link["contact_id"])}
    ]
    return {"_total_items": len(rows), "_embedded": {"chats": rows}} if rows else None


def link_chats(account: Account, rows: Sequence[Json]) -> Json:
    """Make chats a contact's, all of them or none; a chat belongs to one contact."""
    for number, row in enumerate(rows):
        contact_id, chat_id = row.get("contact_id"), row.get("chat_id")
        if type(contact_id) is not int or contact_id not in account.contacts:
            raise InvalidError(number, "NotSupportedChoice", "contact_id", "No such contact.")
        chat = account.conversation(chat_id) if isinstance(chat_id, str) else None
        if chat is None or chat.id != chat_id:
            raise InvalidError(number, "NotSupportedChoice", "chat_id", "No chat of the channel.")
    return {"_total_items": len(rows), "_embedded": {"chats": [_linked(account, r) for r in rows]}}


def _linked(account: Account, row: Json) -> Json:
    """Link one chat; the link of the same two stays what it is."""
    chat_id, contact_id = row["chat_id"], row["contact_id"]
    known = account.chat_links.get(chat_id)
    if known is None or known["contact_id"] != contact_id:
        known = {"chat_id": chat_id, "contact_id": contact_id, "id": account.number()}
        account.chat_links[chat_id] = known
        chat = account.conversation(chat_id)
        if chat is not None:
            chat.contact_id = contact_id
    return {**known, **({"request_id": row["request_id"]} if "request_id" in row else {})}


def _is_found(row: Json, words: str) -> bool:
    """Tell whether a search finds a contact: by its name, or by a part of a number's digits."""
    digits = _digits(words)
    values = [value for field in row["custom_fields_values"] or [] for value in field["values"]]
    is_called = bool(digits) and any(digits in _digits(value["value"]) for value in values)
    return is_called or words.lower() in row["name"].lower()


def _digits(text: str) -> str:
    return "".join(char for char in text if char in "0123456789")
