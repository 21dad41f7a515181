"""The Bot API's methods by name, and those that only look something up.

Reference: Bot API, Available methods.
"""

from collections.abc import Mapping
from typing import Any, Final

from sandbox.telegram import editing, sending
from sandbox.telegram.files import StoredFile, media_content
from sandbox.telegram.model import ApiCall, ApiError, Json, bad_request, forbidden
from sandbox.telegram.sending import Method
from sandbox.telegram.world import World

DOWNLOAD_LIMIT_BYTES: Final = 20 * 2**20  # Reference: Bot API, getFile
FOLDERS: Final = {".jpg": "photos", ".oga": "voice", ".ogg": "voice", ".mp4": "videos"}


def get_me(_world: World, call: ApiCall) -> Json:
    """Who the bot is."""
    return call.bot.me()


def set_webhook(_world: World, call: ApiCall) -> bool:
    """Have updates posted; the sandbox only refuses getUpdates from then on."""
    url = call.text("url")
    if url and not url.startswith("https://"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
    call.bot.webhook_url = url
    _drop_updates(call)
    if url and call.bot.poll is not None:
        call.bot.poll.end("webhook")
    return True


def delete_webhook(_world: World, call: ApiCall) -> bool:
    """Go back to getUpdates."""
    call.bot.webhook_url = ""
    _drop_updates(call)
    return True


def get_webhook_info(_world: World, call: ApiCall) -> Json:
    """Where updates are posted to."""
    return {
        "url": call.bot.webhook_url,
        "has_custom_certificate": False,
        "pending_update_count": len(call.bot.updates),
    }


def get_file(world: World, call: ApiCall) -> Json:
    """Where a file can be downloaded from."""
    file_id = call.text("file_id")
    file = world.file(call.bot, file_id)
    if file is None:
        raise bad_request("wrong file_id or the file is temporarily unavailable")
    if file.size > DOWNLOAD_LIMIT_BYTES and world.local_folder is None:
        raise bad_request("file is too big")
    return {
        "file_id": file_id,
        "file_unique_id": f"unique{file_id}",
        "file_size": file.size,
        "file_path": _file_path(world, call, file_id, file),
    }


def get_user_profile_photos(world: World, call: ApiCall) -> Json:
    """Somebody's pictures: here, one or none."""
    peer = world.peers.get(call.integer("user_id"))
    if peer is None:
        raise bad_request("user not found")
    if peer.avatar is None:
        return {"total_count": 0, "photos": []}
    world.owners[peer.avatar].add(call.bot.id)
    sizes = media_content("photo", peer.avatar, world.files[peer.avatar])["photo"]
    return {"total_count": 1, "photos": [sizes]}


def get_chat(world: World, call: ApiCall) -> Json:
    """What is known of a chat, as a `ChatFullInfo`."""
    peer = world.receiver(call, is_for_sending=False).peer
    kinds = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription")
    info = {
        **peer.chat(),
        "accent_color_id": 0,
        "max_reaction_count": 11,
        "accepted_gift_types": dict.fromkeys((*kinds, "gifts_from_channels"), False),
    }
    if peer.avatar is not None:
        world.owners[peer.avatar].add(call.bot.id)
        photo = {f"{size}_file_id": peer.avatar for size in ("small", "big")}
        unique = {f"{size}_file_unique_id": f"unique{peer.avatar}" for size in ("small", "big")}
        info["photo"] = {**photo, **unique}
    return info


def get_business_connection(world: World, call: ApiCall) -> Json:
    """A business account that the bot is connected to."""
    connection = world.connections.get(call.text("business_connection_id"))
    if connection is None:
        raise bad_request("business connection not found")
    return connection.content()


def read_business_message(world: World, call: ApiCall) -> bool:
    """Mark a client's message as read by the business account."""
    connection = world.connections.get(call.text("business_connection_id"))
    if connection is None:
        raise bad_request("business connection not found")
    if not connection.rights.get("can_read_messages"):
        raise forbidden("not enough rights to read messages")
    chat = world.receiver(call)
    if call.integer("message_id") not in chat.messages:
        raise bad_request("message not found")
    world.read.append((chat.peer.id, call.integer("message_id")))
    return True


def set_my_commands(_world: World, call: ApiCall) -> bool:
    """Take the list of commands; the sandbox shows it nowhere."""
    if not isinstance(call.decoded("commands") or [], list):
        raise bad_request("can't parse commands: expected an Array")
    return True


def _drop_updates(call: ApiCall) -> None:
    if call.flag("drop_pending_updates"):
        call.bot.updates.clear()


def _file_path(world: World, call: ApiCall, file_id: str, file: StoredFile) -> str:
    """A path to ask the server for, or one on this disk from a local server."""
    folder = FOLDERS.get(file.extension, "documents")
    name = file.name if world.keeps_names else f"{file_id.lower()}{file.extension}"
    path = f"{folder}/{name}"
    if world.local_folder is None:
        world.paths[path] = file_id
        return path
    target = world.local_folder / str(call.bot.id) / path
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as opened:
            opened.writelines(file.chunks())
    return str(target)


FILES: Final = {
    "sendPhoto": "photo",
    "sendDocument": "document",
    "sendVideo": "video",
    "sendAudio": "audio",
    "sendVoice": "voice",
    "sendAnimation": "animation",
    "sendSticker": "sticker",
    "sendVideoNote": "video_note",
}
GET_UPDATES: Final = "getUpdates"
METHODS: Final[Mapping[str, Method]] = {
    "getMe": get_me,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "getWebhookInfo": get_webhook_info,
    "sendMessage": sending.send_message,
    **{method: sending.media_method(kind) for method, kind in FILES.items()},
    "sendMediaGroup": sending.send_media_group,
    "sendLocation": sending.send_location,
    "sendVenue": sending.send_venue,
    "sendContact": sending.send_contact,
    "sendChatAction": sending.send_chat_action,
    "editMessageText": editing.edit_text,
    "editMessageCaption": editing.edit_caption,
    "editMessageReplyMarkup": editing.edit_reply_markup,
    "deleteMessage": editing.delete_message,
    "deleteMessages": editing.delete_messages,
    "deleteBusinessMessages": editing.delete_business_messages,
    "setMessageReaction": editing.set_message_reaction,
    "answerCallbackQuery": editing.answer_callback_query,
    "getFile": get_file,
    "getUserProfilePhotos": get_user_profile_photos,
    "getChat": get_chat,
    "getBusinessConnection": get_business_connection,
    "readBusinessMessage": read_business_message,
    "setMyCommands": set_my_commands,
}
NAMES: Final = {name.lower(): name for name in (*METHODS, GET_UPDATES)}


def carry_out(world: World, call: ApiCall) -> Any:
    """Carry out any method but getUpdates; raises `ApiError` as the original refuses."""
    method = METHODS.get(call.method)
    if method is None:
        raise ApiError(404, "Not Found")
    return method(world, call)
