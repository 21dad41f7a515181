"""The methods that change what was sent. Reference: Bot API, Updating messages."""

from typing import Final

from sandbox.telegram.markup import reply_markup
from sandbox.telegram.model import DAY_S, ApiCall, Chat, Json, bad_request, forbidden
from sandbox.telegram.text import caption, message_text
from sandbox.telegram.updates import add_update
from sandbox.telegram.world import World

# Reference: Bot API, deleteMessage: only within 48 hours.
DELETABLE_S: Final = 2 * DAY_S
CALLBACK_ANSWER_LIMIT: Final = 200
BATCH: Final = range(1, 101)

# Reference: Bot API, ReactionTypeEmoji.
REACTIONS: Final = frozenset(
    """
    ❤ 👍 👎 🔥 🥰 👏 😁 🤔 🤯 😱 🤬 😢 🎉 🤩 🤮 💩 🙏 👌 🕊 🤡 🥱 🥴 😍 🐳 ❤\u200d🔥 🌚 🌭
    💯 🤣 ⚡ 🍌 🏆 💔 🤨 😐 🍓 🍾 💋 🖕 😈 😴 😭 🤓 👻 👨\u200d💻 👀 🎃 🙈 😇 😨 🤝 ✍ 🤗
    🫡 🎅 🎄 ☃ 💅 🤪 🗿 🆒 💘 🙉 🦄 😘 💊 🙊 😎 👾 🤷\u200d♂ 🤷 🤷\u200d♀ 😡
    """.split()  # noqa: SIM905 - a list of 73 quoted characters is harder to read
)
NOT_MODIFIED: Final = (
    "message is not modified: specified new message content and reply markup are exactly the "
    "same as a current content and reply markup of the message"
)


def edit_text(world: World, call: ApiCall) -> Json:
    """Change a text."""
    message = _own_message(world, call)
    if "text" not in message:
        raise bad_request("there is no text in the message to edit")
    return _change(world, call, message, message_text(call), ("text", "entities"))


def edit_caption(world: World, call: ApiCall) -> Json:
    """Change the text below a photo or file."""
    message = _own_message(world, call)
    if "text" in message:
        raise bad_request("there is no caption in the message to edit")
    return _change(world, call, message, caption(call), ("caption", "caption_entities"))


def edit_reply_markup(world: World, call: ApiCall) -> Json:
    """Change the buttons."""
    return _change(world, call, _own_message(world, call), {}, ())


def delete_message(world: World, call: ApiCall) -> bool:
    """Delete one message."""
    chat = world.receiver(call, is_for_sending=False)
    message = chat.messages.get(call.integer("message_id"))
    if message is None:
        raise bad_request("message to delete not found")
    if world.now() - message["date"] > DELETABLE_S:
        raise bad_request("message can't be deleted")
    del chat.messages[message["message_id"]]
    return True


def delete_messages(world: World, call: ApiCall) -> bool:
    """Delete several messages; those that are gone are no error."""
    chat = world.receiver(call, is_for_sending=False)
    return _delete(chat, call)


def delete_business_messages(world: World, call: ApiCall) -> bool:
    """Delete messages of a connected account's chat.

    The method names no chat: the ids are those of the account's chats.
    """
    connection = world.connections.get(call.text("business_connection_id"))
    if connection is None:
        raise bad_request("business connection not found")
    if not connection.rights.get("can_delete_sent_messages"):
        raise forbidden("not enough rights to delete messages")
    ids = {int(number) for number in call.decoded("message_ids") or []}
    for chat in _chats_of(world, call.bot.id, connection.owner.id):
        if gone := sorted(ids & chat.messages.keys()):
            for message_id in gone:
                del chat.messages[message_id]
            deleted = {
                "business_connection_id": connection.id,
                "chat": chat.peer.chat(),
                "message_ids": gone,
            }
            add_update(call.bot, "deleted_business_messages", deleted)
    return True


def set_message_reaction(world: World, call: ApiCall) -> bool:
    """React to a message, or take the reaction back."""
    chat = world.receiver(call)
    message_id = call.integer("message_id")
    if message_id not in chat.messages:
        raise bad_request("message to react not found")
    reactions = call.decoded("reaction") or []
    emojis = [str(reaction.get("emoji")) for reaction in reactions]
    if len(emojis) > 1 or not set(emojis) <= REACTIONS:
        raise bad_request("REACTION_INVALID")
    chat.reactions[message_id] = emojis[0] if emojis else None
    return True


def answer_callback_query(world: World, call: ApiCall) -> bool:
    """End the waiting of somebody who pressed a button."""
    callback_id = call.text("callback_query_id")
    if callback_id not in world.callbacks:
        raise bad_request("query is too old and response timeout expired or query ID is invalid")
    if len(call.text("text")) > CALLBACK_ANSWER_LIMIT:
        raise bad_request("MESSAGE_TOO_LONG")
    world.callbacks[callback_id] = call.text("text")
    return True


def _chats_of(world: World, bot_id: int, owner_id: int) -> list[Chat]:
    return [c for c in world.chats.values() if (c.bot_id, c.owner_id) == (bot_id, owner_id)]


def _delete(chat: Chat, call: ApiCall) -> bool:
    ids = call.decoded("message_ids") or []
    if len(ids) not in BATCH:
        raise bad_request("message identifiers are not specified")
    for message_id in ids:
        chat.messages.pop(int(message_id), None)
    return True


def _own_message(world: World, call: ApiCall) -> Json:
    chat = world.receiver(call, is_for_sending=False)
    message = chat.messages.get(call.integer("message_id"))
    if message is None:
        raise bad_request("message to edit not found")
    author: Json = message.get("sender_business_bot") or message["from"]
    if author["id"] != call.bot.id:
        raise bad_request("message can't be edited")
    return message


def _change(
    world: World, call: ApiCall, message: Json, content: Json, fields: tuple[str, ...]
) -> Json:
    """Replace old fields by new ones; refuse a change that changes nothing."""
    kept = {key: value for key, value in message.items() if key not in (*fields, "reply_markup")}
    changed = {**kept, **content}
    if markup := reply_markup(call):
        changed["reply_markup"] = markup
    if changed == message:
        raise bad_request(NOT_MODIFIED)
    changed["edit_date"] = int(world.now())
    chat = world.receiver(call, is_for_sending=False)
    chat.messages[message["message_id"]] = changed
    chat.keyboards.pop(message["message_id"], None)
    if markup:
        chat.keyboards[message["message_id"]] = markup
    return changed
