"""Every kind of content of Telegram Desktop's export, as Kommo is to show it."""

import pytest

from bot.translate.exports.contents import told
from bot.translate.exports.told import Told

LYING = {
    "photos/photo_1.jpg": 100,
    "files/plan.pdf": 2000,
    "video_files/v.mp4": 3000,
    "round_video_messages/r.mp4": 400,
    "voice_messages/a.ogg": 50,
    "files/song.mp3": 60,
    "animations/a.mp4": 70,
    "animations/a.gif": 71,
    "stickers/s.webp": 80,
    "stickers/s.tgs": 81,
    "stickers/s.tgs_thumb.jpg": 82,
}
FILE = {"file_name": "plan.pdf", "file_size": 2000, "mime_type": "application/pdf"}


def read(message) -> Told:
    """Return what a message tells; it tells something."""
    found = told(message, LYING.get)
    assert found is not None
    return found


def shown(**fields):
    """Return what is made of a message: its kind, content and file's path."""
    base = {"id": 1, "type": "message", "from": "Ann", "from_id": "user555", "text": ""}
    found = read({**base, **fields})
    content = found.content.model_dump(exclude_none=True)
    return found.kind, content, found.file and found.file.path


def text(words):
    """Return a text."""
    return {"type": "text", "text": words}


CASES = [
    pytest.param({"text": "hello"}, ("text", text("hello"), None), id="text"),
    pytest.param(
        {"text": ["see ", {"type": "link", "text": "example.com"}]},
        ("text", text("see example.com"), None),
        id="old-text-in-pieces",
    ),
    pytest.param(
        {
            "text": "ignored",
            "text_entities": [
                {"type": "bold", "text": "see "},
                {"type": "text_link", "text": "this", "href": "https://example.com/a"},
                {"type": "text_link", "text": "example.com", "href": "https://example.com/"},
                {"type": "custom_emoji", "text": "👍", "document_id": "x"},
            ],
        },
        ("text", text("see this (https://example.com/a)example.com👍"), None),
        id="entities",
    ),
    pytest.param(
        {"photo": "photos/photo_1.jpg", "photo_file_size": 100, "text": "look"},
        (
            "photo",
            {"type": "picture", "text": "look", "file_name": "photo_1.jpg", "file_size": 100},
            "photos/photo_1.jpg",
        ),
        id="photo",
    ),
    pytest.param(
        {"file": "files/plan.pdf", **FILE},
        ("file", {"type": "file", "file_name": "plan.pdf", "file_size": 2000}, "files/plan.pdf"),
        id="file",
    ),
    pytest.param(
        {"file": "video_files/v.mp4", "media_type": "video_file", "duration_seconds": 7},
        (
            "video",
            {"type": "video", "file_name": "v.mp4", "file_size": 3000, "media_duration": 7},
            "video_files/v.mp4",
        ),
        id="video",
    ),
    pytest.param(
        {"file": "round_video_messages/r.mp4", "media_type": "video_message"},
        (
            "round video",
            {"type": "video", "file_name": "r.mp4", "file_size": 400},
            "round_video_messages/r.mp4",
        ),
        id="round-video",
    ),
    pytest.param(
        {"file": "voice_messages/a.ogg", "media_type": "voice_message", "duration_seconds": 3},
        (
            "voice",
            {"type": "voice", "file_name": "a.ogg", "file_size": 50, "media_duration": 3},
            "voice_messages/a.ogg",
        ),
        id="voice",
    ),
    pytest.param(
        {
            "file": "files/song.mp3",
            "media_type": "audio_file",
            "performer": "Band",
            "title": "Song",
        },
        (
            "audio",
            {"type": "audio", "file_name": "Band - Song.mp3", "file_size": 60},
            "files/song.mp3",
        ),
        id="audio",
    ),
    pytest.param(
        {"file": "animations/a.mp4", "media_type": "animation", "mime_type": "video/mp4"},
        (
            "animation",
            {"type": "video", "file_name": "a.mp4", "file_size": 70},
            "animations/a.mp4",
        ),
        id="animation",
    ),
    pytest.param(
        {"file": "animations/a.gif", "media_type": "animation", "mime_type": "image/gif"},
        (
            "animation",
            {"type": "picture", "file_name": "a.gif", "file_size": 71},
            "animations/a.gif",
        ),
        id="gif",
    ),
    pytest.param(
        {"file": "stickers/s.webp", "media_type": "sticker", "sticker_emoji": "😀"},
        (
            "sticker",
            {"type": "picture", "text": "😀", "file_name": "sticker.png"},
            "stickers/s.webp",
        ),
        id="sticker",
    ),
    pytest.param(
        {
            "file": "stickers/s.tgs",
            "thumbnail": "stickers/s.tgs_thumb.jpg",
            "media_type": "sticker",
            "sticker_emoji": "😀",
        },
        (
            "sticker",
            {"type": "picture", "text": "😀", "file_name": "sticker.png"},
            "stickers/s.tgs_thumb.jpg",
        ),
        id="moving-sticker",
    ),
    pytest.param(
        {"file": "(File not included.)", "media_type": "sticker", "sticker_emoji": "😀"},
        ("sticker", text("[sticker] 😀"), None),
        id="sticker-not-included",
    ),
    pytest.param(
        {"contact_information": {"first_name": "Max", "last_name": "E", "phone_number": "+1 5"}},
        ("contact", {"type": "contact", "contact": {"name": "Max E", "phone": "+1 5"}}, None),
        id="contact",
    ),
    pytest.param(
        {"contact_information": {"first_name": "Max", "phone_number": ""}},
        ("contact", text("[contact] Max"), None),
        id="contact-without-number",
    ),
    pytest.param(
        {"location_information": {"latitude": 37.5, "longitude": -122}},
        ("location", {"type": "location", "location": {"lon": -122.0, "lat": 37.5}}, None),
        id="location",
    ),
    pytest.param(
        {
            "location_information": {"latitude": 1, "longitude": 2},
            "live_location_period_seconds": 900,
        },
        (
            "location",
            {
                "type": "location",
                "location": {"lon": 2.0, "lat": 1.0},
                "text": "[live location]",
            },
            None,
        ),
        id="live-location",
    ),
    pytest.param(
        {
            "location_information": {"latitude": 1, "longitude": 2},
            "place_name": "Cafe",
            "address": "Street 1",
        },
        (
            "venue",
            {
                "type": "location",
                "location": {"lon": 2.0, "lat": 1.0},
                "text": "Cafe\nStreet 1",
            },
            None,
        ),
        id="venue",
    ),
    pytest.param(
        {
            "poll": {
                "question": "When?",
                "closed": True,
                "answers": [{"text": "Now", "voters": 2}, {"text": "Later", "voters": 0}],
            }
        },
        ("poll", text("[poll, closed] When?\n• Now (2)\n• Later"), None),
        id="poll",
    ),
    pytest.param(
        {"todo_list": {"title": "To do", "answers": [{"text": "Buy", "id": 1}]}},
        ("checklist", text("[checklist] To do\n☐ Buy"), None),
        id="checklist",
    ),
    pytest.param({"game_title": "Chess"}, ("game", text("[game] Chess"), None), id="game"),
    pytest.param(
        {"invoice_information": {"title": "Book", "amount": 1250, "currency": "EUR"}},
        ("invoice", text("[invoice: 12.50 EUR] Book"), None),
        id="invoice",
    ),
    pytest.param(
        {"giveaway_information": {"quantity": 5}},
        ("giveaway", text("[giveaway]"), None),
        id="giveaway",
    ),
    pytest.param(
        {"paid_stars_amount": 3},
        ("paid media", text("[paid media: 3 stars]"), None),
        id="paid-media",
    ),
    pytest.param(
        {"text": "news", "forwarded_from": "Bob"},
        ("text", text("[Forwarded from Bob]\nnews"), None),
        id="forward",
    ),
    pytest.param(
        {"text": "news", "forwarded_from": None},
        ("text", text("[Forwarded]\nnews"), None),
        id="forward-of-a-deleted-account",
    ),
    pytest.param(
        {"text": "yes", "reply_to_message_id": 5, "reply_to_peer_id": "channel9"},
        ("text", text("[In reply to a message of another chat]\nyes"), None),
        id="reply-elsewhere",
    ),
    pytest.param(
        {
            "text": "choose",
            "inline_bot_buttons": [[{"type": "url", "text": "Site", "data": "https://e.com"}]],
        },
        ("text", text("choose\n[button] Site (https://e.com)"), None),
        id="buttons",
    ),
    pytest.param(
        {"text": "ok", "reactions": [{"type": "emoji", "count": 2, "emoji": "👍"}]},
        ("text", text("ok\n[reactions: 👍 (2)]"), None),
        id="reactions-of-nobody-named",
    ),
    pytest.param(
        {"file": "(File exceeds maximum size. Change data exporting settings.)", **FILE},
        ("file", text("[file plan.pdf, 2.0 kB: the file is not in the export]"), None),
        id="file-too-big-for-the-export",
    ),
    pytest.param(
        {"file": "files/gone.bin", "text": "here"},
        ("file", text("here\n[file gone.bin: the file is not in the export]"), None),
        id="file-that-is-gone",
    ),
    pytest.param(
        {"photo": "(Photo has expired)", "self_destruct_period_seconds": 5},
        ("photo", text("[self-destructing photo: the file is not in the export]"), None),
        id="self-destructing",
    ),
    pytest.param(
        {"hologram_information": {"x": 1}},
        (
            "text",
            text("[Something that this version of the bridge cannot show: hologram information]"),
            None,
        ),
        id="unknown",
    ),
]


@pytest.mark.parametrize(("fields", "expected"), CASES)
def test_every_kind_of_content_is_shown(fields, expected):
    """What an export holds is shown as what it is, or named."""
    assert shown(**fields) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"duration_seconds": 65}, "[call, 1 min 5 s]", id="call"),
        pytest.param({"discard_reason": "missed"}, "[call, missed]", id="missed"),
        pytest.param({"discard_reason": "busy"}, "[call, busy]", id="busy"),
        pytest.param({}, "[call, not answered]", id="not-answered"),
    ],
)
def test_a_call_is_a_notice(fields, expected):
    """A manager sees that there was a call, and of whom."""
    call = {"type": "service", "action": "phone_call", "actor": "Ann", "actor_id": "user555"}
    found = read({**call, **fields})
    assert found.content.text == expected
    assert (found.author_id, found.author) == (555, "Ann")


@pytest.mark.parametrize(
    "message",
    [
        pytest.param({"type": "service", "action": "pin_message"}, id="pin"),
        pytest.param({"type": "service", "action": "joined_telegram"}, id="joined"),
        pytest.param({"type": "service"}, id="no-action"),
        pytest.param({"type": "unsupported", "id": 5}, id="unsupported"),
        pytest.param({}, id="nothing"),
    ],
)
def test_what_nobody_said_is_left_out(message):
    """Service messages other than calls tell a manager nothing."""
    assert told(message, LYING.get) is None


def test_who_put_which_emoji():
    """Reactions whose persons are named are told apart from those of nobody named."""
    found = read(
        {
            "type": "message",
            "text": "ok",
            "reactions": [
                {"emoji": "👍", "recent": [{"from": "Ann", "from_id": "user555"}]},
                {"type": "custom_emoji", "document_id": "x", "recent": [{"from_id": "user900"}]},
            ],
        }
    )
    assert [(mark.emoji, mark.user_id) for mark in found.marks] == [("👍", 555)]
    assert found.content.text == "ok"


@pytest.mark.parametrize(
    ("from_id", "expected"),
    [("user555", 555), (555, 555), ("555", 555), ("channel5", None), (None, None), (True, None)],
)
def test_authors_of_all_times(from_id, expected):
    """Very old exports name a person by a plain number."""
    message = {"type": "message", "text": "a", "from_id": from_id}
    assert read(message).author_id == expected


@pytest.mark.parametrize("odd", [None, 5, [], {}, "x", [[]], [{"a": 1}], True])
@pytest.mark.parametrize(
    "key",
    [
        "text", "text_entities", "photo", "file", "poll", "location_information", "reactions",
        "contact_information", "todo_list", "invoice_information", "inline_bot_buttons",
        "game_title", "forwarded_from", "from", "from_id", "reply_to_message_id", "media_type",
        "file_name", "file_size", "duration_seconds", "sticker_emoji", "thumbnail", "type",
    ],
)  # fmt: skip
def test_an_odd_field_stops_nothing(key, odd):
    """Whatever stands in a field, the message is read."""
    message = {"type": "message", "text": "words", "file": "files/plan.pdf", key: odd}
    found = told(message, LYING.get)
    assert found is None or found.content.type
