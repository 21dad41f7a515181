"""Which rows of a history are managers' messages, how far back, and where they belong."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.receive.catch_up.window import ALLOWANCE, Bounds, in_order, of_client, of_managers
from kommo import answers
from kommo.events import ManagerMessage, parse_event
from kommo.ids import AmojoId, ConversationId, KommoChatId, KommoUserId
from kommo.read_back import is_read_back, webhook_of

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
DAY_AGO = NOON - 24 * HOUR
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
    assert list(of_client(rows, OURS)) == ["tg:700001:555:42"]


def bounds(**limits):
    """Return limits of long ago, but for those that are told."""
    old = NOON - 1000 * HOUR
    given = {"known_at": old, "doubtful_until": old, "listens_since": old, **limits}
    given.setdefault("first_at", given["known_at"])
    return Bounds(recover=24 * HOUR, grace=timedelta(seconds=15), **given)


@pytest.mark.parametrize(
    ("limits", "missed_since", "since"),
    [
        pytest.param({}, None, NOON - 24 * HOUR, id="as-old-as-may-be-sent"),
        pytest.param({}, NOON - 30 * HOUR, NOON - 30 * HOUR, id="longer-outage"),
        pytest.param({}, NOON - HOUR, NOON - 24 * HOUR, id="shorter-outage"),
        pytest.param(
            {"known_at": NOON - 3 * HOUR}, None, NOON - 3 * HOUR - ALLOWANCE, id="new-conversation"
        ),
        pytest.param(
            {"known_at": NOON + 3 * HOUR}, None, NOON - ALLOWANCE, id="heard-of-by-a-clock-ahead"
        ),
        pytest.param({"ahead": 5 * MINUTE}, None, DAY_AGO - 5 * MINUTE, id="our-clock-is-ahead"),
        pytest.param({"ahead": -5 * MINUTE}, None, DAY_AGO + 5 * MINUTE, id="our-clock-is-behind"),
        pytest.param({"ahead": HOUR}, None, DAY_AGO, id="unbelievable"),
        pytest.param(
            {"known_at": NOON - HOUR, "first_at": NOON - 2 * HOUR},
            None,
            NOON - 2 * HOUR - ALLOWANCE,
            id="clock-was-ahead",
        ),
        pytest.param({"ahead": timedelta(seconds=1)}, None, NOON - 24 * HOUR, id="noise"),
    ],
)
def test_how_far_back_is_looked(limits, missed_since, since):
    """As far as hooks may be missing, and never long before what the database knows of."""
    window = bounds(**limits).window(missed_since=missed_since, now=NOON)
    assert window.since == since


def test_every_moment_is_by_kommos_clock():
    """So the moments of a history are compared as they are told."""
    known = {"known_at": NOON - HOUR, "doubtful_until": NOON - HOUR, "listens_since": NOON - HOUR}
    window = bounds(**known, ahead=5 * MINUTE).window(missed_since=None, now=NOON)
    then = NOON - HOUR - 5 * MINUTE
    assert (window.own_from, window.sure_from, window.webhooks_from) == (then, then, then)
    assert window.send_from == DAY_AGO - 5 * MINUTE
    assert window.young_from == NOON - 5 * MINUTE - timedelta(seconds=15)


def test_a_doubt_from_the_future_ends_now():
    """It was noted by a clock that was set back since."""
    window = bounds(doubtful_until=NOON + HOUR).window(missed_since=None, now=NOON)
    assert window.sure_from == NOON


@pytest.mark.parametrize(
    ("age_s", "listens_for_s", "is_left"),
    [(5, 3600, True), (20, 3600, False), (5, 3, False), (5, 5, True)],
)
def test_a_young_message_is_left_to_its_hook(age_s, listens_for_s, is_left):
    """Only where somebody listened when it was written."""
    limits = bounds(listens_since=NOON - timedelta(seconds=listens_for_s))
    window = limits.window(missed_since=None, now=NOON)
    assert window.leaves_to_webhook(NOON - timedelta(seconds=age_s)) is is_left


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
    assert event.body.location is not None
    assert event.dedupe_key == "message:m1"
    assert (event.conversation_id, event.at, event.body.type) == (OURS, NOON, "picture")
    assert (event.body.text, event.body.media, event.body.file_name) == (
        "Hello ✅",
        "https://k.example/a.png",
        "a.png",
    )
    assert (event.receiver.external_id, event.sender.name) == ("tg:555", "Manager")
    assert event.body.location.lat == 41.0
    assert is_read_back(body.decode())
    assert not is_read_back("{}")
    assert not is_read_back("nonsense")
