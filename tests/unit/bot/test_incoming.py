"""What surrounds a message: author, forward, reply, quote, phone, edit."""

from datetime import UTC, datetime

import pytest
from aiogram.types import Message

from bot.translate.incoming import messages, unreadable
from kommo.ids import SourceId

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ANN = {"id": 555, "is_bot": False, "first_name": "Ann"}
CHAT = {"id": 555, "type": "private", "first_name": "Ann", "last_name": "Lee"}
MAX = {"id": 999, "is_bot": False, "first_name": "Max", "last_name": "Example"}
NEWS = {"id": -1001, "type": "channel", "title": "News"}


def message(**content):
    """Return a client's message."""
    fields = {"message_id": 42, "date": 1767348000, "chat": CHAT, "from": ANN, "text": "Hi"}
    return Message.model_validate({**fields, **content})


def media_url(file):
    """Return a link that differs each time it is made for another file id."""
    return f"https://bridge.example.com/media/{file.file_id}"


def translated(shown):
    """Return a message as it goes to Kommo."""
    result = messages.client_message(
        shown, bot_id=700001, source_id=SourceId("sales"), media_url=media_url
    )
    assert result is not None
    return result


def origin(**fields):
    """Return where a forwarded message is from."""
    return {"date": 1767340000, **fields}


@pytest.mark.parametrize(
    ("context", "text"),
    [
        pytest.param({}, "Hi", id="ordinary"),
        pytest.param(
            {"forward_origin": origin(type="user", sender_user=MAX)},
            "[Forwarded from Max Example]\nHi",
            id="forwarded-from-a-person",
        ),
        pytest.param(
            {"forward_origin": origin(type="hidden_user", sender_user_name="Somebody")},
            "[Forwarded from Somebody]\nHi",
            id="forwarded-from-a-hidden-person",
        ),
        pytest.param(
            {"forward_origin": origin(type="chat", sender_chat=NEWS)},
            "[Forwarded from News]\nHi",
            id="forwarded-from-a-group",
        ),
        pytest.param(
            {
                "forward_origin": origin(
                    type="channel", chat=NEWS, message_id=1, author_signature="Eve"
                )
            },
            "[Forwarded from News (Eve)]\nHi",
            id="forwarded-from-a-channel",
        ),
        pytest.param(
            {
                "external_reply": {"origin": origin(type="user", sender_user=MAX)},
                "quote": {"text": "one\ntwo", "position": 0},
            },
            "[In reply to a message of Max Example]\n> one\n> two\nHi",
            id="answers-another-chat",
        ),
        pytest.param(
            {"quote": {"text": "just this", "position": 3, "is_manual": True}},
            "> just this\nHi",
            id="quotes-a-part",
        ),
        pytest.param({"quote": {"text": "all of it", "position": 0}}, "Hi", id="quotes-all"),
        pytest.param(
            {"reply_to_story": {"chat": CHAT, "id": 3}}, "[In reply to a story]\nHi", id="story"
        ),
    ],
)
def test_what_surrounds_a_message_stands_above_it(context, text):
    """The manager reads who wrote a forwarded message, and what is answered elsewhere."""
    assert translated(message(**context)).payload.content.text == text


def test_a_message_names_its_place_its_author_and_its_source():
    """What Kommo needs to put a message where it belongs."""
    payload = translated(message(**{"from": {**ANN, "username": "ann_example"}})).payload
    assert payload.external_id == "tg:700001:555:42"
    assert payload.conversation_id == "tg:700001:555"
    assert payload.source_id == "sales"
    assert payload.sender.name == "Ann"
    assert payload.sender.profile_link == "https://t.me/ann_example"
    assert payload.at == datetime.fromtimestamp(1767348000, UTC)


def test_a_message_without_an_author_is_the_chats():
    """In a private chat the chat is the person."""
    assert translated(message(**{"from": None})).payload.sender.name == "Ann Lee"


def test_the_parts_of_a_message_have_ids_of_their_own():
    """One Telegram message that becomes two in Kommo never collides with another."""
    live = {"file_id": "F", "file_unique_id": "u", "width": 1, "height": 1, "duration": 1}
    size = {"file_id": "P", "file_unique_id": "p", "width": 1, "height": 1}
    shown = message(text=None, live_photo={**live, "photo": [size]})
    ids = [payload.external_id for payload in translated(shown).payloads]
    assert ids == ["tg:700001:555:42", "tg:700001:555:42:2"]


def test_what_tells_nothing_is_no_message():
    """A new chat background is not told, as a message or as an edit."""
    theme = {"type": {"type": "chat_theme", "theme_name": "x"}}
    silent = message(text=None, chat_background_set=theme)
    assert messages.client_message(silent, bot_id=1, source_id=None, media_url=media_url) is None
    assert messages.client_edit(silent, bot_id=1, media_url=media_url) is None
    assert messages.quoted(silent) is None


@pytest.mark.parametrize(
    ("contact", "phone"),
    [
        pytest.param({"phone_number": "14155550123", "user_id": 555}, "+14155550123", id="own"),
        pytest.param({"phone_number": "+1 (415) 555", "user_id": 555}, "+1415555", id="signs"),
        pytest.param({"phone_number": "14155550199", "user_id": 999}, None, id="somebody-elses"),
        pytest.param({"phone_number": "14155550199"}, None, id="nobodys"),
        pytest.param({"phone_number": "-", "user_id": 555}, None, id="none"),
    ],
)
def test_only_the_clients_own_number_is_the_clients(contact, phone):
    """An address book entry of somebody else says nothing of the client."""
    assert translated(message(text=None, contact={"first_name": "A", **contact})).phone == phone


def test_no_contact_no_phone():
    """An ordinary message tells no number."""
    assert translated(message()).phone is None


def test_an_answer_names_what_it_answers():
    """By Telegram's id, and by all it says, in case Kommo does not know it."""
    shown = message(reply_to_message=message(message_id=41, text="Earlier").model_dump())
    answer = translated(shown)
    assert answer.answers == 41
    assert answer.quoted is not None
    assert answer.quoted.wire()["text"] == "Earlier"


def photo(file_id, unique_id, caption="x"):
    """Return a photo; Telegram may name the same one anew."""
    size = {"file_id": file_id, "file_unique_id": unique_id, "width": 1, "height": 1}
    return message(text=None, photo=[size], caption=caption)


def test_the_same_content_has_the_same_fingerprint():
    """A file that is only named anew is no edit; another file or another caption is one."""
    prints = [
        messages.fingerprint(shown)
        for shown in (photo("A", "u"), photo("B", "u"), photo("A", "v"), photo("A", "u", "y"))
    ]
    assert prints[0] == prints[1]
    assert len(set(prints)) == 3


def test_an_edit_changes_the_first_part_at_the_time_of_the_edit():
    """Kommo hears of the new content, under the id of the old one."""
    edit = messages.client_edit(message(edit_date=1767348100), bot_id=700001, media_url=media_url)
    assert edit is not None
    assert edit.external_id == edit.payload.external_id == "tg:700001:555:42"
    assert edit.payload.at == datetime.fromtimestamp(1767348100, UTC)
    assert edit.rest == ()
    assert not edit.is_move


@pytest.mark.parametrize(("period", "is_move"), [(900, True), (None, False)])
def test_a_live_location_moves_until_it_ends(period, is_move):
    """The end of a live location is an ordinary edit, so that its last place is told."""
    place = {"latitude": 1.0, "longitude": 2.0, "live_period": period}
    shown = message(text=None, location=place)
    edit = messages.client_edit(shown, bot_id=700001, media_url=media_url)
    assert edit is not None
    assert edit.is_move is is_move


@pytest.mark.parametrize(
    "update",
    [
        pytest.param({}, id="no-message"),
        pytest.param({"message": {"chat": {"id": "x", "type": "private"}}}, id="no-chat-id"),
        pytest.param(
            {"message": {"chat": {"id": 5, "type": "group"}, "message_id": 1}}, id="a-group"
        ),
        pytest.param(
            {"message": {"chat": {"id": 1 << 60, "type": "private"}, "message_id": 1}}, id="huge"
        ),
    ],
)
def test_an_unreadable_update_without_a_place_has_no_placeholder(update):
    """Nothing is shown where nobody knows where."""
    assert unreadable.unreadable_message(update, bot_id=1, source_id=None, now=NOON) is None


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ({"first_name": "Zo\u0000ë"}, "Zo ë"),
        ({"first_name": 5}, "Telegram user"),
        (None, "Telegram user"),
    ],
)
def test_a_placeholder_stands_for_what_cannot_be_read(author, name):
    """The manager sees that there was something, and from whom."""
    update = {"message": {"chat": {"id": 5, "type": "private"}, "message_id": 7, "from": author}}
    placeholder = unreadable.unreadable_message(update, bot_id=1, source_id=None, now=NOON)
    assert placeholder is not None
    assert placeholder.payload.content.text == unreadable.UNREADABLE
    assert placeholder.payload.sender.name == name
    edit = messages.edit_of(placeholder, at=datetime.fromtimestamp(1, UTC))
    assert edit.external_id == edit.payload.external_id == placeholder.payload.external_id


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"text": "Hi\u0000"}, "\nHi "),
        ({"caption": "look"}, "\nlook"),
        ({"text": 5}, ""),
        ({}, ""),
    ],
)
def test_a_placeholder_shows_the_words_at_once(said, words):
    """What new thing surrounds a text may wait for an upgrade; the text does not."""
    update = {"message": {"chat": {"id": 5, "type": "private"}, "message_id": 7} | said}
    placeholder = unreadable.unreadable_message(update, bot_id=1, source_id=None, now=NOON)
    assert placeholder is not None
    assert placeholder.payload.content.text == unreadable.UNREADABLE + words


def test_an_unreadable_reaction_has_no_placeholder():
    """A reaction of a new kind is nothing that the client said."""
    reaction = {"chat": {"id": 5, "type": "private"}, "message_id": 7}
    update = {"update_id": 9, "message_reaction": reaction}
    assert unreadable.unreadable_message(update, bot_id=1, source_id=None, now=NOON) is None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param({"message_id": 7}, "tg:1:5:7", id="both-ids"),
        pytest.param({"message_id": True}, "tg:1:5:notice:9", id="no-message-id"),
        pytest.param(
            {"message_id": 7, "chat": {"id": "5", "type": "private"}, "from": {"id": 5}},
            "tg:1:5:7",
            id="the-author-is-the-chat",
        ),
    ],
)
def test_a_placeholder_takes_the_best_id_there_is(message, expected):
    """What names the message, or else the update, names the placeholder."""
    update = {"update_id": 9, "message": {"chat": {"id": 5, "type": "private"}} | message}
    placeholder = unreadable.unreadable_message(update, bot_id=1, source_id=None, now=NOON)
    assert placeholder is not None
    assert placeholder.payload.external_id == expected
