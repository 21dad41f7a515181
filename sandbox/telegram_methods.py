"""The Bot API's methods, with the limits and the words of the original.

Reference: Bot API, Available methods.
"""

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit

from sandbox.telegram_model import Bot, Chat, Person, SentMessage, Upload
from sandbox.telegram_updates import ApiError, get_updates

TEXT_LIMIT, TEXT_LIMIT_BYTES, CAPTION_LIMIT = 4096, 32_768, 1024
CALLBACK_LIMIT_BYTES, ANSWER_LIMIT, INLINE_LIMIT = 64, 200, 100
FILE_LIMIT_BYTES, PHOTO_LIMIT_BYTES, DOWNLOAD_LIMIT_BYTES = 50 << 20, 10 << 20, 20 << 20

REACTIONS = frozenset(
    ["❤", "👍", "👎", "🔥", "🥰", "👏", "😁", "🤔", "🤯", "😱", "🤬", "😢", "🎉", "🤩", "🤮", "💩", "🙏", "👌", "🕊", "🤡", "🥱", "🥴", "😍", "🐳", "❤\u200d🔥", "🌚", "🌭", "💯", "🤣", "⚡", "🍌", "🏆", "💔", "🤨", "😐", "🍓", "🍾", "💋", "🖕", "😈", "😴", "😭", "🤓", "👻", "👨\u200d💻", "👀", "🎃", "🙈", "😇", "😨", "🤝", "✍", "🤗", "🫡", "🎅", "🎄", "☃", "💅", "🤪", "🗿", "🆒", "💘", "🙉", "🦄", "😘", "💊", "🙊", "😎", "👾", "🤷\u200d♂", "🤷", "🤷\u200d♀", "😡"]
)

MEDIA = {
    "sendPhoto": "photo",
    "sendDocument": "document",
    "sendVideo": "video",
    "sendAudio": "audio",
    "sendVoice": "voice",
    "sendAnimation": "animation",
    "sendSticker": "sticker",
    "sendVideoNote": "video_note",
}

PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"II*\0", b"MM\0*")


class World(Protocol):
    """What the methods need of the server."""

    people: dict[int, Person]
    sent: list[SentMessage]
    files: dict[str, Upload]
    actions: list[tuple[int, str]]

    def chat(self, bot_id: int, chat_id: int) -> Chat:
        """Return what was said in a chat."""
        ...

    def add_file(self, content: bytes, name: str = "file.bin", *, size: int | None = None) -> str:
        """Keep a file and return its file_id."""
        ...


Method = Callable[[World, Bot, dict[str, Any], dict[str, Upload]], Awaitable[Any]]


async def call(
    world: World, bot: Bot, method: str, parameters: dict[str, Any], files: dict[str, Upload]
) -> Any:
    """Carry out a method; raises `ApiError` as the original refuses."""
    found = METHODS.get(method.lower())
    if found is None:
        raise ApiError(404, "Not Found")
    return await found(world, bot, parameters, files)


async def _get_me(_world: World, bot: Bot, _parameters: dict[str, Any], _files: Any) -> Any:
    return bot.user()


async def _get_updates(_world: World, bot: Bot, parameters: dict[str, Any], _files: Any) -> Any:
    return await get_updates(bot, parameters)


async def _set_webhook(_world: World, bot: Bot, parameters: dict[str, Any], _files: Any) -> Any:
    bot.webhook_url = str(parameters.get("url") or "")
    return True


async def _delete_webhook(_world: World, bot: Bot, parameters: dict[str, Any], _files: Any) -> Any:
    bot.webhook_url = ""
    if parameters.get("drop_pending_updates") in {"true", "True", True, "1"}:
        bot.updates.clear()
    return True


async def _get_webhook_info(
    _world: World, bot: Bot, _parameters: dict[str, Any], _files: Any
) -> Any:
    return {
        "url": bot.webhook_url,
        "has_custom_certificate": False,
        "pending_update_count": len(bot.updates),
    }


async def _send_message(
    world: World, bot: Bot, parameters: dict[str, Any], files: dict[str, Upload]
) -> Any:
    person = _receiver(world, parameters)
    text = clean(str(parameters.get("text") or ""))
    if not text:
        raise ApiError(400, "Bad Request: message text is empty")
    _check_markup_of_text(parameters, text)
    if len(text) > TEXT_LIMIT or len(text.encode()) > TEXT_LIMIT_BYTES:
        raise ApiError(400, "Bad Request: message is too long")
    return _post(world, bot, person, "sendMessage", parameters, files, {"text": text}, text)


def _media_method(method: str, kind: str) -> Method:
    async def send(
        world: World, bot: Bot, parameters: dict[str, Any], files: dict[str, Upload]
    ) -> Any:
        person = _receiver(world, parameters)
        caption = clean(str(parameters.get("caption") or ""))
        if len(caption) > CAPTION_LIMIT:
            raise ApiError(400, "Bad Request: message caption is too long")
        upload = _upload(world, kind, parameters, files)
        content: dict[str, Any] = _media(world, kind, upload)
        if caption and kind not in {"sticker", "video_note"}:
            content["caption"] = caption
        return _post(world, bot, person, method, parameters, {kind: upload}, content, caption)

    return send


async def _send_media_group(
    world: World, bot: Bot, parameters: dict[str, Any], files: dict[str, Upload]
) -> Any:
    person = _receiver(world, parameters)
    items = _json(parameters.get("media")) or []
    if not 2 <= len(items) <= 10:
        raise ApiError(400, "Bad Request: wrong number of media in an album")
    group = str(time.time_ns())
    posted = []
    for item in items:
        upload = _upload(world, "media", item, files)
        caption = clean(str(item.get("caption") or ""))
        content = {**_media(world, item["type"], upload), "media_group_id": group}
        if caption:
            content["caption"] = caption
        posted.append(
            _post(
                world, bot, person, "sendMediaGroup", parameters, {item["type"]: upload}, content,
                caption,
            )
        )  # fmt: skip
    return posted


async def _send_location(world: World, bot: Bot, parameters: dict[str, Any], files: Any) -> Any:
    person = _receiver(world, parameters)
    location = {
        "latitude": float(parameters["latitude"]),
        "longitude": float(parameters["longitude"]),
    }
    return _post(world, bot, person, "sendLocation", parameters, files, {"location": location}, "")


async def _send_contact(world: World, bot: Bot, parameters: dict[str, Any], files: Any) -> Any:
    person = _receiver(world, parameters)
    contact = {"phone_number": parameters["phone_number"], "first_name": parameters["first_name"]}
    return _post(world, bot, person, "sendContact", parameters, files, {"contact": contact}, "")


async def _send_chat_action(
    world: World, _bot: Bot, parameters: dict[str, Any], _files: Any
) -> Any:
    person = _receiver(world, parameters)
    world.actions.append((person.id, str(parameters.get("action"))))
    return True


async def _edit_text(world: World, bot: Bot, parameters: dict[str, Any], _files: Any) -> Any:
    message = _own_message(world, bot, parameters)
    text = clean(str(parameters.get("text") or ""))
    if not text:
        raise ApiError(400, "Bad Request: message text is empty")
    if len(text) > TEXT_LIMIT:
        raise ApiError(400, "Bad Request: message is too long")
    return _edit(message, parameters, {"text": text})


async def _edit_caption(world: World, bot: Bot, parameters: dict[str, Any], _files: Any) -> Any:
    message = _own_message(world, bot, parameters)
    return _edit(message, parameters, {"caption": clean(str(parameters.get("caption") or ""))})


async def _edit_markup(world: World, bot: Bot, parameters: dict[str, Any], _files: Any) -> Any:
    return _edit(_own_message(world, bot, parameters), parameters, {})


async def _delete_message(world: World, bot: Bot, parameters: dict[str, Any], _files: Any) -> Any:
    chat = world.chat(bot.id, int(parameters["chat_id"]))
    if chat.messages.pop(int(parameters["message_id"]), None) is None:
        raise ApiError(400, "Bad Request: message to delete not found")
    return True


async def _answer_callback(world: World, bot: Bot, parameters: dict[str, Any], _files: Any) -> Any:
    if len(str(parameters.get("text") or "")) > ANSWER_LIMIT:
        raise ApiError(400, "Bad Request: MESSAGE_TOO_LONG")
    world.actions.append((bot.id, f"answer {parameters.get('callback_query_id')}"))
    return True


async def _set_reaction(world: World, bot: Bot, parameters: dict[str, Any], _files: Any) -> Any:
    chat = world.chat(bot.id, int(parameters["chat_id"]))
    message = chat.messages.get(int(parameters["message_id"]))
    if message is None:
        raise ApiError(400, "Bad Request: message to react not found")
    reactions = _json(parameters.get("reaction")) or []
    if len(reactions) > 1 or any(entry.get("emoji") not in REACTIONS for entry in reactions):
        raise ApiError(400, "Bad Request: REACTION_INVALID")
    message["bot_reaction"] = reactions[0]["emoji"] if reactions else None
    return True


async def _get_file(world: World, _bot: Bot, parameters: dict[str, Any], _files: Any) -> Any:
    file_id = str(parameters.get("file_id") or "")
    upload = world.files.get(file_id)
    if upload is None:
        raise ApiError(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
    if upload.size > DOWNLOAD_LIMIT_BYTES and not getattr(world, "is_local", False):
        raise ApiError(400, "Bad Request: file is too big")
    path = getattr(world, "file_path", lambda key: f"files/{key}")(file_id)
    return {
        "file_id": file_id,
        "file_unique_id": "u" + file_id,
        "file_size": upload.size,
        "file_path": path,
    }


async def _get_photos(world: World, _bot: Bot, parameters: dict[str, Any], _files: Any) -> Any:
    file_id = getattr(world, "avatars", {}).get(int(parameters.get("user_id") or 0))
    photos = [[_photo_size(file_id, world.files[file_id].size)]] if file_id else []
    return {"total_count": len(photos), "photos": photos}


async def _get_chat(world: World, _bot: Bot, parameters: dict[str, Any], _files: Any) -> Any:
    person = _receiver(world, parameters, may_be_blocked=True)
    return {
        **person.chat(),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
    }


METHODS: Mapping[str, Method] = {
    "getme": _get_me,
    "getupdates": _get_updates,
    "setwebhook": _set_webhook,
    "deletewebhook": _delete_webhook,
    "getwebhookinfo": _get_webhook_info,
    "sendmessage": _send_message,
    **{method.lower(): _media_method(method, kind) for method, kind in MEDIA.items()},
    "sendmediagroup": _send_media_group,
    "sendlocation": _send_location,
    "sendcontact": _send_contact,
    "sendchataction": _send_chat_action,
    "editmessagetext": _edit_text,
    "editmessagecaption": _edit_caption,
    "editmessagereplymarkup": _edit_markup,
    "deletemessage": _delete_message,
    "answercallbackquery": _answer_callback,
    "setmessagereaction": _set_reaction,
    "getfile": _get_file,
    "getuserprofilephotos": _get_photos,
    "getchat": _get_chat,
}


def clean(text: str) -> str:
    """Return a text as the server stores it: no control characters, no spaces at its ends."""
    return "".join(
        " " if ord(char) < 32 and char != "\n" else char for char in text.replace("\r", "")
    ).strip()


def _receiver(world: World, parameters: dict[str, Any], *, may_be_blocked: bool = False) -> Person:
    """Return whom a message is for, or refuse as Telegram does."""
    person = world.people.get(int(parameters.get("chat_id") or 0))
    if person is None:
        raise ApiError(400, "Bad Request: chat not found")
    if person.is_deactivated:
        raise ApiError(403, "Forbidden: user is deactivated")
    if person.has_blocked and not may_be_blocked:
        raise ApiError(403, "Forbidden: bot was blocked by the user")
    return person


def _check_markup_of_text(parameters: dict[str, Any], text: str) -> None:
    """Refuse broken HTML, in the one way that matters: an angle bracket that begins no tag."""
    if str(parameters.get("parse_mode") or "").upper() == "HTML" and text.count("<") != text.count(
        ">"
    ):
        raise ApiError(400, "Bad Request: can't parse entities: unclosed start tag")


def _upload(
    world: World, kind: str, parameters: dict[str, Any], files: dict[str, Upload]
) -> Upload:
    """Return the file that a call sends, uploaded or by file_id."""
    value = str(parameters.get(kind) or "")
    key = value.removeprefix("attach://")
    upload = files.get(key) or files.get(kind) or world.files.get(value)
    if upload is None:
        raise ApiError(400, "Bad Request: wrong file identifier/HTTP URL specified")
    if upload.size > FILE_LIMIT_BYTES and not getattr(world, "is_local", False):
        raise ApiError(413, "Request Entity Too Large")
    if upload.size == 0:
        raise ApiError(400, "Bad Request: file must be non-empty")
    if kind == "photo":
        if upload.size > PHOTO_LIMIT_BYTES:
            raise ApiError(400, "Bad Request: file is too big")
        if not upload.content.startswith(PICTURES) and not upload.content[8:12] == b"WEBP":
            raise ApiError(400, "Bad Request: IMAGE_PROCESS_FAILED")
    return upload


def _media(world: World, kind: str, upload: Upload) -> dict[str, Any]:
    """Return the content of a media message as the Bot API words it."""
    file_id = world.add_file(upload.content, upload.name, size=upload.size)
    base: dict[str, Any] = {
        "file_id": file_id,
        "file_unique_id": "u" + file_id,
        "file_size": upload.size,
    }
    extra: dict[str, dict[str, Any]] = {
        "document": {"file_name": upload.name},
        "video": {"width": 320, "height": 240, "duration": 1, "file_name": upload.name},
        "animation": {"width": 320, "height": 240, "duration": 1},
        "audio": {"duration": 1, "file_name": upload.name},
        "voice": {"duration": 1},
        "video_note": {"length": 240, "duration": 1},
        "sticker": {
            "type": "regular",
            "width": 512,
            "height": 512,
            "is_animated": False,
            "is_video": False,
        },
    }
    if kind == "photo":
        return {"photo": [_photo_size(file_id, upload.size)]}
    return {kind: {**base, **extra[kind]}}


def _photo_size(file_id: str, size: int) -> dict[str, Any]:
    return {
        "file_id": file_id,
        "file_unique_id": "u" + file_id,
        "width": 320,
        "height": 240,
        "file_size": size,
    }


def _post(  # noqa: PLR0917 - the steps all messages share
    world: World,
    bot: Bot,
    person: Person,
    method: str,
    parameters: dict[str, Any],
    files: dict[str, Upload],
    content: dict[str, Any],
    text: str,
) -> dict[str, Any]:
    """Put a bot's message into a chat and return it as the Bot API does."""
    chat = world.chat(bot.id, person.id)
    parameters = {**parameters, "reply_markup": _markup(parameters.get("reply_markup"))}
    reply = _json(parameters.get("reply_parameters"))
    replied = chat.messages.get(int(reply["message_id"])) if reply else None
    if reply and replied is None and not reply.get("allow_sending_without_reply"):
        raise ApiError(400, "Bad Request: message to be replied not found")
    message_id = next(chat.message_ids)
    message: dict[str, Any] = {
        "message_id": message_id,
        "date": int(time.time()),
        "chat": person.chat(),
        "from": bot.user(),
        **content,
    }
    if replied is not None:
        message["reply_to_message"] = {k: v for k, v in replied.items() if k != "bot_reaction"}
    if parameters["reply_markup"] and "inline_keyboard" in parameters["reply_markup"]:
        message["reply_markup"] = parameters["reply_markup"]
    chat.messages[message_id] = message
    world.sent.append(
        SentMessage(
            method, bot.id, person.id, message_id, text, parameters, dict(files), time.time()
        )
    )
    return message


def _edit(message: dict[str, Any], parameters: dict[str, Any], change: dict[str, Any]) -> Any:
    """Change a message; refuse a change that changes nothing."""
    markup = _markup(parameters.get("reply_markup"))
    if all(message.get(key) == value for key, value in change.items()) and (
        markup == message.get("reply_markup")
    ):
        raise ApiError(
            400,
            "Bad Request: message is not modified: specified new message content and reply markup "
            "are exactly the same as a current content and reply markup of the message",
        )
    message.update(change)
    message.pop("reply_markup", None)
    if markup:
        message["reply_markup"] = markup
    message["edit_date"] = int(time.time())
    return message


def _own_message(world: World, bot: Bot, parameters: dict[str, Any]) -> dict[str, Any]:
    chat = world.chat(bot.id, int(parameters.get("chat_id") or 0))
    message = chat.messages.get(int(parameters.get("message_id") or 0))
    if message is None:
        raise ApiError(400, "Bad Request: message to edit not found")
    if message["from"]["id"] != bot.id:
        raise ApiError(400, "Bad Request: message can't be edited")
    return message


def _markup(value: Any) -> dict[str, Any] | None:
    """Return a keyboard that Telegram would take."""
    markup = _json(value)
    if not markup:
        return None
    buttons = [button for row in markup.get("inline_keyboard") or [] for button in row]
    if len(buttons) > INLINE_LIMIT:
        raise ApiError(400, "Bad Request: reply markup is too long")
    for button in buttons:
        _check_button(button)
    return dict(markup)


def _check_button(button: dict[str, Any]) -> None:
    if not str(button.get("text") or "").strip():
        raise ApiError(400, "Bad Request: inline keyboard button text must not be empty")
    if "callback_data" in button:
        if not 1 <= len(str(button["callback_data"]).encode()) <= CALLBACK_LIMIT_BYTES:
            raise ApiError(400, "Bad Request: BUTTON_DATA_INVALID")
    elif "url" in button:
        url = urlsplit(str(button["url"]))
        if url.scheme not in {"http", "https", "tg"} or "." not in (url.hostname or "tg."):
            raise ApiError(400, "Bad Request: BUTTON_URL_INVALID")
    else:
        raise ApiError(400, "Bad Request: text buttons are unallowed in the inline keyboard")


def _json(value: Any) -> Any:
    """Return a parameter that is JSON, however it was sent."""
    return json.loads(value) if isinstance(value, str) and value else value
