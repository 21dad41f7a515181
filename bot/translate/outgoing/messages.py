"""Kommo event → Telegram calls. Calls are values: built here, run elsewhere, compared in tests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from aiogram.methods import SendContact, SendLocation, SendMessage, SetMessageReaction
from aiogram.types import ReactionTypeEmoji, ReplyParameters

from bot.translate.ids import ChatAddress
from bot.translate.outgoing import refusals
from bot.translate.outgoing.emoji import reaction_emoji
from bot.translate.outgoing.files import (
    UPLOAD_LIMIT_BYTES,
    Call,
    kommo_file,
    media_call,
    takes_caption,
    with_caption,
)
from bot.translate.outgoing.formatted import Formatted, caption_and_rest, joined, parts
from bot.translate.outgoing.keyboards import Keyboard, Style, keyboard, menu
from bot.translate.outgoing.refusals import Verdict
from bot.translate.text import clean
from kommo.body import Body
from kommo.content import MEDIA_TYPES
from kommo.events import LegacyMessage, ManagerMessage, ManagerReaction

POINTER = "\N{BLACK DOWN-POINTING TRIANGLE}"
"""Stands above buttons that come without a text: Telegram shows no buttons alone."""

CLIP = "\N{PAPERCLIP}"
ARROW = "\N{RIGHTWARDS ARROW WITH HOOK}"
QUOTE_LIMIT = 300
"""Characters of a quoted message; its beginning is enough to recognise it."""

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

AnyMessage = ManagerMessage | LegacyMessage


@dataclass(frozen=True)
class Manner:
    """What a message's translation depends on, beside the message.

    Args:
        reply_to: Telegram's id of the message that it answers; None when that is not known.
        buttons: how text buttons are shown.
        text: what stands instead of the message's own text; None for nothing.
    """

    reply_to: int | None = None
    buttons: Style = "inline"
    text: Formatted | None = None


def problem(event: AnyMessage) -> Verdict | None:
    """Return why a message cannot be shown, as far as it says so itself."""
    body = event.body
    if (body.file_size or 0) > UPLOAD_LIMIT_BYTES:
        return refusals.FILE_TOO_BIG
    is_told = body.type == "text" or body.media or clean(body.text).strip()
    is_shown = isinstance(event, ManagerMessage) and (
        body.location or body.contact or event.forwards
    )
    if is_told or is_shown:
        return None
    return refusals.NO_FILE if body.type in MEDIA_TYPES else refusals.UNSUPPORTED


def manager_message(
    event: AnyMessage, address: ChatAddress, manner: Manner = Manner()
) -> list[Call]:
    """Translate a manager's message into the Telegram calls that show it, in order.

    The list is empty when nothing would be left to show, such as a text of spaces only.
    No parse mode is ever set: a manager's text is never read as markup.
    """
    calls = [*_forwarded(event, address.chat_id), *_own(event, address.chat_id, manner)]
    buttons = _keyboard(event, address, manner)
    if not calls and buttons is not None:
        calls = [_text(address.chat_id, Formatted(POINTER))]
    return _dressed(calls, manner.reply_to, buttons)


def reaction(
    event: ManagerReaction, address: ChatAddress, message_id: int | None
) -> SetMessageReaction | None:
    """Translate a manager's reaction; None when Telegram cannot show it.

    A bot has one reaction to a message, so the newest one stands instead of the others.
    Reference: Bot API, setMessageReaction (it knows no business chats).
    """
    if message_id is None or address.business_user_id:
        return None
    emoji = reaction_emoji(event.emoji or "") if event.type == "react" else None
    if event.type == "react" and emoji is None:
        return None
    return SetMessageReaction(
        chat_id=address.chat_id,
        message_id=message_id,
        reaction=[ReactionTypeEmoji(emoji=emoji)] if emoji else [],
    )


def quoted_lines(quoted: Body) -> str:
    """Return what a message says as lines that begin with a mark, as mail programs quote."""
    text = clean(quoted.text).strip()
    if len(text) > QUOTE_LIMIT:
        text = text[:QUOTE_LIMIT].rstrip() + ELLIPSIS
    if not text and (quoted.media or quoted.file_name):
        text = f"{CLIP} {clean(quoted.file_name or quoted.type)}"
    return "\n".join(f"> {line}" for line in text.splitlines())


def _own(event: AnyMessage, chat_id: int, manner: Manner) -> Iterator[Call]:
    """Return the calls that show what the message says itself."""
    if isinstance(event, ManagerMessage):
        yield from _location_and_contact(event.body, chat_id)
    text = joined(Formatted(_quotation(event, manner)), manner.text or Formatted(_said(event)))
    yield from _with_file(event.body, text, chat_id)


def _location_and_contact(body: Body, chat_id: int) -> Iterator[Call]:
    """Return the calls that show a point on the map, and an entry for the address book."""
    if body.location is not None:
        point = body.location
        yield SendLocation(chat_id=chat_id, latitude=point.lat, longitude=point.lon)
    if body.contact is not None:
        name, phone = clean(body.contact.name).strip(), body.contact.phone.strip()
        if phone:
            yield SendContact(chat_id=chat_id, phone_number=phone, first_name=name or phone)
        else:
            yield from _texts(chat_id, Formatted(name))


def _said(event: AnyMessage) -> str:
    """Return the text of a message, with the choices of its menu."""
    text = _with_missing_file(event.body, clean(event.body.text))
    markup = event.markup if isinstance(event, ManagerMessage) else None
    if markup is None or markup.list_message is None:
        return text
    choices = clean(menu(markup.list_message))
    is_told = not text.strip() or text.strip() in choices
    return choices if is_told else f"{text}\n\n{choices}"


def _with_missing_file(body: Body, text: str) -> str:
    """Return a text, with the name of its file if Kommo told of one without an address."""
    if body.media or body.type not in MEDIA_TYPES:
        return text
    return f"{text}\n{CLIP} {clean(body.file_name or body.type)}".strip()


def _quotation(event: AnyMessage, manner: Manner) -> str:
    """Return what the message answers, in words, where Telegram cannot show it by itself."""
    if manner.reply_to is not None or not isinstance(event, ManagerMessage):
        return ""
    return quoted_lines(event.reply_to.body) if event.reply_to else ""


def _forwarded(event: AnyMessage, chat_id: int) -> Iterator[Call]:
    """Return the calls that show forwarded messages: quoted, their files as files."""
    if not isinstance(event, ManagerMessage) or event.forwards is None:
        return
    for message in event.forwards.messages:
        author = clean(message.sender.name).strip() if message.sender else ""
        told = _with_missing_file(message.body, clean(message.body.text).strip())
        lines = "\n".join(f"> {line}" for line in told.splitlines())
        text = "\n".join(part for part in (f"{ARROW} {author}".strip(), lines) if part)
        yield from _with_file(message.body, Formatted(text), chat_id)
        yield from _location_and_contact(message.body, chat_id)


def _with_file(body: Body, text: Formatted, chat_id: int) -> Iterator[Call]:
    """Return the calls that show a text, under its file if there is one."""
    file = kommo_file(body)
    if file is None:
        yield from _texts(chat_id, text)
        return
    call = media_call(body.type, file, chat_id=chat_id)
    if not takes_caption(call):
        yield call
        yield from _texts(chat_id, text)
        return
    caption, rest = caption_and_rest(text)
    yield with_caption(call, caption) if caption else call
    yield from _texts(chat_id, rest)


def _keyboard(event: AnyMessage, address: ChatAddress, manner: Manner) -> Keyboard | None:
    """Return the buttons of a message. Reference: Bot API, ReplyKeyboardMarkup (no business)."""
    if not isinstance(event, ManagerMessage):
        return None
    style: Style = "inline" if address.business_user_id else manner.buttons
    return keyboard(event.markup, event.kommo_message_id, style)


def _dressed(calls: Sequence[Call], reply_to: int | None, buttons: Keyboard | None) -> list[Call]:
    """Return the calls with the answered message at the first, and the buttons at the last."""
    dressed = list(calls)
    if dressed and reply_to is not None:
        reply = ReplyParameters(message_id=reply_to, allow_sending_without_reply=True)
        dressed[0] = dressed[0].model_copy(update={"reply_parameters": reply})
    if dressed and buttons is not None:
        dressed[-1] = dressed[-1].model_copy(update={"reply_markup": buttons})
    return dressed


def _texts(chat_id: int, text: Formatted) -> list[Call]:
    return [_text(chat_id, part) for part in parts(text)]


def _text(chat_id: int, text: Formatted) -> Call:
    return SendMessage(
        chat_id=chat_id, text=text.text, entities=list(text.entities) or None, parse_mode=None
    )
