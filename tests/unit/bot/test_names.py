"""Names of which nothing can be seen."""

import pytest
from aiogram.types import Chat, Message, User

from bot.translate.incoming import messages
from bot.translate.names import chat_name, person_name
from bot.translate.visible import full_name

BLANKS = {
    "hangul-filler": "\u3164",
    "half-width-filler": "\uffa0",
    "choseong-filler": "\u115f\u1160",
    "zero-width-space": "\u200b",
    "joiners": "\u200d\u200c\u2060",
    "braille-blank": "\u2800\u2800",
    "no-break-space": "\u00a0",
    "ideographic-space": "\u3000",
    "soft-hyphen": "\u00ad",
    "byte-order-mark": "\ufeff",
    "bidi-controls": "\u202e\u2066\u200f",
    "variation-selector": "\ufe0f",
    "grapheme-joiner": "\u034f",
    "khmer-vowels": "\u17b4\u17b5",
    "mongolian-separator": "\u180e",
    "tags": "\U000e0020\U000e007f",
    "null-notehead": "\U0001d159",
    "interlinear": "\ufff9\ufffb",
    "control": "\x00\x07",
    "mixed": " \u200b\u3164\u2800 ",
    "empty": "",
}
CHAT = {"id": 555, "type": "private"}


@pytest.mark.parametrize("blank", BLANKS.values(), ids=BLANKS.keys())
def test_an_invisible_name_is_none(blank):
    """The user name is taken instead, and without one what everybody without a name is called."""
    known = User(id=1, is_bot=False, first_name=blank, username="ann_example")
    assert person_name(known) == messages.person(known).name == "ann_example"
    assert person_name(User(id=1, is_bot=False, first_name=blank)) == "Telegram user"
    assert person_name(User(id=1, is_bot=False, first_name=blank, last_name="Lee")) == "Lee"
    assert full_name(blank, blank) == ""
    assert chat_name(Chat(id=-1, type="channel", title=blank, username="news")) == "news"


@pytest.mark.parametrize(
    "name", ["Ann", "👩\u200d🚀", "Zo\u0308e", "می\u200cخواهم", ".", "ㅤA", "\U0001fae9", "ᅠᄀ"]
)
def test_a_name_of_which_anything_can_be_seen_counts(name):
    """Emoji, scripts that need joiners, and names with a blank in them stay as they are."""
    assert person_name(User(id=1, is_bot=False, first_name=name, username="x")) == name


def shown(**content):
    """Return what Kommo shows of a message."""
    fields = {"message_id": 42, "date": 1767348000, "chat": CHAT, "text": "Hi"} | content
    message = messages.client_message(
        Message.model_validate(fields), bot_id=1, source_id=None, media_url=str
    )
    assert message is not None
    return message.payload.content


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        ({"type": "hidden_user", "sender_user_name": "\u3164"}, "[Forwarded]\nHi"),
        (
            {"type": "user", "sender_user": {"id": 1, "is_bot": False, "first_name": "\u200b"}},
            "[Forwarded from Telegram user]\nHi",
        ),
        (
            {"type": "chat", "sender_chat": {"id": -1, "type": "group", "title": "\u2800"}},
            "[Forwarded]\nHi",
        ),
        (
            {
                "type": "channel",
                "chat": {"id": -1, "type": "channel", "title": "\u2800", "username": "news"},
                "message_id": 1,
                "author_signature": "\u3164",
            },
            "[Forwarded from news]\nHi",
        ),
    ],
)
def test_an_invisible_author_is_not_named(origin, text):
    """Where nobody can be named, it is still said that the message is from elsewhere."""
    assert shown(forward_origin={"date": 1767340000, **origin}).text == text


def test_an_entry_without_a_visible_name_is_called_by_its_number():
    """So is an address book entry."""
    entry = {"phone_number": "14155550123", "first_name": "\u3164", "last_name": "\u200b"}
    contact = shown(text=None, contact=entry).contact
    assert contact is not None
    assert contact.name == "14155550123"
