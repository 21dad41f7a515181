"""Second chances for a refused call: ask for less, until Telegram takes it. Pure."""

from collections.abc import Mapping

from aiogram.methods import (
    SendAnimation,
    SendAudio,
    SendDocument,
    SendMessage,
    SendPhoto,
    SendSticker,
    SendVideo,
    SendVoice,
)
from aiogram.types import InlineKeyboardMarkup

from bot.translate.outgoing.files import Call, shown_as
from bot.translate.outgoing.formatted import Formatted, parts
from bot.translate.text import LONGEST_CHARACTER, utf16_length

KEYBOARD_REFUSED = ("reply markup", "reply_markup", "keyboard", "button")


ENTITIES_REFUSED = "entit"


FILE_REFUSED = (
    "photo",
    "image",
    "video",
    "animation",
    "voice",
    "audio",
    "sticker",
    "file",
    "media",
)


REPLY_REFUSED = (
    "message to be replied not found",
    "message to reply not found",
    "replied message not found",
    "reply message not found",
    "reply_message_id_invalid",
    "reply_to_invalid",
)


TOPIC_REFUSED = (
    "message thread not found",
    "topic_deleted",
    "topic_closed",
    "topic_id_invalid",
)
"""The topic is gone, or takes nothing more."""


PLACE_REFUSED = ((TOPIC_REFUSED, "message_thread_id"), (REPLY_REFUSED, "reply_parameters"))
"""Words that refuse the place of a message, and the field that names it."""


RIGHTS_MISSING = "not enough rights"
"""Such words name what may not be sent, such as photos; nothing is wrong with the file."""


def instead(call: Call, description: str) -> Call | None:
    """Return what to try instead of a refused call; None when nothing else would help.

    Each try asks for less, so they come to an end: what a deleted topic does not take goes to the
    chat, a reply becomes a message, formatting goes,
    links leave the keyboard, the keyboard goes, a picture, a voice message and so on become
    plain files.

    Args:
        call: what was refused.
        description: Telegram's words; they change, so parts of them are matched.
    """
    words = description.lower()
    if RIGHTS_MISSING in words:
        return None
    for refused, field in PLACE_REFUSED:
        if any(part in words for part in refused):
            return _without(call, field)
    if ENTITIES_REFUSED in words:
        return _without(call, "entities") or _without(call, "caption_entities")
    if any(part in words for part in KEYBOARD_REFUSED):
        return _without_links(call, description) or _without(call, "reply_markup")
    if any(part in words for part in FILE_REFUSED):
        plainer = PLAINER.get(type(call))
        return shown_as(call, plainer) if plainer else None
    return None


def is_topic_gone(description: str) -> bool:
    """Tell whether Telegram refuses a topic, and not what is said in it."""
    words = description.lower()
    return any(part in words for part in TOPIC_REFUSED)


def pieces(call: Call, description: str) -> list[Call]:
    """Return what to send instead of a text that is too long; nothing when it is not that.

    A text is cut again, a caption becomes a text below its file.
    """
    words = description.lower().replace("_", " ")
    if "too long" not in words or any(part in words for part in KEYBOARD_REFUSED):
        return []
    if isinstance(call, SendMessage):
        whole = Formatted(call.text, tuple(call.entities or ()))
        cut = parts(whole, max(utf16_length(call.text) // 2 + 1, LONGEST_CHARACTER))
        texts = [_text_of(call, part) for part in cut]
        return [*texts[:-1], _ended(texts[-1], call)] if len(texts) > 1 else []
    if not getattr(call, "caption", None):
        return []
    caption = Formatted(
        getattr(call, "caption", ""), tuple(getattr(call, "caption_entities", None) or ())
    )
    bare = call.model_copy(
        update={"caption": None, "caption_entities": None, "reply_markup": None}
    )
    below = SendMessage(chat_id=getattr(call, "chat_id", 0), text="", parse_mode=None)
    return [bare, _ended(_text_of(below, caption), call)]


def _text_of(call: SendMessage, text: Formatted) -> SendMessage:
    """Return a call with another text, and without what belongs to the last one."""
    entities = list(text.entities) or None
    return call.model_copy(update={"text": text.text, "entities": entities, "reply_markup": None})


def _ended(last: SendMessage, whole: Call) -> SendMessage:
    """Return the last piece, with the buttons of the whole."""
    return last.model_copy(update={"reply_markup": getattr(whole, "reply_markup", None)})


PLAINER: Mapping[type[Call], type[Call]] = {
    SendPhoto: SendDocument,
    SendAnimation: SendDocument,
    SendVideo: SendDocument,
    SendSticker: SendDocument,
    SendVoice: SendAudio,
    SendAudio: SendDocument,
}
"""How a file is shown when Telegram, or the client's privacy, does not take it as what it is."""


def _without(call: Call, field: str) -> Call | None:
    """Return a call without one of its fields; None when it has no such field."""
    if getattr(call, field, None) is None:
        return None
    return call.model_copy(update={field: None})


def _without_links(call: Call, description: str) -> Call | None:
    """Return a call without the link that Telegram names, or without any when it names none.

    None when the keyboard has no such link, or nothing else.
    """
    markup = getattr(call, "reply_markup", None)
    if not isinstance(markup, InlineKeyboardMarkup):
        return None
    links = {button.url for row in markup.inline_keyboard for button in row if button.url}
    refused = {url for url in links if f"'{url}'" in description} or links
    rows = [
        [button for button in row if button.url not in refused] for row in markup.inline_keyboard
    ]
    kept = [row for row in rows if row]
    if not kept or kept == markup.inline_keyboard:
        return None
    return call.model_copy(update={"reply_markup": InlineKeyboardMarkup(inline_keyboard=kept)})
