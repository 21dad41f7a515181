"""One odd field anywhere in an update costs that field, and not what the client said."""

import copy
import json
import time
from pathlib import Path
from typing import Any

import pytest
from aiogram.types import Video

from bot.translate.incoming import messages, notices
from bot.translate.incoming.lenient import read
from bot.translate.incoming.reactions import client_reaction
from bot.translate.incoming.updates import UnreadableError, read_update
from tests.unit.bot.older_servers import NEWER

SAMPLES = Path(__file__).parents[2] / "samples"
NAMES = sorted(file.name.removesuffix(".client.json") for file in SAMPLES.glob("*.client.json"))
ANN = {"id": 555, "is_bot": False, "first_name": "Ann"}
CHAT = {"id": 555, "type": "private", "first_name": "Ann"}
PHOTO = [{"file_id": "F", "file_unique_id": "u", "width": 9, "height": 9}]
OLD_FORWARD = {"type": "hidden_user", "date": 1422450181}
FORWARDED = {"message_id": 41, "date": 1767340000, "chat": CHAT, "forward_origin": OLD_FORWARD}
NAMELESS = {"id": 555, "is_bot": False, "first_name": None}
WRONG: tuple[Any, ...] = (None, {"odd": [1]}, ["odd", {}], "odd")
CONTEXT = {
    "from": {**ANN, "language_code": "en"},
    "forward_origin": {"type": "user", "date": 1767340000, "sender_user": ANN},
    "quote": {
        "text": "this",
        "position": 0,
        "entities": [{"type": "b", "offset": 0, "length": 1}],
    },
    "link_preview_options": {"is_disabled": True, "url": "https://example.com"},
    "reply_to_message": {
        "message_id": 41,
        "date": 1767340000,
        "chat": CHAT,
        "from": ANN,
        "photo": PHOTO,
        "caption": "earlier",
    },
    "external_reply": {"origin": OLD_FORWARD | {"sender_user_name": "X"}, "photo": PHOTO},
    "via_bot": {"id": 9, "is_bot": True, "first_name": "Bot"},
    "reply_markup": {"inline_keyboard": [[{"text": "Yes", "callback_data": "x"}]]},
}


def update(content, **fields):
    """Return an update with a client's message."""
    message = {"message_id": 42, "date": 1767348000, "chat": CHAT, "from": ANN}
    return {"update_id": 7, "message": {**message, **content, **fields}}


def shown(raw):
    """Return what the manager reads of an update: its parts, or its placeholder."""
    try:
        read_one = read_update(raw).message
        assert read_one is not None
        message = messages.client_message(
            read_one,
            bot_id=700001,
            source_id=None,
            media_url=lambda file: f"https://bridge.example.com/{file.file_id}",
        )
    except UnreadableError:
        message = messages.unreadable_message(raw, bot_id=700001, source_id=None)
    return [part.content for part in message.payloads] if message else []


def words(raw):
    """Return all that the manager reads of an update in words."""
    return "\n".join(part.text or "" for part in shown(raw))


POLL = {
    "id": "1",
    "question": "Which day?",
    "options": [{"text": "Monday", "voter_count": 2}, {"text": "Friday", "voter_count": 0}],
    "total_voter_count": 2,
    "is_closed": False,
    "is_anonymous": True,
    "type": "regular",
    "allows_multiple_answers": False,
}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ({"photo": PHOTO, "forward_origin": OLD_FORWARD}, "/F"),
        ({"photo": PHOTO, "reply_to_message": {**FORWARDED, "text": "x"}}, "/F"),
        ({"photo": PHOTO, "forward_origin": {"type": "time_machine", "date": 1}}, "/F"),
        ({"photo": PHOTO, "external_reply": {"origin": OLD_FORWARD}}, "/F"),
        ({"photo": PHOTO, "external_reply": {"story": {}}}, "/F"),
        ({"photo": [{"file_id": "F"}], "caption": 5}, "/F"),
        ({"photo": [{"width": 3}, "odd", *PHOTO]}, "/F"),
        ({"video": {"file_id": "F", "thumbnail": {}}, "caption": "look"}, "look"),
        ({"document": {"file_id": "F", "thumbnail": 5, "file_name": 7}}, "/F"),
        (
            {
                "from": NAMELESS,
                "chat": CHAT | {"first_name": None},
                "contact": {"phone_number": "14155550123", "first_name": None, "user_id": 555},
            },
            "14155550123",
        ),
        ({"poll": POLL}, "[poll] Which day?\n• Monday (2)\n• Friday"),
        ({"poll": {**POLL, "options": [{"voter_count": 1}, {"text": "Friday"}]}}, "• Friday"),
        ({"poll": {"question": "Which day?", "options": [{"text": "Friday"}]}}, "• Friday"),
        ({"text": "Hi", "from": {"id": 555, "first_name": "Ann"}}, "Hi"),
        ({"text": "Hi", "from": {"first_name": "Ann"}}, "Hi"),
        ({"text": "Hi", "from": 5}, "Hi"),
        ({"text": "Hi", "chat": {"id": 555}}, "Hi"),
        ({"text": "Hi", "link_preview_options": 5}, "Hi"),
        ({"text": "Hi", "entities": [{"type": "bold"}, 5]}, "Hi"),
        ({"text": "Hi", "reply_markup": {"inline_keyboard": [[{}]]}}, "Hi"),
        ({"text": "Hi", "quote": {"text": "this", "is_manual": True}}, "> this\nHi"),
        ({"text": "Hi \ud83d"}, "Hi \ufffd"),
        ({"web_app_data": {"data": "42"}}, "42"),
        ({"location": {"latitude": 1.5, "longitude": 2.5, "live_period": "odd"}}, "1.5"),
        ({"venue": {"location": {"latitude": 1, "longitude": 2}, "title": "Office"}}, "Office"),
        ({"paid_media": {"paid_media": [{"type": "x"}, {"type": "photo", "photo": PHOTO}]}}, "/F"),
        ({"rich_message": {"blocks": [{"type": "photo", "photo": [{"file_id": "F"}]}]}}, "/F"),
        ({"rich_message": {"blocks": [{"type": "video", "video": {}, "text": "look"}]}}, "look"),
        ({"rich_message": {"blocks": [{"type": "table", "cells": 5}, {"text": "look"}]}}, "look"),
        ({"rich_message": {"blocks": [{"type": "map", "location": 5}, {"text": "look"}]}}, "look"),
    ],
)  # fmt: skip
def test_what_can_be_read_is_read(content, expected):
    """Words, files, places, numbers, questions cross, whatever is odd around them."""
    parts = shown(update(content))
    assert parts
    assert expected in json.dumps(
        [part.model_dump(mode="json") for part in parts], ensure_ascii=False
    ).replace("\\n", "\n")
    assert messages.UNREADABLE not in words(update(content))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"text": 5}, id="text-is-a-number"),
        pytest.param({"photo": [{"width": 1}]}, id="no-file"),
        pytest.param({"location": {"latitude": 1.5}}, id="half-a-place"),
        pytest.param({"dice": {"emoji": "x"}}, id="dice-without-value"),
        pytest.param({"successful_payment": {"currency": "EUR"}}, id="payment-without-amount"),
        pytest.param({"text": "Hi", "message_id": None}, id="no-message-id"),
        pytest.param({"text": "Hi", "date": "soon"}, id="no-date"),
        pytest.param({"text": "Hi", "chat": {"type": "private"}}, id="no-chat"),
    ],
)
def test_what_would_not_be_so_is_not_said(content):
    """Where only the essential is missing, nothing is made up: the update stays unreadable."""
    with pytest.raises(UnreadableError):
        read_update(update(content))


def places(data, path=()):
    """Return the way to each value in plain objects."""
    members = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in members:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from places(value, (*path, key))


def without(data, path):
    """Return a copy that lacks one value."""
    copied = copy.deepcopy(data)
    del _parent(copied, path)[path[-1]]
    return copied


def having(data, path, value):
    """Return a copy in which one value is another."""
    copied = copy.deepcopy(data)
    _parent(copied, path)[path[-1]] = value
    return copied


def _parent(data, path):
    for key in path[:-1]:
        data = data[key]
    return data


def odd_ones(content):
    """Return a message's content, each time with one thing missing or odd; and where."""
    for path in places(content):
        yield path, without(content, path)
        for value in WRONG:
            yield path, having(content, path, value)


def said(content):
    """Return the words of a content and where they stand."""
    for path in places(content):
        value = _parent(content, path)[path[-1]]
        if path[-1] in {"text", "caption", "question", "phone_number"} and isinstance(value, str):
            yield path, value.strip()


@pytest.mark.no_cover  # thousands of examples
@pytest.mark.parametrize("name", NAMES)
def test_one_odd_field_costs_no_words(name):
    """Each field of each kind of message missing, null, or of a wrong type: the words cross."""
    content = json.loads((SAMPLES / f"{name}.client.json").read_text(encoding="utf-8"))
    before = str(shown(update(content)))
    told = [(place, text) for place, text in said(content) if text in before]
    for path, odd in odd_ones(content) if told else ():
        after = str(shown(update(odd)))
        kept = [text for place, text in told if place[: len(path)] != path and path[-1] != "type"]
        assert [text for text in kept if text not in after] == [], path


@pytest.mark.no_cover  # thousands of examples
@pytest.mark.parametrize("content", [{"text": "Hi"}, {"photo": PHOTO, "caption": "look"}])
def test_an_odd_surrounding_costs_nothing(content):
    """Author, forward, reply, quote, preview, buttons, each field of them: the content crosses."""
    parts = shown(update({**content, **CONTEXT}))
    for path, odd in odd_ones(CONTEXT):
        after = shown(update({**content, **odd}))
        assert [part.media for part in after] == [part.media for part in parts], path
        assert after[0].text.endswith(parts[0].text.rsplit("\n", 1)[-1]), path


WITH_FILE = [
    name for name in NAMES if "FILE-" in (SAMPLES / f"{name}.client.json").read_text("utf-8")
]


@pytest.mark.no_cover  # thousands of examples
@pytest.mark.parametrize("name", WITH_FILE)
def test_one_odd_field_costs_no_file(name):
    """Whatever is odd about a file, but the id that it is fetched by: its link crosses."""
    content = json.loads((SAMPLES / f"{name}.client.json").read_text(encoding="utf-8"))
    had = [part for part in shown(update(content)) if part.media]
    for path, odd in odd_ones(content):
        is_whole = isinstance(_parent(content, path)[path[-1]], dict | list)
        if had and not is_whole and path[-1] not in {"file_id", "type"}:
            assert [part for part in shown(update(odd)) if part.media], path


@pytest.mark.parametrize("name", NAMES)
def test_a_server_three_versions_older_is_understood(name):
    """A local Bot API server lacks what came since: nothing of it is needed."""
    content = json.loads((SAMPLES / f"{name}.client.json").read_text(encoding="utf-8"))
    old = _older(content)
    if old.keys() == content.keys():
        assert messages.UNREADABLE not in words(update(old))
        assert len(shown(update(old))) >= min(len(shown(update(content))), 1)


def _older(data):
    """Return plain objects without the fields that are new."""
    if isinstance(data, list):
        return [_older(one) for one in data]
    if not isinstance(data, dict):
        return data
    return {key: _older(value) for key, value in data.items() if key not in NEWER}


def test_a_hostile_number_of_odd_things_costs_no_time():
    """Ten thousand entities that cannot be read are left out in one go."""
    entities = [{"type": "text_link", "offset": "x", "url": 5}] * 10_000
    begun = time.process_time()
    assert words(update({"text": "Hi", "entities": entities})) == "Hi"
    assert time.process_time() - begun < 2


def test_a_hostile_depth_comes_to_an_end():
    """Replies in replies are read to a depth, and the text above them crosses."""
    reply: dict[str, Any] = {"message_id": 1}
    for _ in range(150):
        reply = {"message_id": 1, "date": 1, "chat": CHAT, "reply_to_message": reply}
    assert words(update({"text": "Hi", "reply_to_message": reply})) == "Hi"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"new_reaction": [{"type": "hologram"}]}, id="new-kind"),
        pytest.param({"new_reaction": 5}, id="no-list"),
        pytest.param({"old_reaction": None, "date": "odd"}, id="no-date"),
        pytest.param({"user": {"first_name": "Ann"}}, id="no-user-id"),
    ],
)
def test_a_reaction_with_something_odd_still_names_its_message(fields):
    """That the client reacted to a message proves more than with what."""
    reaction = {
        "chat": CHAT, "message_id": 41, "user": ANN, "date": 1767348000,
        "old_reaction": [], "new_reaction": [],
    }  # fmt: skip
    read_one = read_update({"update_id": 8, "message_reaction": reaction | fields})
    assert read_one.message_reaction is not None
    found = client_reaction(read_one.message_reaction, bot_id=700001)
    assert found is not None
    assert (found.telegram_message_id, found.user_id) == (41, 555)


@pytest.mark.parametrize(
    ("kind", "event"),
    [
        ("message_reaction", {"chat": CHAT, "user": ANN}),
        ("my_chat_member", {"chat": CHAT, "from": ANN, "date": 1, "new_chat_member": {}}),
        ("callback_query", {"from": ANN, "data": "x"}),
    ],
)
def test_an_event_that_cannot_be_read_has_no_placeholder(kind, event):
    """What is no message says nothing to the manager, readable or not."""
    raw = {"update_id": 8, kind: event}
    try:
        read_update(raw)
    except UnreadableError:
        assert messages.unreadable_message(raw, bot_id=1, source_id=None) is None


@pytest.mark.parametrize("odd", [{}, {"date": "odd"}, {"date": 0}, {"reply_markup": 5}])
def test_a_press_with_an_odd_message_still_names_it(odd):
    """Where a button stands decides whether a press is a client's word to the bot."""
    group = {"id": -5, "type": "group", "title": "Group"}
    query = {"id": "9", "from": ANN, "data": "x", "message": {"message_id": 41, "chat": group}}
    query["message"] |= odd
    pressed = read_update({"update_id": 8, "callback_query": query}).callback_query
    assert pressed is not None
    assert pressed.message is not None
    assert (pressed.message.message_id, pressed.message.chat.id) == (41, -5)


def test_a_block_by_an_older_library_is_read():
    """A client who blocks the bot is gone, whatever else is not told."""
    member = {"status": "kicked"}
    event = {"chat": CHAT, "from": ANN, "date": 1, "new_chat_member": member}
    found = read_update({"update_id": 8, "my_chat_member": event}).my_chat_member
    assert found is not None
    assert found.new_chat_member.status == "kicked"


def test_nothing_is_read_as_nothing():
    """What is no object at all is none."""
    assert read(Video, 5) is None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (
            {"unique_gift": {"text": "for you", "gift": {"base_name": "Rose"}}},
            "[gift: Rose] for you",
        ),
        ({"unique_gift": {"text": "for you", "gift": "odd", "origin": 5}}, "[gift] for you"),
        ({"story": {"id": 1}}, "[story: Telegram does not show stories to bots]"),
        ({"invoice": {"title": "Tea", "description": "green"}}, "[invoice] Tea\ngreen"),
        ({"invoice": {"title": "Tea", "total_amount": 500}}, "[invoice] Tea"),
        (
            {"giveaway_winners": {"winner_count": 1, "winners": [ANN]}},
            "[winners of a giveaway: 1] Ann",
        ),
    ],
)
def test_what_is_said_beside_what_cannot_be_read_crosses(content, words):
    """How a gift looks, where a story is, what something costs: what is left of it is said."""
    [part] = shown(update(content))
    assert part.text == words


@pytest.mark.parametrize("kind", sorted(notices.QUIET | notices.SILENT))
@pytest.mark.parametrize("odd", [5, "odd", [{}]], ids=str)
def test_an_event_that_cannot_be_read_says_nothing_to_the_manager(kind, odd):
    """The client has said nothing: no placeholder makes a lead of it."""
    raw = update({kind: odd})
    assert messages.unreadable_message(raw, bot_id=700001, source_id=None) is None


@pytest.mark.parametrize("said", [{"text": 5}, {"photo": "odd"}, {"caption": "words", "video": 1}])
def test_words_beside_an_event_keep_their_placeholder(said):
    """What the client said is never hidden because of what stands beside it."""
    raw = update({"pinned_message": 5, **said})
    assert messages.unreadable_message(raw, bot_id=700001, source_id=None) is not None
