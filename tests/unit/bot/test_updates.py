"""One odd field anywhere in an update costs that field, and not what the client said."""

import copy
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiogram.types import Video

from bot.translate.incoming import actions, messages, notices, unreadable
from bot.translate.incoming.lenient import read
from bot.translate.incoming.reactions import client_reaction
from bot.translate.incoming.updates import UnreadableError, read_update
from tests.unit.bot.older_servers import NEWER

SAMPLES = Path(__file__).parents[2] / "samples"
NAMES = sorted(file.name.removesuffix(".client.json") for file in SAMPLES.glob("*.client.json"))
ANN = {"id": 555, "is_bot": False, "first_name": "Ann"}
CHAT = {"id": 555, "type": "private", "first_name": "Ann"}
NOW = datetime(2026, 1, 2, 12, tzinfo=UTC)
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
        "is_manual": True,
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


def sample(name):
    """Return the content of a client's message."""
    content: dict[str, Any] = json.loads((SAMPLES / f"{name}.client.json").read_text("utf-8"))
    return content


def edited(raw):
    """Return an update in which a message is not new but changed."""
    changed = raw["message"] | {"edit_date": 1767348060}
    return {"update_id": raw["update_id"], "edited_message": changed}


def shown(raw):
    """Return what the manager reads of an update: its parts, or its placeholder."""
    try:
        read_one = read_update(raw, now=NOW).message
        assert read_one is not None
        message = messages.client_message(
            read_one,
            bot_id=700001,
            source_id=None,
            media_url=lambda file: f"https://bridge.example.com/{file.file_id}",
        )
    except UnreadableError:
        message = unreadable.unreadable_message(raw, bot_id=700001, source_id=None, now=NOW)
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
        ({"text": "Hi", "chat": {"id": 555, "type": "odd"}}, "Hi"),
        ({"photo": PHOTO, "message_id": None}, "/F"),
        ({"photo": PHOTO, "message_id": 2**70}, "/F"),
        ({"photo": PHOTO, "date": "soon"}, "/F"),
        ({"photo": [{**PHOTO[0], "file_size": 2**63}]}, "/F"),
        ({"sticker": {"thumbnail": PHOTO[0], "is_video": True}}, "/F"),
        ({"sticker": {"emoji": "🎈"}}, "[sticker] 🎈"),
        ({"live_photo": {"photo": PHOTO}}, "/F"),
        ({"venue": {"title": "Office", "location": {"latitude": 1.5}}}, "[place]\nOffice"),
        ({"giveaway": {"prize_description": "a mug"}}, "[giveaway]: a mug"),
        ({"giveaway_winners": {"winners": [{"first_name": "Max"}]}}, "giveaway] Max"),
        ({"web_app_data": {"button_text": "Choose"}}, "[Choose]"),
        ({"paid_media": {"paid_media": [{"photo": PHOTO}]}}, "/F"),
        ({"text": "Hi", "entities": [{"url": "https://example.com/a"}]}, "https://example.com/a"),
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
    assert unreadable.UNREADABLE not in words(update(content))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param({"text": 5}, id="text-is-a-number"),
        pytest.param({"photo": [{"width": 1}]}, id="no-file"),
        pytest.param({"location": {"latitude": 1.5}}, id="half-a-place"),
        pytest.param({"dice": {"emoji": "x"}}, id="dice-without-value"),
        pytest.param({"successful_payment": {"currency": "EUR"}}, id="payment-without-amount"),
        pytest.param({"text": "Hi", "chat": {"type": "private"}}, id="no-chat"),
    ],
)
def test_what_would_not_be_so_is_not_said(content):
    """Where only the essential is missing, nothing is made up: the update stays unreadable."""
    with pytest.raises(UnreadableError):
        read_update(update(content), now=NOW)


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


QUESTION = {"text": "Yes or no?", "reply_markup": CONTEXT["reply_markup"]}
WHOLE_UPDATES = {
    **{name: update(sample(name)) for name in NAMES},
    **{f"{name}-edited": edited(update(sample(name))) for name in ("text", "photo")},
    "surrounded": update({"photo": PHOTO, "caption": "look", **CONTEXT}),
    "press": {
        "update_id": 7,
        "callback_query": {
            "id": "9",
            "from": ANN,
            "chat_instance": "1",
            "data": "x",
            "message": update(QUESTION)["message"],
        },
    },
}
ABSURD = (2**63, -(2**70), -1, True, "")
UNREACHABLE = {"file_id", "latitude", "longitude"}
"""What a file is fetched by, and where a place is: without them there is none."""

MEANT = {
    "total_amount", "currency", "value", "type", "status", "is_closed", "is_manual", "data",
    "callback_data", "star_count", "sender_user_name", "sender_user", "is_animated", "is_video",
}  # fmt: skip
"""What says something itself: another value says something else."""

NO_WORDS = {"file_id", "file_unique_id", "file_name", "mime_type", "type", "currency", "data"}


def crossing(raw):
    """Return all that a manager is told of an update, in one text."""
    try:
        done = actions.action(
            raw, bot_id=700001, source_id=None, media_url=lambda file: file.file_id, now=NOW
        )
    except UnreadableError:
        done = unreadable.unreadable_message(raw, bot_id=700001, source_id=None, now=NOW)
    if isinstance(done, actions.Pressed):
        return str(done.press.text)
    message = done.message if isinstance(done, messages.ClientEdit) else done
    assert message is None or isinstance(message, messages.ClientMessage)
    return "\n".join(str(part.content) for part in message.payloads) if message else ""


def things(raw):
    """Return the words, files and places of an update, and where each of them stands."""
    for path in places(raw):
        value = _parent(raw, path)[path[-1]]
        is_of_person = {"from", "chat", "via_bot", "user"} & set(path)
        if path[-1] == "file_id":
            yield path, f"'{value}'"
        elif path[-1] in {"latitude", "longitude"}:
            yield path, str(value)
        elif isinstance(value, str) and path[-1] not in NO_WORDS and not is_of_person:
            yield path, value.strip()


def is_lost_with(place, path):
    """Tell whether a thing cannot but go when what stands at a path is odd."""
    return (
        place[: len(path)] == path
        or (path[-1] in UNREACHABLE and place[: len(path) - 1] == path[:-1])
        or ("photo" in path and "photo" in place)  # another size is shown
        or (path[-1] == "text" and "entities" in place)
        or path[1:] in {("chat",), ("chat", "id")}
        or path[-1] in MEANT
    )


@pytest.mark.no_cover  # thousands of examples
@pytest.mark.parametrize("name", WHOLE_UPDATES)
def test_one_odd_value_costs_nothing_that_is_left(name):
    """Each value at any depth missing, null, absurd or of a wrong type: all else crosses."""
    raw = WHOLE_UPDATES[name]
    before = crossing(raw)
    told = [(place, thing) for place, thing in things(raw) if len(thing) > 1 and thing in before]
    for path in places(raw):
        own = _parent(raw, path)[path[-1]]
        left = [(place, thing) for place, thing in told if not is_lost_with(place, path)]
        for odd in [without(raw, path), *(having(raw, path, value) for value in WRONG + ABSURD)]:
            after = crossing(odd)
            is_kept = unreadable.UNREADABLE not in after
            lost = [
                thing
                for place, thing in left
                if thing not in after and thing not in {str(own), f"'{own}'"}
                if is_kept or place[-1] in {"text", "caption"}
            ]
            assert lost == [], (path, _parent(odd, path))


@pytest.mark.parametrize("name", NAMES)
def test_a_server_three_versions_older_is_understood(name):
    """A local Bot API server lacks what came since: nothing of it is needed."""
    content = sample(name)
    old = _older(content)
    if old.keys() == content.keys():
        assert unreadable.UNREADABLE not in words(update(old))
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
    read_one = read_update({"update_id": 8, "message_reaction": reaction | fields}, now=NOW)
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
        read_update(raw, now=NOW)
    except UnreadableError:
        assert unreadable.unreadable_message(raw, bot_id=1, source_id=None, now=NOW) is None


@pytest.mark.parametrize("odd", [{}, {"date": "odd"}, {"date": 0}, {"reply_markup": 5}])
def test_a_press_with_an_odd_message_still_names_it(odd):
    """Where a button stands decides whether a press is a client's word to the bot."""
    group = {"id": -5, "type": "group", "title": "Group"}
    query = {"id": "9", "from": ANN, "data": "x", "message": {"message_id": 41, "chat": group}}
    query["message"] |= odd
    pressed = read_update({"update_id": 8, "callback_query": query}, now=NOW).callback_query
    assert pressed is not None
    assert pressed.message is not None
    assert (pressed.message.message_id, pressed.message.chat.id) == (41, -5)


def test_a_block_by_an_older_library_is_read():
    """A client who blocks the bot is gone, whatever else is not told."""
    member = {"status": "kicked"}
    event = {"chat": CHAT, "from": ANN, "date": 1, "new_chat_member": member}
    found = read_update({"update_id": 8, "my_chat_member": event}, now=NOW).my_chat_member
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
    assert unreadable.unreadable_message(raw, bot_id=700001, source_id=None, now=NOW) is None


@pytest.mark.parametrize("said", [{"text": 5}, {"photo": "odd"}, {"caption": "words", "video": 1}])
def test_words_beside_an_event_keep_their_placeholder(said):
    """What the client said is never hidden because of what stands beside it."""
    raw = update({"pinned_message": 5, **said})
    assert unreadable.unreadable_message(raw, bot_id=700001, source_id=None, now=NOW) is not None
