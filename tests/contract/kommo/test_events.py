"""Every documented webhook, read."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kommo.answers import Participant
from kommo.body import Body
from kommo.content import Contact, Location
from kommo.events import (
    LegacyMessage,
    ManagerMessage,
    ManagerReaction,
    ManagerTyping,
    UnknownEvent,
    parse_event,
)
from kommo.ids import (
    AmojoId,
    ConversationId,
    ExternalMessageId,
    KommoChatId,
    KommoMessageId,
    KommoUserId,
    ParticipantId,
    SourceId,
)
from kommo.markup import Button, ListMessage, ListRow, ListSection, Markup, Template
from kommo.quotes import ForwardedMessages, QuotedMessage

Sample = Callable[[str], Any]

ACCOUNT = AmojoId("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee")
ZOE = KommoUserId("22222222-3333-4444-8555-666666666666")
MANAGER = KommoUserId("33333333-4444-4555-8666-777777777777")
SALESBOT = KommoUserId("66666666-4444-4555-8666-777777777777")
CHAT = KommoChatId("99999999-8888-4777-8666-555555555555")
CONVERSATION = ConversationId("tg:700001:555")
OUTGOING = KommoMessageId("77777777-6666-4555-8444-333333333333")
INCOMING = KommoMessageId("88888888-7777-4666-8555-444444444444")
FILES = f"https://amojo.kommo.com/attachments/{ACCOUNT}/0f0f0f0f-1111-4222-8333-444444444444"

TEXT = ManagerMessage(
    account_id=ACCOUNT,
    time=datetime(2026, 1, 2, 10, 1, tzinfo=UTC),
    kommo_message_id=OUTGOING,
    kommo_chat_id=CHAT,
    conversation_id=CONVERSATION,
    receiver=Participant(ZOE, ParticipantId("tg:555"), "Zoë"),
    sender=Participant(MANAGER, name="Manager"),
    at=datetime(2026, 1, 2, 10, 1, 0, 456_000, tzinfo=UTC),
    body=Body("text", "Hello ✅"),
)


def media(kind: str, name: str) -> ManagerMessage:
    """Return a message that is a file of 2048 bytes without a text."""
    body = Body(kind, media=f"{FILES}/{name}", file_name=name, file_size=2048)
    return replace(TEXT, body=body)


def saying(message: ManagerMessage, **changes: Any) -> ManagerMessage:
    """Return a message that says something else."""
    return replace(message, body=replace(message.body, **changes))


def text(words: str) -> ManagerMessage:
    """Return a text."""
    return saying(TEXT, text=words)


MESSAGES = {
    "message-text": TEXT,
    "message-file": media("file", "price.pdf"),
    "message-video": media("video", "tour.mp4"),
    "message-voice": media("voice", "note.ogg"),
    "message-audio": media("audio", "jingle.mp3"),
    "message-sticker": media("sticker", "cat.webp"),
    "message-picture": replace(
        saying(
            media("picture", "plan.png"),
            text="Order 4711?",
            thumbnail=f"{FILES}/plan_320x200.png",
            file_size=51_200,
        ),
        source_id=SourceId("bot-sales"),
        markup=Markup("inline", ((Button("Confirm"), Button("Cancel")),)),
        template=Template(
            "7103", "order-confirm", "Order {{lead.id}}?", (("{{lead.id}}", "4711"),)
        ),
    ),
    "message-media-group": replace(
        saying(
            media("picture", "one.png"),
            thumbnail=f"{FILES}/one_320x200.png",
            file_size=1024,
        ),
        media_group_id="ffffffff-1111-4222-8333-444444444444",
    ),
    "message-link-buttons": replace(
        text("Our shop"),
        markup=Markup("inline", ((Button("Open", "https://shop.example.com/"),),)),
    ),
    "message-list": replace(
        text("Choose"),
        markup=Markup(
            list_message=ListMessage(
                "Delivery",
                "When shall we come?",
                "Free of charge",
                "Choose a day",
                (
                    ListSection(
                        "This week",
                        (ListRow("thu", "Thursday", "After 10:00"), ListRow("fri", "Friday")),
                    ),
                ),
            )
        ),
    ),
    "message-reply": replace(
        text("On Sundays too"),
        reply_to=QuotedMessage(
            INCOMING,
            ExternalMessageId("tg:700001:555:42"),
            Body("text", "Do you deliver?"),
            at=datetime(2026, 1, 2, 10, 0, 0, 123_000, tzinfo=UTC),
            sender=TEXT.receiver,
        ),
    ),
    "message-forward": replace(
        text("See here"),
        forwards=ForwardedMessages(
            (
                QuotedMessage(
                    INCOMING,
                    body=Body("text", "We are open until 18:00"),
                    at=datetime(2026, 1, 2, 10, 0, 0, 123_000, tzinfo=UTC),
                    sender=TEXT.sender,
                ),
            ),
            KommoChatId("99999999-8888-4777-8666-555555555501"),
        ),
    ),
    "message-location": replace(
        TEXT, body=Body("location", location=Location(lon=-122.4194, lat=37.7749))
    ),
    "message-contact": replace(
        TEXT, body=Body("contact", contact=Contact(name="Max Example", phone="+14155550199"))
    ),
    "message-write-first": replace(
        text("Hello, this is Example Ltd"),
        source_id=SourceId("bot-sales"),
        receiver=Participant(
            KommoUserId("22222222-3333-4444-8555-666666666600"), phone="14155550199"
        ),
        kommo_chat_id=KommoChatId("99999999-8888-4777-8666-555555555500"),
        conversation_id=None,
    ),
    "salesbot-message": replace(
        text("How can we help?"),
        sender=Participant(SALESBOT, name="Salesbot"),
        markup=Markup("inline", tuple((Button(f"Answer {n}"),) for n in range(1, 14))),
    ),
    "salesbot-template": replace(
        text("Order 4711?"),
        sender=Participant(SALESBOT),
        template=Template(
            "7103", "order-confirm", "Order {{lead.id}}?", (("{{lead.id}}", "4711"),)
        ),
    ),
    "salesbot-write-first": replace(
        text("Your order is ready"),
        sender=Participant(SALESBOT),
        source_id=SourceId("bot-sales"),
        receiver=Participant(
            KommoUserId("22222222-3333-4444-8555-666666666600"), phone="14155550199"
        ),
        kommo_chat_id=KommoChatId("99999999-8888-4777-8666-555555555500"),
        conversation_id=None,
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_manager_message_is_read(name: str, sample: Sample) -> None:
    """Whatever a manager may send arrives whole, in our words."""
    event = parse_event(json.dumps(sample(f"{name}.hook")).encode())
    assert event == MESSAGES[name]
    assert event.dedupe_key == f"message:{OUTGOING}"


def test_typing_is_read(sample: Sample) -> None:
    """A typing manager is told from a message."""
    event = parse_event(json.dumps(sample("typing.hook")).encode())
    assert isinstance(event, ManagerTyping)
    assert event == ManagerTyping(
        digest=event.digest,
        account_id=ACCOUNT,
        time=datetime(2026, 1, 2, 10, 0, 55, tzinfo=UTC),
        kommo_chat_id=CHAT,
        conversation_id=CONVERSATION,
        user_id=MANAGER,
        expires_at=datetime(2026, 1, 2, 10, 1, tzinfo=UTC),
    )
    assert event.dedupe_key == f"typing:{event.digest}"


@pytest.mark.parametrize(
    ("name", "ours", "kind", "emoji"),
    [
        pytest.param("reaction", ExternalMessageId("tg:700001:555:42"), "react", "👍", id="put"),
        pytest.param(
            "reaction-removed", ExternalMessageId("tg:700001:555:42"), "unreact", None, id="taken"
        ),
        pytest.param("reaction-older", None, "react", "👍", id="before-september-2023"),
    ],
)
def test_reaction_is_read(
    name: str, ours: ExternalMessageId | None, kind: str, emoji: str | None, sample: Sample
) -> None:
    """A reaction names its message in the older form as well."""
    event = parse_event(json.dumps(sample(f"{name}.hook")).encode())
    assert isinstance(event, ManagerReaction)
    assert (event.kommo_message_id, event.external_id) == (INCOMING, ours)
    assert (event.type, event.emoji, event.user_id) == (kind, emoji, MANAGER)
    assert (event.kommo_chat_id, event.conversation_id) == (CHAT, CONVERSATION)
    assert event.time == datetime(2026, 1, 2, 10, 1, 30, tzinfo=UTC)
    assert event.dedupe_key == f"reaction:{event.digest}"


def test_legacy_message_is_read(sample: Sample) -> None:
    """The first version of webhooks is recognised by its flat body."""
    event = parse_event(json.dumps(sample("legacy-message.hook")).encode())
    assert isinstance(event, LegacyMessage)
    assert event == LegacyMessage(
        digest=event.digest,
        conversation_id=CONVERSATION,
        receiver_id=ParticipantId("tg:555"),
        body=Body("text", "Hello"),
        at=TEXT.at,
    )
    assert event.dedupe_key == f"legacy:{event.digest}"


def test_unknown_event_is_kept(sample: Sample) -> None:
    """A kind of event that nobody knows yet is not an error."""
    event = parse_event(json.dumps(sample("unknown.hook")).encode())
    assert isinstance(event, UnknownEvent)
    assert event.keys == ("account_id", "action", "time")
    assert event.account_id == ACCOUNT
    assert event.reason == "this kind of event is not known"
    assert event.dedupe_key == f"unknown:{event.digest}"
