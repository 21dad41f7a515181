"""Every documented call and answer, as this bridge makes and reads it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from kommo import answers, calls
from kommo.answers import ConnectedChannel, CreatedChat, HistoryMessage, Participant, SentMessage
from kommo.body import Body
from kommo.calls import Call
from kommo.content import Contact, Content, Location
from kommo.errors import PayloadError
from kommo.ids import (
    AmojoId,
    ChannelId,
    ConversationId,
    ExternalMessageId,
    KommoChatId,
    KommoMessageId,
    KommoUserId,
    ParticipantId,
    SourceId,
    scope_id,
)
from kommo.models import (
    Connect,
    EditMessage,
    Forwards,
    NewChat,
    NewMessage,
    Quote,
    QuoteAuthor,
    Reaction,
    Typing,
)
from kommo.people import Person, Profile
from kommo.statuses import DeliveryStatus, ErrorCode, StatusCode

Sample = Callable[[str], Any]

CHANNEL = ChannelId("11111111-2222-4333-8444-555555555555")
ACCOUNT = AmojoId("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")
SCOPE = scope_id(CHANNEL, ACCOUNT)
CHAT = KommoChatId("99999999-8888-4777-8666-555555555555")
CONVERSATION = ConversationId("tg:700001:555")
OUTGOING = KommoMessageId("77777777-6666-4555-8444-333333333333")
INCOMING = KommoMessageId("88888888-7777-4666-8555-444444444444")
ZOE_IN_KOMMO = KommoUserId("22222222-3333-4444-8555-666666666666")
MANAGER = KommoUserId("33333333-4444-4555-8666-777777777777")
ROOT = "/v2/origin/custom"
ZOE = Person(id=ParticipantId("tg:555"), name="Zoë")
PHONE = "+14155550123"
TO_SCOPE = f"POST {ROOT}/{SCOPE}"


def zoe(profile: Profile) -> Person:
    """Return the client with all that is known of her."""
    return Person(
        id=ZOE.id,
        name="Zoë",
        avatar="https://bridge.example.com/m/av555.jpg",
        profile=profile,
        profile_link="https://t.me/zoe_example",
    )


def ours(number: int) -> ExternalMessageId:
    """Return our id of a message."""
    return ExternalMessageId(f"{CONVERSATION}:{number}")


def moment(unix_ms: int) -> datetime:
    """Return Unix milliseconds as a moment."""
    return datetime.fromtimestamp(unix_ms // 1000, UTC).replace(microsecond=unix_ms % 1000 * 1000)


def new_message(number: int, unix_ms: int, content: Content, **more: Any) -> Call:
    """Return the call that shows a message of the client."""
    plain = {"conversation_id": CONVERSATION, "sender": ZOE, "content": content}
    ids = {"at": moment(unix_ms), "external_id": ours(number)}
    return calls.new_message(SCOPE, NewMessage.model_validate({**plain, **ids, **more}))


BLOCKED = DeliveryStatus(
    kommo_message_id=OUTGOING,
    status=StatusCode.ERROR,
    error_code=ErrorCode.OTHER,
    error="The bot was blocked by the user",
)

CALLS = {
    "connect": (
        f"POST {ROOT}/{CHANNEL}/connect",
        calls.connect(
            CHANNEL, Connect(account_id=ACCOUNT, title="Telegram", is_time_window_disabled=False)
        ),
    ),
    "disconnect": (
        f"DELETE {ROOT}/{CHANNEL}/disconnect",
        calls.disconnect(CHANNEL, ACCOUNT),
    ),
    "create-chat": (
        f"{TO_SCOPE}/chats",
        calls.create_chat(
            SCOPE,
            NewChat(
                conversation_id=CONVERSATION,
                source_id=SourceId("bot-sales"),
                user=zoe(Profile(phone=PHONE, email="zoe@example.com")),
            ),
        ),
    ),
    "new-message-text": (
        TO_SCOPE,
        new_message(
            42,
            1767348000123,
            Content(type="text", text="Do you deliver?"),
            sender=zoe(Profile(phone=PHONE)),
            source_id="bot-sales",
        ),
    ),
    "new-message-picture": (
        TO_SCOPE,
        new_message(
            43,
            1767348010007,
            Content(
                type="picture",
                text="like this one",
                media="https://bridge.example.com/m/9f2c.jpg?sig=abc",
                file_name="photo.jpg",
                file_size=183_224,
            ),
            reply_to=Quote(external_id=ours(40)),
        ),
    ),
    "new-message-outgoing": (
        TO_SCOPE,
        new_message(
            44,
            1767348020400,
            Content(type="text", text="We are open until 18:00"),
            silent=True,
            sender=Person(
                id=ParticipantId("tg-bot:700001"),
                name="Example bot",
                ref_id=KommoUserId("44444444-5555-4666-8777-888888888888"),
            ),
            receiver=ZOE,
        ),
    ),
    "new-message-location": (
        TO_SCOPE,
        new_message(
            46,
            1767348030001,
            Content(type="location", location=Location(lon=-122.4194, lat=37.7749)),
        ),
    ),
    "new-message-contact": (
        TO_SCOPE,
        new_message(
            47,
            1767348040001,
            Content(type="contact", contact=Contact(name="Max Example", phone="+14155550199")),
        ),
    ),
    "new-message-voice": (
        TO_SCOPE,
        new_message(
            48,
            1767348050001,
            Content(
                type="voice", media="https://bridge.example.com/m/1a.ogg?sig=abc", media_duration=4
            ),
        ),
    ),
    "new-message-forward": (
        TO_SCOPE,
        new_message(
            49,
            1767348051001,
            Content(type="text", text="See here"),
            forwards=Forwards(
                message=Quote(
                    content=Content(type="text", text="We are open until 18:00"),
                    at=moment(1767348000123),
                    sender=QuoteAuthor(name="Example Ltd"),
                ),
                conversation_id=ConversationId("tg:700001:777"),
            ),
        ),
    ),
    "new-message-after-write-first": (
        TO_SCOPE,
        new_message(
            0,
            1767349000010,
            Content(type="text", text="Hi, who is this?"),
            external_id="tg:700001:777:3",
            conversation_id="tg:700001:777",
            kommo_chat_id="99999999-8888-4777-8666-555555555500",
            source_id="bot-sales",
            sender=Person(
                id=ParticipantId("tg:777"),
                name="Max",
                ref_id=KommoUserId("22222222-3333-4444-8555-666666666600"),
                profile=Profile(phone="+14155550199"),
            ),
        ),
    ),
    "edit-message": (
        TO_SCOPE,
        calls.edit_message(
            SCOPE,
            EditMessage(
                at=moment(1767348100000),
                external_id=ours(42),
                conversation_id=CONVERSATION,
                content=Content(type="text", text="Do you deliver on Sundays?"),
            ),
        ),
    ),
    "edit-message-binding": (
        TO_SCOPE,
        calls.edit_message(
            SCOPE,
            EditMessage(
                at=moment(1767348061000),
                external_id=ours(45),
                kommo_message_id=OUTGOING,
                conversation_id=CONVERSATION,
                content=Content(type="text", text="Hello ✅"),
            ),
        ),
    ),
    "delivery-status-delivered": (
        f"{TO_SCOPE}/{OUTGOING}/delivery_status",
        calls.delivery_status(
            SCOPE,
            DeliveryStatus(kommo_message_id=OUTGOING, status=StatusCode.DELIVERED),
            "delivery_status",
        ),
    ),
    "delivery-status-error": (
        f"{TO_SCOPE}/{OUTGOING}/delivery_status",
        calls.delivery_status(SCOPE, BLOCKED, "delivery_status"),
    ),
    "delivery-status-error-newer": (
        f"{TO_SCOPE}/{OUTGOING}/delivery_status",
        calls.delivery_status(SCOPE, BLOCKED, "status_code"),
    ),
    "typing": (
        f"{TO_SCOPE}/typing",
        calls.typing(SCOPE, Typing(conversation_id=CONVERSATION, sender_id=ZOE.id)),
    ),
    "reaction": (
        f"{TO_SCOPE}/react",
        calls.react(
            SCOPE,
            Reaction(
                type="react",
                emoji="👍",
                conversation_id=CONVERSATION,
                kommo_message_id=OUTGOING,
                user_id=ZOE.id,
            ),
        ),
    ),
    "reaction-removed": (
        f"{TO_SCOPE}/react",
        calls.react(
            SCOPE,
            Reaction(
                type="unreact", kommo_chat_id=CHAT, external_id=ours(42), user_ref_id=MANAGER
            ),
        ),
    ),
}


@pytest.mark.parametrize("name", CALLS)
def test_call_is_as_documented(name: str, sample: Sample) -> None:
    """Every call goes where its page says, with the body that its page shows."""
    line, call = CALLS[name]
    assert f"{call.method} {call.path}" == line
    assert json.loads(call.body) == sample(f"{name}.call")
    assert call.query == ""


def test_history_asks_for_one_page() -> None:
    """History is asked for by Kommo's id, in pages of at most 50 that are not signed."""
    assert calls.history(SCOPE, CHAT, offset=50, limit=500) == Call(
        "GET", f"{ROOT}/{SCOPE}/chats/{CHAT}/history", query="offset=50&limit=50"
    )


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        pytest.param("a/b?c#d", "a%2Fb%3Fc%23d", id="separators"),
        pytest.param("é %41", "%C3%A9%20%2541", id="others"),
        pytest.param("..", "%2E%2E", id="way-up"),
    ],
)
def test_id_cannot_change_the_path(given: str, sent: str) -> None:
    """An id is one segment of the path, whatever it contains."""
    assert calls.history(SCOPE, KommoChatId(given), offset=0, limit=1).path == (
        f"{ROOT}/{SCOPE}/chats/{sent}/history"
    )


def test_connection_is_read(sample: Sample) -> None:
    """The answer to connect tells the scope; its older form, and a nameless one, do as well."""
    full = sample("connect.answer")
    read = answers.connection(json.dumps(full).encode())
    assert read == ConnectedChannel(
        SCOPE, ACCOUNT, "Telegram", "v2", is_time_window_disabled=False
    )
    short = answers.connection(json.dumps({"scope_id": SCOPE}).encode())
    assert short == ConnectedChannel(SCOPE, None, "", "")


SENT = NewMessage(
    at=moment(1767348000123),
    external_id=ours(42),
    conversation_id=CONVERSATION,
    sender=ZOE,
    content=Content(type="text", text="Do you deliver?"),
)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        pytest.param("new-message", SentMessage(INCOMING, CHAT, ZOE_IN_KOMMO), id="kommos-ids"),
        pytest.param("new-message-older", SentMessage(INCOMING), id="older"),
        pytest.param("new-message-our-ids", SentMessage(INCOMING), id="our-ids"),
    ],
)
def test_sent_message_is_read(name: str, told: SentMessage, sample: Sample) -> None:
    """Of a sent message only ids that are Kommo's are taken for Kommo's."""
    body = json.dumps(sample(f"{name}.answer")).encode()
    assert answers.sent_message(body, SENT) == told


def test_receiver_of_a_sent_message_is_read() -> None:
    """The answer to a message written outside Kommo tells Kommo's id of the client."""
    bot = Person(id=ParticipantId("tg-bot:700001"), name="Bot", ref_id=KommoUserId("b"))
    outgoing = SENT.model_copy(update={"sender": bot, "receiver": ZOE})
    body = json.dumps({"new_message": {"msgid": INCOMING, "receiver_id": ZOE_IN_KOMMO}}).encode()
    told = SentMessage(INCOMING, receiver_id=ZOE_IN_KOMMO)
    assert answers.sent_message(body, outgoing) == told


@pytest.mark.parametrize("body", [b"{}", b'{"new_message":null}', b'{"new_message":[]}'])
def test_ids_may_be_missing(body: bytes) -> None:
    """A message that Kommo accepted is not sent again because the answer tells little."""
    assert answers.sent_message(body, SENT) == SentMessage()


def test_created_chat_is_read(sample: Sample) -> None:
    """The answer to create chat tells both of Kommo's ids."""
    body = json.dumps(sample("create-chat.answer")).encode()
    assert answers.created_chat(body) == CreatedChat(CHAT, ZOE_IN_KOMMO)


def test_history_is_read(sample: Sample) -> None:
    """History comes newest first, in our words, and exactly as Kommo keeps it."""
    rows = sample("history.answer")["messages"]
    newest, oldest = answers.history(json.dumps({"messages": rows}).encode())
    zoe = Participant(ZOE_IN_KOMMO, ZOE.id, "Zoë")
    assert newest == HistoryMessage(
        at=moment(1767348060456),
        sender=Participant(MANAGER, name="Manager"),
        receiver=zoe,
        kommo_message_id=OUTGOING,
        external_id=ours(45),
        body=Body("text", "Hello ✅"),
        media_group_id=None,
        raw=rows[0],
    )
    assert (oldest.sender, oldest.receiver, oldest.raw) == (zoe, None, rows[1])


def test_unusable_rows_of_history_are_left_out(sample: Sample) -> None:
    """One odd row does not hide the rest of a conversation; an empty answer has no rows."""
    good = sample("history.answer")["messages"][0]
    rows = [None, {}, {"message": {"id": "x"}}, {"timestamp": 5, "message": {}}, good]
    assert [m.raw for m in answers.history(json.dumps({"messages": rows}).encode())] == [good]
    assert answers.history(b"") == []


@pytest.mark.parametrize(
    ("read", "body"),
    [
        pytest.param(answers.connection, b"{}", id="connection-without-scope"),
        pytest.param(answers.created_chat, b'{"user":{}}', id="chat-without-id"),
        pytest.param(answers.history, b"<html>", id="history-of-a-proxy"),
        pytest.param(answers.history, b'{"message":"Back soon"}', id="history-of-somebody"),
        pytest.param(answers.nothing, b"<html>", id="page-of-a-proxy"),
        pytest.param(answers.nothing, b"OK", id="word"),
        pytest.param(answers.nothing, b"[]", id="list"),
        pytest.param(lambda body: answers.sent_message(body, SENT), b"", id="message-nothing"),
        pytest.param(lambda body: answers.sent_message(body, SENT), b"OK", id="message-word"),
        pytest.param(lambda body: answers.sent_message(body, SENT), b"[]", id="message-list"),
    ],
)
def test_useless_answer_is_an_error(read: Callable[[bytes], object], body: bytes) -> None:
    """An answer without what was asked for is not taken for one."""
    with pytest.raises(PayloadError):
        read(body)


def test_older_profile_is_read() -> None:
    """Older answers keep phone and e-mail in a profile."""
    body = (
        b'{"messages":[{"timestamp":5,"sender":{"profile":{"phone":"+1","email":"z@example.com"}},'
    )
    (row,) = answers.history(body + b'"message":{"id":"m"}}]}')
    assert row.sender == Participant(None, phone="+1", email="z@example.com")
