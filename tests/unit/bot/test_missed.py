"""Which rows of a history are managers' messages, how far back, and where they belong."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.translate.missed import Bounds, in_order, of_client, of_managers
from kommo import answers
from kommo.events import ManagerMessage, is_read_back, parse_event, webhook_of
from kommo.ids import AmojoId, ConversationId, KommoChatId, KommoUserId

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OURS = ConversationId("tg:700001:555")
CLIENT = {"id": "22222222-3333-4444-8555-666666666666", "client_id": "tg:555", "name": "Zoë"}
MANAGER = {"id": "33333333-4444-4555-8666-777777777777", "name": "Manager"}
BOT = {"id": "44444444-5555-4666-8777-888888888888", "name": "Bot"}


def row(message_id="m1", *, at=NOON, sender=MANAGER, receiver=CLIENT, external_id=None, **content):
    """Return a row of a history as Kommo's page prints it."""
    ids = {"id": message_id, **({"client_id": external_id} if external_id else {})}
    raw = {
        "timestamp": int(at.timestamp()),
        "msec_timestamp": int(at.timestamp() * 1000),
        "sender": sender,
        **({"receiver": receiver} if receiver else {}),
        "message": {**ids, "type": "text", "text": "Hello ✅", **content},
    }
    (message,) = answers.history(json.dumps({"messages": [raw]}).encode())
    return message


@pytest.mark.parametrize(
    ("message", "is_managers"),
    [
        pytest.param(row(), True, id="manager"),
        pytest.param(row(sender=CLIENT, receiver=None), False, id="client"),
        pytest.param(row(external_id="tg:700001:555:9"), False, id="imported-or-bound"),
        pytest.param(row(sender=BOT), False, id="channel-bot"),
        pytest.param(row(receiver=None), False, id="nobody-knows-whose"),
    ],
)
def test_only_what_managers_wrote_in_kommo_counts(message, is_managers):
    """What the client wrote or this bridge told Kommo of is never sent to the client."""
    found = of_managers([message], channel_bot_id=KommoUserId(BOT["id"]))
    assert bool(found) is is_managers


def test_without_a_channel_bot_every_user_is_a_manager():
    """Its id may be missing from the settings."""
    assert of_managers([row(sender=BOT)], channel_bot_id=None)


def test_what_the_client_wrote_is_known_by_our_ids():
    """Only our ids of this conversation say that this bridge told Kommo of them."""
    rows = [
        row(),
        row("m2", sender=CLIENT, receiver=None),
        row("m3", sender=CLIENT, receiver=None, external_id="tg:700001:555:42"),
        row("m4", sender=CLIENT, receiver=None, external_id="other:1"),
        row("m5", external_id="tg:700001:555:43"),
    ]
    assert of_client(rows, OURS) == ["tg:700001:555:42"]


@pytest.mark.parametrize(
    ("limits", "since"),
    [
        pytest.param({}, NOON - 24 * HOUR, id="as-old-as-may-be-sent"),
        pytest.param({"missed_since": NOON - 30 * HOUR}, NOON - 30 * HOUR, id="longer-outage"),
        pytest.param({"missed_since": NOON - HOUR}, NOON - 24 * HOUR, id="shorter-outage"),
        pytest.param({"knows_since": NOON - 2 * HOUR}, NOON - 2 * HOUR, id="lost-database"),
        pytest.param({"known_at": NOON - 3 * HOUR}, NOON - 3 * HOUR, id="new-conversation"),
    ],
)
def test_how_far_back_is_looked(limits, since):
    """As far as hooks may be missing, and never before what the database knows of."""
    old = NOON - 1000 * HOUR
    bounds = Bounds(
        recover=24 * HOUR,
        knows_since=limits.get("knows_since", old),
        listens_since=old,
        grace=timedelta(seconds=15),
    )
    window = bounds.window(
        known_at=limits.get("known_at", old), missed_since=limits.get("missed_since"), now=NOON
    )
    assert (window.since, window.send_from) == (since, NOON - 24 * HOUR)


@pytest.mark.parametrize(
    ("age_s", "listens_for_s", "is_left"),
    [(5, 3600, True), (20, 3600, False), (5, 3, False), (5, 5, True)],
)
def test_a_young_message_is_left_to_its_hook(age_s, listens_for_s, is_left):
    """Only where somebody listened when it was written."""
    bounds = Bounds(
        recover=24 * HOUR,
        knows_since=NOON - HOUR,
        listens_since=NOON - timedelta(seconds=listens_for_s),
        grace=timedelta(seconds=15),
    )
    window = bounds.window(known_at=NOON - HOUR, missed_since=None, now=NOON)
    assert window.leaves_to_hook(NOON - timedelta(seconds=age_s)) is is_left


@pytest.mark.parametrize(
    ("missed", "waiting", "expected"),
    [
        pytest.param([], [1, 2], [], id="nothing-missed"),
        pytest.param([1, 2], [], ["missed 1", "missed 2"], id="nothing-waits"),
        pytest.param([3], [1, 2], ["missed 3"], id="newest"),
        pytest.param([1], [2, 3], ["missed 1", "waiting 2", "waiting 3"], id="oldest"),
        pytest.param(
            [2, 4], [1, 3, 5], ["missed 2", "waiting 3", "missed 4", "waiting 5"], id="between"
        ),
    ],
)
def test_what_was_missed_takes_its_place_in_the_order(missed, waiting, expected):
    """What waits and is older stays where it is; the rest is put behind, in order."""
    places = in_order(
        [row(f"m{n}", at=NOON + n * HOUR) for n in missed],
        [(NOON + n * HOUR, f"waiting {n}") for n in waiting],
    )
    named = [place.waiting or f"missed {(place.at - NOON) // HOUR}" for place in places]
    assert named == expected


def test_a_row_becomes_the_hook_that_was_missed():
    """Its key is the hook's, so that one of the two has no effect."""
    place = {"lon": 2.5, "lat": 41.0}
    message = row(
        type="picture", media="https://k.example/a.png", file_name="a.png", location=place
    )
    body = webhook_of(
        message,
        account_id=AmojoId("aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"),
        kommo_chat_id=KommoChatId("99999999-8888-4777-8666-555555555555"),
        conversation_id=OURS,
    )
    event = parse_event(body)
    assert isinstance(event, ManagerMessage)
    assert event.location is not None
    assert event.dedupe_key == "message:m1"
    assert (event.conversation_id, event.at, event.type) == (OURS, NOON, "picture")
    assert (event.text, event.media, event.file_name) == (
        "Hello ✅",
        "https://k.example/a.png",
        "a.png",
    )
    assert (event.receiver.external_id, event.sender.name) == ("tg:555", "Manager")
    assert event.location.lat == 41.0
    assert is_read_back(body.decode())
    assert not is_read_back("{}")
    assert not is_read_back("nonsense")
