"""What may be said to Kommo, and how it survives in the outbox."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from kommo.content import Contact, Content, Location
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
    EditMessage,
    Forwards,
    NewChat,
    NewMessage,
    Quote,
    QuoteAuthor,
    Reaction,
    Typing,
)
from kommo.payload import Payload
from kommo.people import Person, Profile
from kommo.statuses import DeliveryStatus, ErrorCode, StatusCode

AT = datetime(2026, 1, 2, 10, 0, 0, 123_000, tzinfo=UTC)
CONVERSATION = ConversationId("tg:700001:555")
OURS = ExternalMessageId("tg:700001:555:42")
KOMMOS = KommoMessageId("77777777-6666-4555-8444-333333333333")
ZOE = Person(id=ParticipantId("tg:555"), name="Zoë", profile=Profile(phone="+14155550123"))
HELLO = Content(type="text", text="hello 👋")


def new_message(**changes: object) -> NewMessage:
    """Return a plain message of a client, changed."""
    plain = {"at": AT, "external_id": OURS, "conversation_id": CONVERSATION}
    return NewMessage.model_validate({**plain, "sender": ZOE, "content": HELLO, **changes})


FULL = new_message(
    kommo_chat_id=KommoChatId("chat"),
    silent=True,
    source_id=SourceId("bot sales"),
    sender=Person(id=ParticipantId("tg:1"), name="Bot", ref_id=KommoUserId("bot")),
    receiver=ZOE,
    content=Content(type="picture", media="https://bridge.example.com/m/1", file_size=5),
    reply_to=Quote(external_id=OURS),
    forwards=Forwards(
        message=Quote(content=HELLO, at=AT, sender=QuoteAuthor(name="Max")),
        conversation_id=CONVERSATION,
    ),
)


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(new_message(), id="message"),
        pytest.param(FULL, id="full-message"),
        pytest.param(new_message(at=AT.astimezone(timezone(timedelta(hours=3)))), id="zone"),
        pytest.param(
            EditMessage(at=AT, conversation_id=CONVERSATION, content=HELLO, external_id=OURS),
            id="edit",
        ),
        pytest.param(
            DeliveryStatus(
                kommo_message_id=KOMMOS,
                status=StatusCode.ERROR,
                error_code=ErrorCode.OTHER,
                error="blocked",
            ),
            id="status",
        ),
        pytest.param(
            Typing(conversation_id=CONVERSATION, sender_id=ParticipantId("tg:555")), id="typing"
        ),
        pytest.param(
            Reaction(
                type="unreact",
                conversation_id=CONVERSATION,
                external_id=OURS,
                user_id=ParticipantId("tg:555"),
            ),
            id="reaction",
        ),
        pytest.param(NewChat(conversation_id=CONVERSATION, user=ZOE), id="chat"),
    ],
)
@pytest.mark.parametrize("is_short", [False, True])
def test_outbox_gives_back_what_was_put_in(payload: Payload, is_short: bool) -> None:
    """A payload read back from the outbox is the payload that went in."""
    stored = payload.model_dump_json(exclude_none=is_short)
    assert type(payload).model_validate_json(stored) == payload


def test_what_was_forwarded_is_told_as_a_list_of_one() -> None:
    """Kommo takes several messages there; a client's message holds one."""
    forwarded = FULL.wire()["forwards"]
    assert [message["text"] for message in forwarded["messages"]] == [HELLO.text]
    assert forwarded["conversation_id"] == CONVERSATION
    assert "conversation_ref_id" not in forwarded


def test_newer_key_in_the_outbox_is_ignored() -> None:
    """An item that a newer version stored can be sent by this one."""
    stored = json.loads(new_message().model_dump_json()) | {"mood": "sunny"}
    assert NewMessage.model_validate_json(json.dumps(stored)) == new_message()


def test_text_of_a_client_is_cleaned() -> None:
    """Neither half an emoji nor a NUL keeps a client's message from Kommo."""
    message = new_message(
        sender=Person(id=ParticipantId("tg:555"), name="Z\0oë"),
        content=Content(type="text", text="a\ud83d"),
    )
    assert message.wire()["sender"]["name"] == "Zoë"
    assert message.wire()["message"]["text"] == "a\ufffd"
    assert NewMessage.model_validate_json(message.model_dump_json()) == message


def test_unknown_is_left_out() -> None:
    """What the bridge does not know is absent on the wire, not null and not empty."""
    bare = new_message(sender=Person(id=ParticipantId("tg:555"), name="Z", profile=Profile()))
    assert sorted(bare.wire()) == [
        "conversation_id",
        "message",
        "msec_timestamp",
        "msgid",
        "sender",
        "silent",
        "timestamp",
    ]
    assert bare.wire()["sender"] == {"id": "tg:555", "name": "Z"}


def test_quote_by_id_needs_nothing_else() -> None:
    """A quoted message is named by Kommo's id or by ours, or described; media is not repeated."""
    voice = Content(type="voice", media="https://bridge.example.com/m/1", media_duration=4)
    author = QuoteAuthor(ref_id=KommoUserId("m"))
    described = Quote(content=voice, at=AT, sender=author)
    assert Quote(kommo_message_id=KOMMOS).wire() == {"id": KOMMOS}
    assert Quote(external_id=OURS).wire() == {"msgid": OURS}
    assert described.wire() == {
        "type": "voice",
        "media_duration": 4,
        "timestamp": 1767348000,
        "msec_timestamp": 1767348000123,
        "sender": {"ref_id": "m"},
    }


def test_scope_names_channel_and_account() -> None:
    """The scope of a channel is known before Kommo tells it."""
    assert scope_id(ChannelId("c"), AmojoId("a")) == "c_a"


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(lambda: Content(type="text"), id="text-without-text"),
        pytest.param(lambda: Content(type="location"), id="location-without-place"),
        pytest.param(lambda: Content(type="contact", text="Max"), id="contact-without-contact"),
        pytest.param(
            lambda: new_message(content=Content(type="picture")), id="picture-without-media"
        ),
        pytest.param(lambda: new_message(receiver=ZOE), id="receiver-without-ref-id"),
        pytest.param(lambda: new_message(at=AT.replace(tzinfo=None)), id="no-time-zone"),
        pytest.param(lambda: new_message(source_id="s" * 37), id="long-source"),
        pytest.param(lambda: new_message(source_id="bot\n"), id="source-in-two-lines"),
        pytest.param(lambda: new_message(source_id="zoë"), id="source-not-ascii"),
        pytest.param(lambda: new_message(source_id=""), id="empty-source"),
        pytest.param(lambda: Quote(content=HELLO, at=AT), id="quote-without-author"),
        pytest.param(QuoteAuthor, id="nobody"),
        pytest.param(lambda: Location(lon=float("nan"), lat=0), id="nowhere"),
        pytest.param(
            lambda: EditMessage(at=AT, conversation_id=CONVERSATION, content=HELLO),
            id="edit-of-nothing",
        ),
        pytest.param(
            lambda: DeliveryStatus(kommo_message_id=KOMMOS, status=StatusCode.ERROR),
            id="error-without-code",
        ),
        pytest.param(
            lambda: DeliveryStatus(
                kommo_message_id=KOMMOS, status=StatusCode.READ, error_code=ErrorCode.INTERNAL
            ),
            id="code-without-error",
        ),
        pytest.param(
            lambda: DeliveryStatus(
                kommo_message_id=KOMMOS, status=StatusCode.DELIVERED, error="no"
            ),
            id="text-without-error",
        ),
        pytest.param(
            lambda: DeliveryStatus(
                kommo_message_id=KOMMOS, status=StatusCode.ERROR, error_code=ErrorCode.OTHER
            ),
            id="905-without-text",
        ),
        pytest.param(
            lambda: Reaction(type="react", emoji="👍", conversation_id=CONVERSATION),
            id="reaction-to-nothing",
        ),
        pytest.param(
            lambda: Reaction(
                type="react",
                conversation_id=CONVERSATION,
                external_id=OURS,
                user_id=ParticipantId("tg:555"),
            ),
            id="reaction-without-emoji",
        ),
    ],
)
def test_what_kommo_would_refuse_is_not_built(build: Callable[[], object]) -> None:
    """A payload that breaks a documented rule fails where it is made."""
    with pytest.raises(ValidationError):
        build()


def test_contact_of_a_client_is_sent_whole() -> None:
    """An address book entry keeps its name and number."""
    card = Content(type="contact", contact=Contact(name="Max", phone="+14155550199"))
    assert card.wire() == {"type": "contact", "contact": {"name": "Max", "phone": "+14155550199"}}
