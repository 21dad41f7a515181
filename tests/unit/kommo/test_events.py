"""Webhooks that are not quite as documented."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kommo.answers import Participant
from kommo.errors import PayloadError
from kommo.events import LegacyMessage, ManagerMessage, UnknownEvent, parse_event
from kommo.markup import Button, Markup

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


def hook(
    message: Mapping[str, Any] | None = None, envelope: Mapping[str, Any] | None = None
) -> bytes:
    """Return the barest message hook, changed by what is given."""
    body = {
        "message": {
            "conversation": {"id": "chat"},
            "timestamp": 1767348060,
            "message": {"id": "m", **(message or {})},
            **(envelope or {}),
        }
    }
    return json.dumps(body).encode()


def message_of(body: bytes) -> ManagerMessage:
    """Return what a message hook says."""
    event = parse_event(body)
    assert isinstance(event, ManagerMessage), event
    return event


def test_barest_message_is_read() -> None:
    """A message needs its id, its chat and its time; all else may be absent."""
    event = message_of(hook())
    assert event == ManagerMessage(
        kommo_message_id=event.kommo_message_id,
        kommo_chat_id=event.kommo_chat_id,
        conversation_id=None,
        receiver=Participant(None),
        sender=Participant(None),
        at=datetime(2026, 1, 2, 10, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("empty", [None, "", 0, [], {}, "nonsense", 7, True, [None]])
@pytest.mark.parametrize("key", ["markup", "template", "reply_to", "forwards", "location"])
def test_broken_extras_do_not_cost_the_message(key: str, empty: Any) -> None:
    """A text reaches the client even when what hangs on it cannot be read."""
    event = message_of(hook({"text": "hello", key: empty}))
    assert event.body.text == "hello"
    assert getattr(event.body if key == "location" else event, key) is None


@pytest.mark.parametrize(
    ("given", "read"),
    [
        pytest.param(0, None, id="zero"),
        pytest.param("", None, id="empty"),
        pytest.param(None, None, id="null"),
        pytest.param("51200", 51_200, id="string"),
        pytest.param(51_200.0, 51_200, id="float"),
        pytest.param("many", None, id="word"),
        pytest.param("9" * 30, None, id="too-long"),
        pytest.param(True, None, id="boolean"),
        pytest.param(-1, None, id="negative"),
    ],
)
def test_file_size_is_known_or_not(given: Any, read: int | None) -> None:
    """A file size is a positive number, however it is written."""
    assert message_of(hook({"file_size": given})).body.file_size == read


@pytest.mark.parametrize(
    ("envelope", "at"),
    [
        pytest.param(
            {"msec_timestamp": 1767348060456},
            datetime(2026, 1, 2, 10, 1, 0, 456_000, tzinfo=UTC),
            id="milliseconds",
        ),
        pytest.param(
            {"msec_timestamp": "1767348060456"},
            datetime(2026, 1, 2, 10, 1, 0, 456_000, tzinfo=UTC),
            id="string",
        ),
        pytest.param({"msec_timestamp": 0}, datetime(2026, 1, 2, 10, 1, tzinfo=UTC), id="seconds"),
        pytest.param(
            {"msec_timestamp": 10**30}, datetime(2026, 1, 2, 10, 1, tzinfo=UTC), id="far-future"
        ),
    ],
)
def test_time_is_as_exact_as_given(envelope: dict[str, Any], at: datetime) -> None:
    """Messages are ordered by the best time that the webhook tells."""
    assert message_of(hook(envelope=envelope)).at == at


def test_time_of_the_hook_serves_too() -> None:
    """A message without a time of its own is as old as its webhook."""
    body = json.loads(hook(envelope={"timestamp": None})) | {"time": 1767348061}
    assert message_of(json.dumps(body).encode()).at == datetime(2026, 1, 2, 10, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("phone", ["+14155550199", "14155550199", 14155550199])
def test_phone_keeps_its_form(phone: Any) -> None:
    """A phone number is read as it was sent, even as a number."""
    event = message_of(hook(envelope={"receiver": {"id": "z", "phone": phone}}))
    assert event.receiver.phone == str(phone)


@pytest.mark.parametrize(
    ("buttons", "rows"),
    [
        pytest.param([[{"text": "A"}, 5, None]], ((Button("A"),),), id="no-button"),
        pytest.param([{"text": "A"}], ((Button("A"),),), id="no-row"),
        pytest.param([[], [{"text": "A", "url": ""}]], ((Button("A"),),), id="empty-row"),
        pytest.param([[{"text": ""}, {"text": 1}]], ((Button("1"),),), id="empty-text"),
    ],
)
def test_readable_buttons_are_kept(buttons: Any, rows: tuple[tuple[Button, ...], ...]) -> None:
    """One broken button does not cost the others."""
    assert message_of(hook({"markup": {"buttons": buttons}})).markup == Markup("inline", rows)


def test_half_characters_are_replaced() -> None:
    """A text with half an emoji and a NUL reaches the client without them."""
    body = hook({"text": "?"}).replace(b'"?"', rb'"a\u0000b\ud83d"')
    assert message_of(body).body.text == "ab\ufffd"


def test_unknown_type_is_passed_on() -> None:
    """A message type of tomorrow is a message still."""
    assert message_of(hook({"type": "hologram", "text": "hi"})).body.type == "hologram"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param(hook({"id": ""}), "message.message.id is missing", id="no-id"),
        pytest.param(
            hook(envelope={"conversation": 5}), "message.conversation.id is missing", id="no-chat"
        ),
        pytest.param(
            hook(envelope={"timestamp": "soon"}), "message.msec_timestamp is missing", id="no-time"
        ),
        pytest.param(b'{"message":"hi"}', "this kind of event is not known", id="text"),
        pytest.param(b"{}", "this kind of event is not known", id="empty"),
        pytest.param(
            b'{"action":{"typing":{"user":{"id":"u"}}}}',
            "action.typing.conversation.id is missing",
            id="typing-nowhere",
        ),
        pytest.param(
            b'{"action":{"reaction":{"type":"react","emoji":"+"}}}',
            "action.reaction.msgid is missing",
            id="reaction-to-nothing",
        ),
        pytest.param(
            b'{"action":{"reaction":{"msgid":"m","conversation":{"id":"c"},"type":"react"}}}',
            "action.reaction.emoji is missing",
            id="reaction-without-emoji",
        ),
        pytest.param(
            b'{"action":{"reaction":{"msgid":"m","conversation":{"id":"c"},"type":"boo"}}}',
            "this type of reaction is not known",
            id="reaction-of-tomorrow",
        ),
        pytest.param(b'{"receiver":"tg:555"}', "conversation_id is missing", id="legacy-nowhere"),
    ],
)
def test_incomplete_event_is_kept_with_its_reason(body: bytes, reason: str) -> None:
    """What lacks something essential is stored as it came, and says what it lacks."""
    event = parse_event(body)
    assert isinstance(event, UnknownEvent)
    assert event.reason == reason


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"hello", id="text"),
        pytest.param(b"\xff\xfe{}", id="not-utf-8"),
        pytest.param(b'{"time":NaN}', id="not-a-number"),
        pytest.param(b"[]", id="array"),
        pytest.param(b"5", id="number"),
        pytest.param(b"[" * 100_000, id="too-deep"),
        pytest.param(b'{"time":' + b"9" * 5000 + b"}", id="endless-number"),
    ],
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    """Only a JSON object is a webhook."""
    with pytest.raises(PayloadError):
        parse_event(body)


def test_repetition_has_the_same_key() -> None:
    """The same event twice is one event, whatever surrounds its body."""
    body = b'{"receiver":"tg:555","conversation_id":"tg:700001:555","text":"hi"}'
    first, again = parse_event(body), parse_event(body + b"\r\n")
    assert isinstance(first, LegacyMessage)
    assert first == again
    assert first.dedupe_key != parse_event(body.replace(b"hi", b"ho")).dedupe_key


@given(JSON, JSON)
def test_no_message_can_stop_the_reader(message: Any, envelope: Any) -> None:
    """Any JSON object is some event."""
    fields = message if isinstance(message, dict) else {"text": message, "file_size": message}
    around = envelope if isinstance(envelope, dict) else {"receiver": envelope}
    assert parse_event(hook(fields, around)).dedupe_key
    assert parse_event(json.dumps({"action": {"reaction": message}, "x": envelope}).encode())
