"""The methods that send something.

Reference: Bot API, Available methods: sendMessage, sendPhoto, sendMediaGroup and their kin.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from sandbox.telegram.files import StoredFile, media_content, photo_problem
from sandbox.telegram.markup import reply_markup
from sandbox.telegram.model import ApiCall, ApiError, Chat, Json, SentMessage, bad_request
from sandbox.telegram.text import caption, message_text
from sandbox.telegram.threads import in_topic, topic_of
from sandbox.telegram.updates import add_update
from sandbox.telegram.world import World

Method: TypeAlias = Callable[[World, ApiCall], Any]

PHOTO_LIMIT_BYTES: Final = 10 * 2**20  # Reference: Bot API, sendPhoto
ALBUM_SIZES: Final = range(2, 11)  # Reference: Bot API, sendMediaGroup
ALBUM_KINDS: Final = (
    frozenset({"photo", "video", "live_photo"}),
    frozenset({"document"}),
    frozenset({"audio"}),
)
LATITUDE_LIMIT: Final = 90
LONGITUDE_LIMIT: Final = 180
WITHOUT_CAPTION: Final = frozenset({"sticker", "video_note"})
VOICE: Final = frozenset({"voice", "video_note"})
ACTIONS: Final = frozenset(
    {
        "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice",
        "upload_document", "choose_sticker", "find_location", "record_video_note",
        "upload_video_note",
    }
)  # fmt: skip


def send_message(world: World, call: ApiCall) -> Json:
    """Send a text."""
    chat = world.receiver(call)
    return post(world, call, chat, message_text(call))


def media_method(kind: str) -> Method:
    """The method that sends one kind of file."""

    def send(world: World, call: ApiCall) -> Json:
        chat = world.receiver(call)
        _check_voice(chat, kind)
        file = _file(world, call, call.text(kind), kind, field=kind)
        content = media_content(kind, world.keep(file, call.bot.id), file)
        if kind not in WITHOUT_CAPTION:
            content.update(caption(call))
        return post(world, call, chat, content, files={kind: file})

    return send


def send_media_group(world: World, call: ApiCall) -> list[Json]:
    """Send an album: all of it or nothing."""
    chat = world.receiver(call)
    items = call.decoded("media") or []
    _check_album(call, [str(item.get("type")) for item in items])
    group = str(10_000_000 + world.number())
    contents = [_album_item(world, call, item, group) for item in items]
    return [
        post(world, call, chat, content, files={str(content_kind): file})
        for content_kind, file, content in contents
    ]


def send_location(world: World, call: ApiCall) -> Json:
    """Send a point on the map."""
    return post(world, call, world.receiver(call), {"location": _location(call)})


def send_venue(world: World, call: ApiCall) -> Json:
    """Send a place with its name and address."""
    chat = world.receiver(call)
    venue = {"location": _location(call), "title": call.text("title")}
    venue["address"] = call.text("address")
    return post(world, call, chat, {"venue": venue, "location": venue["location"]})


def send_contact(world: World, call: ApiCall) -> Json:
    """Send a phone number with a name."""
    chat = world.receiver(call)
    names = ("phone_number", "first_name", "last_name", "vcard")
    contact = {name: call.text(name) for name in names if call.text(name)}
    for name in names[:2]:
        if name not in contact:
            raise bad_request(f"{name} is empty")
    return post(world, call, chat, {"contact": contact})


def send_chat_action(world: World, call: ApiCall) -> bool:
    """Show that the bot is typing."""
    chat = world.receiver(call)
    if call.text("action") not in ACTIONS:
        raise bad_request("wrong parameter action in request")
    topic_of(call, chat)
    world.chat_actions.append((chat.peer.id, call.text("action")))
    return True


def post(
    world: World,
    call: ApiCall,
    chat: Chat,
    content: Json,
    *,
    files: Mapping[str, StoredFile] | None = None,
) -> Json:
    """Put a bot's message into a chat; return it as a `Message`."""
    markup = reply_markup(call)
    if chat.owner_id and markup and "keyboard" in markup:
        raise bad_request("reply keyboards are not supported in business chats")
    thread = topic_of(call, chat)
    reply_to = _replied(call, chat)
    message = {**_message(world, call, chat, content), **in_topic(thread)}
    if reply_to is not None:
        message["reply_to_message"] = without_reply(chat.messages[reply_to])
    if markup:
        chat.keyboards[message["message_id"]] = markup
        if "inline_keyboard" in markup:
            message["reply_markup"] = markup
    chat.messages[message["message_id"]] = message
    world.sent.append(_record(call, message, files or {}, markup, reply_to))
    if chat.owner_id:
        add_update(call.bot, "business_message", dict(message))
    return message


def without_reply(message: Json) -> Json:
    """A message as it is quoted in an answer to it."""
    return {key: value for key, value in message.items() if key != "reply_to_message"}


def _message(world: World, call: ApiCall, chat: Chat, content: Json) -> Json:
    message = {
        "message_id": chat.next_id(),
        "from": call.bot.user(),
        "chat": chat.peer.chat(),
        "date": int(world.now()),
        **content,
    }
    if chat.owner_id:
        connection = call.text("business_connection_id")
        message["from"] = world.connections[connection].owner.user()
        message["sender_business_bot"] = call.bot.user()
        message["business_connection_id"] = connection
    return message


def _record(
    call: ApiCall,
    message: Json,
    files: Mapping[str, StoredFile],
    markup: Json | None,
    reply_to: int | None,
) -> SentMessage:
    return SentMessage(
        method=call.method,
        bot_id=call.bot.id,
        chat_id=message["chat"]["id"],
        message_id=message["message_id"],
        text=message.get("text") or message.get("caption") or "",
        parameters=call.parameters,
        files=dict(files),
        reply_markup=markup,
        reply_to=reply_to,
        media_group_id=message.get("media_group_id"),
        at=call.at,
    )


def _replied(call: ApiCall, chat: Chat) -> int | None:
    """The message that is answered; None if there is none, or it is gone and need not be."""
    reply = call.decoded("reply_parameters")
    if not reply:
        return None
    message_id = int(reply.get("message_id") or 0)
    if message_id in chat.messages:
        return message_id
    if not reply.get("allow_sending_without_reply") and not chat.owner_id:
        raise bad_request("message to be replied not found")
    return None


def _file(world: World, call: ApiCall, value: str, kind: str, *, field: str) -> StoredFile:
    """The file that is sent: uploaded, or known by its file_id."""
    uploaded = call.files.get(value.removeprefix("attach://")) if value else call.files.get(field)
    if uploaded is not None:
        _check_upload(world, kind, uploaded)
        return uploaded
    if value.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content")
    known = world.file(call.bot, value)
    if known is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    return known


def _check_upload(world: World, kind: str, file: StoredFile) -> None:
    if file.size == 0:
        raise bad_request("file must be non-empty")
    if file.size > world.upload_limit_bytes:
        raise ApiError(413, "Request Entity Too Large")
    if kind == "photo":
        if file.size > PHOTO_LIMIT_BYTES:
            raise bad_request("file is too big")
        if problem := photo_problem(file):
            raise bad_request(problem)


def _check_voice(chat: Chat, kind: str) -> None:
    if kind in VOICE and chat.peer.forbids_voice:
        raise bad_request("VOICE_MESSAGES_FORBIDDEN")


def _check_album(call: ApiCall, kinds: Iterable[str]) -> None:
    found = list(kinds)
    if len(found) not in ALBUM_SIZES:
        raise bad_request("wrong number of media in an album: 2 to 10 are allowed")
    if not any(set(found) <= allowed for allowed in ALBUM_KINDS):
        raise bad_request("these kinds of media can't be in one album")
    if call.decoded("reply_markup"):
        raise bad_request("an album can't have a keyboard")


def _album_item(
    world: World, call: ApiCall, item: Json, group: str
) -> tuple[str, StoredFile, Json]:
    kind = str(item["type"])
    file = _file(world, call, str(item.get("media") or ""), kind, field="media")
    content = media_content(kind, world.keep(file, call.bot.id), file)
    return kind, file, {**content, **caption(call, item), "media_group_id": group}


def _location(call: ApiCall) -> Json:
    latitude, longitude = call.number("latitude"), call.number("longitude")
    if abs(latitude) > LATITUDE_LIMIT or abs(longitude) > LONGITUDE_LIMIT:
        raise bad_request("wrong parameter latitude or longitude in request")
    return {"latitude": latitude, "longitude": longitude}
