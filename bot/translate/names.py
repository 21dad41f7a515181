"""Display names of Telegram's people and chats. Pure."""

from aiogram.types import Chat, User

from bot.translate.visible import NOBODY, full_name, visible


def person_name(user: User) -> str:
    """Return what a person is called: by the name, the user name, or as nobody in particular."""
    return full_name(user.first_name, user.last_name) or visible(user.username) or NOBODY


def chat_name(chat: Chat) -> str:
    """Return what a chat is called; nothing when it has no name."""
    named = visible(chat.title) or full_name(chat.first_name, chat.last_name)
    return named or visible(chat.username)
