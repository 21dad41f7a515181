"""A message of Telegram Desktop's export → what Kommo is to show of it. Pure.

Reference: Telegram Desktop, export format JSON (kinds of content, service messages).
"""

from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from bot.translate.exports.fields import Json, amount, items, user_id, words
from bot.translate.exports.files import Shown, file_of
from bot.translate.exports.told import Mark, SizeOf, Told
from bot.translate.exports.words import ending, heading, text_of
from bot.translate.visible import full_name, visible
from bot.words import counted
from kommo.content import Contact, Content, Location

MINUTE_S = 60

ORDINARY = frozenset(
    {
        "id", "type", "date", "date_unixtime", "edited", "edited_unixtime", "from", "from_id",
        "author", "forwarded_from", "forwarded_from_id", "saved_from", "reply_to_message_id",
        "reply_to_peer_id", "via_bot", "text", "text_entities", "inline_bot_buttons", "reactions",
        "media_spoiler",
    }
)  # fmt: skip
"""Fields that are no content of their own."""


def told(message: Json, size_of: SizeOf) -> Told | None:
    """Return what a message tells; None when it is nothing that anybody said."""
    if message.get("type") == "service":
        return _call(message) if words(message.get("action")) in CALLS else None
    if message.get("type") != "message":
        return None  # "unsupported" has neither author nor time
    text = text_of(message)
    shown = _shown(message, text, size_of)
    above, below = heading(message), ending(message)
    content = _framed(shown.content, above, below)
    reply = message.get("reply_to_message_id")
    is_here = reply is not None and message.get("reply_to_peer_id") is None
    return Told(
        kind=shown.kind,
        content=content,
        author_id=user_id(message.get("from_id")),
        author=visible(words(message.get("from"))),
        file=shown.file,
        reply_to=str(reply) if is_here else None,
        marks=tuple(_marks(message)),
        is_missing=shown.file is None and ("file" in message or "photo" in message),
    )


def _framed(content: Content, above: str, below: str) -> Content:
    """Return a content with lines of ours above and below its text."""
    if not above and not below:
        return content
    text = "\n".join(filter(None, (above, content.text, below)))
    return content.model_copy(update={"text": text})


def _shown(message: Json, text: str, size_of: SizeOf) -> Shown:
    with_file = file_of(message, text, size_of)
    if with_file is not None:
        return with_file
    for field, read in READERS.items():
        if field in message:
            return read(message, text)
    return Shown("text", Content(type="text", text=text or _unknown(message)))


def _unknown(message: Json) -> str:
    """Return what stands for a message without words: the names of what it holds."""
    names = sorted(message.keys() - ORDINARY)
    held = f": {', '.join(names).replace('_', ' ')}" if names else ""
    return f"[Something that this version of the bridge cannot show{held}]"


def _contact(message: Json, text: str) -> Shown:
    entry = _object(message, "contact_information")
    name = full_name(words(entry.get("first_name")), words(entry.get("last_name")))
    phone = words(entry.get("phone_number")).strip()
    if not phone:
        return Shown("contact", _text(f"[contact] {name}", text))
    contact = Contact(name=name or phone, phone=phone)
    return Shown("contact", Content(type="contact", contact=contact, text=text or None))


def _place(message: Json, text: str) -> Shown:
    at = _object(message, "location_information")
    lon, lat = _degrees(at.get("longitude")), _degrees(at.get("latitude"))
    named = [words(message.get("place_name")), words(message.get("address"))]
    kind = "venue" if any(named) else "location"
    live = ["[live location]"] if "live_location_period_seconds" in message else []
    said = "\n".join(filter(None, [*live, *named, text]))
    if lon is None or lat is None:
        return Shown(kind, _text(f"[{kind}]", said))
    return Shown(
        kind, Content(type="location", location=Location(lon=lon, lat=lat), text=said or None)
    )


def _degrees(value: Any) -> float | None:
    try:
        found = float(value)
    except (TypeError, ValueError):
        return None
    return found if isfinite(found) else None


def _poll(message: Json, text: str) -> Shown:
    asked = _object(message, "poll")
    closed = ", closed" if asked.get("closed") is True else ""
    options = map(_option, items(asked.get("answers")))
    return Shown("poll", _text(f"[poll{closed}] {words(asked.get('question'))}", *options, text))


def _option(answer: Json) -> str:
    voters = amount(answer.get("voters"))
    return f"• {words(answer.get('text'))}" + (f" ({voters})" if voters else "")


def _checklist(message: Json, text: str) -> Shown:
    entry = _object(message, "todo_list")
    tasks = [f"☐ {words(one.get('text'))}" for one in items(entry.get("answers"))]
    return Shown("checklist", _text(f"[checklist] {words(entry.get('title'))}", *tasks, text))


def _game(message: Json, text: str) -> Shown:
    about = words(message.get("game_description"))
    return Shown("game", _text(f"[game] {words(message['game_title'])}", about, text))


def _invoice(message: Json, text: str) -> Shown:
    entry = _object(message, "invoice_information")
    cents, currency = amount(entry.get("amount")), words(entry.get("currency"))
    price = f": {cents / 100:.2f} {currency}" if cents and currency else ""
    title = words(entry.get("title"))
    return Shown(
        "invoice", _text(f"[invoice{price}] {title}", words(entry.get("description")), text)
    )


def _giveaway(_message: Json, text: str) -> Shown:
    return Shown("giveaway", _text("[giveaway]", text))


def _paid(message: Json, text: str) -> Shown:
    stars = amount(message.get("paid_stars_amount"))
    price = f": {counted(stars, 'star')}" if stars else ""
    return Shown("paid media", _text(f"[paid media{price}]", text))


READERS: Mapping[str, Callable[[Json, str], Shown]] = {
    "contact_information": _contact,
    "location_information": _place,
    "poll": _poll,
    "todo_list": _checklist,
    "game_title": _game,
    "invoice_information": _invoice,
    "giveaway_information": _giveaway,
    "giveaway_results": _giveaway,
    "paid_stars_amount": _paid,
}

CALLS = frozenset({"phone_call", "conference_call"})
ENDS = {"missed": "missed", "busy": "busy", "hangup": "not answered"}
"""Why a call came to nothing."""


def _call(message: Json) -> Told:
    """Return a call as a notice."""
    seconds = amount(message.get("duration_seconds"))
    how = ENDS.get(words(message.get("discard_reason")), "not answered")
    what = f"call, {_lasted(seconds)}" if seconds else f"call, {how}"
    return Told(
        kind="call",
        content=Content(type="text", text=f"[{what}]"),
        author_id=user_id(message.get("actor_id")),
        author=visible(words(message.get("actor"))),
    )


def _lasted(seconds: int) -> str:
    minutes, rest = divmod(seconds, MINUTE_S)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _marks(message: Json) -> list[Mark]:
    """Return the emoji that named people put on a message."""
    return [
        Mark(emoji=emoji, user_id=person)
        for reaction in items(message.get("reactions"))
        if (emoji := words(reaction.get("emoji")))
        for one in items(reaction.get("recent"))
        if (person := user_id(one.get("from_id"))) is not None
    ]


def _object(message: Json, key: str) -> Json:
    value = message.get(key)
    return value if isinstance(value, Mapping) else {}


def _text(*lines: str) -> Content:
    return Content(type="text", text="\n".join(filter(None, (line.strip() for line in lines))))
