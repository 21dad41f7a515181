"""Keyboards as Telegram takes them. Reference: Bot API, InlineKeyboardMarkup and its kin."""

from typing import Any, Final
from urllib.parse import urlsplit

from sandbox.telegram.model import ApiCall, Json, bad_request

CALLBACK_DATA_BYTES: Final = 64
COPY_TEXT_LIMIT: Final = 256
PLACEHOLDER_LIMIT: Final = 64
BUTTONS_PER_ROW: Final = 12
BUTTONS: Final = 300
ACTIONS: Final = (
    "callback_data",
    "url",
    "copy_text",
    "web_app",
    "login_url",
    "pay",
    "callback_game",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "disabled",
)


def reply_markup(call: ApiCall) -> Json | None:
    """The keyboard of a call as it is shown, or the refusal of one that cannot be."""
    markup = call.decoded("reply_markup")
    if not markup:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        rows = _fitting(markup["inline_keyboard"])
        for button in (button for row in rows for button in row):
            _check_inline_button(button)
        return {"inline_keyboard": rows} if any(rows) else None
    if "keyboard" in markup:
        return _reply_keyboard(markup)
    if markup.get("remove_keyboard") or markup.get("force_reply"):
        return markup
    raise bad_request("can't parse reply keyboard markup JSON object")


def _fitting(rows: Any) -> list[list[Any]]:
    """The buttons that Telegram shows: it drops those beyond its limits without a word."""
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("field of type Array expected for the rows of a keyboard")
    left, kept = BUTTONS, list[list[Any]]()
    for row in rows:
        fitting = row[: min(BUTTONS_PER_ROW, left)]
        left -= len(fitting)
        if fitting:
            kept.append(fitting)
    return kept


def _reply_keyboard(markup: Json) -> Json:
    rows = _fitting(markup["keyboard"])
    if not rows:
        raise bad_request("keyboard must be non-empty")
    shown = [[{"text": b} if isinstance(b, str) else b for b in row] for row in rows]
    if not all(str(button.get("text") or "").strip() for row in shown for button in row):
        raise bad_request("keyboard button text must be non-empty")
    if len(str(markup.get("input_field_placeholder") or "")) > PLACEHOLDER_LIMIT:
        raise bad_request("input field placeholder is too long")
    return {**markup, "keyboard": shown}


def _check_inline_button(button: Json) -> None:
    """Refuse a button without a text, or without exactly one thing to do."""
    if not str(button.get("text") or "").strip():
        raise bad_request("inline keyboard button text must be non-empty")
    actions = [action for action in ACTIONS if action in button]
    if not actions:
        raise bad_request("text buttons are unallowed in the inline keyboard")
    if "callback_data" in button:
        data = str(button["callback_data"]).encode()
        if not 1 <= len(data) <= CALLBACK_DATA_BYTES:
            raise bad_request("BUTTON_DATA_INVALID")
    if "url" in button and not _is_button_url(str(button["url"])):
        raise bad_request("BUTTON_URL_INVALID")
    if "copy_text" in button:
        text = str(button["copy_text"].get("text") or "")
        if not 1 <= len(text) <= COPY_TEXT_LIMIT:
            raise bad_request("BUTTON_COPY_TEXT_INVALID")


def _is_button_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - reading it is what checks it
    except ValueError:
        return False
    if any(char.isspace() for char in url):
        return False
    if parts.scheme == "tg":
        return bool(parts.netloc)
    return parts.scheme in {"http", "https"} and "." in (parts.hostname or "").strip(".")
