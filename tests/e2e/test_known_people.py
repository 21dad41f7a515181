"""Whom Kommo knows already is not doubled: by the phone number, or by an invitation."""

import asyncio
import contextlib
import io
import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from bot import __main__ as main
from bot.deliver.kommo import contacts
from storage.database import Database
from storage.invitations import Invitation
from tests.e2e.conftest import Bridge

ANN, BOB = 555, 556
CONVERSATION = "tg:700001:555"
PHONE = "+14155550123"
SHARE = "Share my number"


@pytest.fixture(autouse=True)
def with_rest(config, kommo):
    """Settings with access to Kommo's REST API."""
    text = config.read_text(encoding="utf-8")
    access = f'access_token = "{kommo.access_token}"\napi_url = "{kommo.url}"'
    config.write_text(text.replace("[kommo]", f"[kommo]\n{access}"), encoding="utf-8")
    return config


@pytest.fixture
def asking(with_rest):
    """Settings that greet new clients and ask for their number."""
    text = with_rest.read_text(encoding="utf-8")
    texts = f'\n[texts]\nwelcome = "Hello!"\nask_phone = "{SHARE}"\n'
    with_rest.write_text(text + texts, encoding="utf-8")


@pytest.fixture
def invite(config):
    """Make an invitation by command, as another program would; return its payload."""

    async def run(contact_id, *options):
        output, errors = io.StringIO(), io.StringIO()
        arguments = ["--config", str(config), "invite", "--contact", str(contact_id), "--json"]

        def call():
            with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
                return main.run([*arguments, *options])

        assert await asyncio.to_thread(call) == 0, errors.getvalue()
        link = json.loads(output.getvalue())["link"]
        match = re.fullmatch(r"https://t\.me/sales_bot\?start=([A-Za-z0-9_-]{1,64})", link)
        assert match
        return match[1]

    return run


def texts(kommo, conversation=CONVERSATION):
    """Return what Kommo shows of a conversation; nothing when there is none."""
    return kommo.texts_in(conversation) if conversation in kommo.conversations else []


async def test_a_shared_number_finds_the_contact(bridge, telegram, kommo, eventually):
    """However both sides write it, the chat is the contact's before its first message."""
    ways = ["+1 (415) 555-01{}", "141555501{}", "(415) 555-01{}", "+1 415 555 01{}"]
    expected = {}
    for number, written in enumerate(ways, start=10):
        contact = kommo.add_contact(f"client {number}", written.format(number))
        plus = "+" if number % 2 else ""
        telegram.client_shares_phone(f"{plus}141555501{number}", chat_id=600 + number)
        expected[f"tg:700001:{600 + number}"] = contact
    await eventually(lambda: len(kommo.received) == len(ways))
    assert {name: kommo.contact_of(name) for name in kommo.conversations} == expected
    assert kommo.leads == []


async def test_one_contact_may_have_several_chats(bridge, telegram, kommo, eventually):
    """Ann writes from two accounts of hers: both chats are her contact's."""
    contact = kommo.add_contact("Ann", PHONE, "+14155550124")
    telegram.client_shares_phone(PHONE)
    telegram.client_shares_phone("+14155550124", chat_id=BOB)
    await eventually(lambda: len(kommo.received) == 2)
    assert [kommo.contact_of(name) for name in kommo.conversations] == [contact, contact]


async def test_somebody_elses_number_says_nothing_of_the_client(
    bridge, telegram, kommo, eventually
):
    """An entry of the address book is a message; the client stays unknown."""
    kommo.add_contact("Max", PHONE)
    entry = {"phone_number": PHONE, "first_name": "Max", "user_id": BOB}
    telegram.client_sends({"contact": entry})
    telegram.client_sends({"contact": {"phone_number": PHONE, "first_name": "Max"}})
    await eventually(lambda: len(kommo.received) == 2)
    assert kommo.contact_of(CONVERSATION) is None


async def test_several_contacts_of_one_number_are_not_guessed(bridge, telegram, kommo, eventually):
    """Two contacts with the client's number: the message arrives, and nobody is chosen."""
    kommo.add_contact("Ann", PHONE)
    kommo.add_contact("Ann again", "14155550123")
    telegram.client_shares_phone(PHONE)
    await eventually(lambda: len(kommo.received) == 1)
    assert kommo.contact_of(CONVERSATION) is None
    assert len(kommo.leads) == 1


async def test_an_unknown_number_makes_a_lead_as_ever(bridge, telegram, kommo, eventually):
    """Nobody has the number: Kommo makes contact and lead itself."""
    telegram.client_shares_phone(PHONE)
    await eventually(lambda: len(kommo.received) == 1)
    assert [lead.phone for lead in kommo.leads] == [PHONE]


@pytest.mark.parametrize(
    "step",
    [
        pytest.param("/api/v4/contacts", id="find"),
        pytest.param("/v2/origin/custom/*/chats", id="create"),
        pytest.param("/api/v4/contacts/chats", id="link"),
    ],
)
@pytest.mark.parametrize("is_done", [False, True])
async def test_a_failure_at_any_step_costs_time_only(
    bridge, telegram, kommo, eventually, step, is_done
):
    """Whether the step was carried out or not, the retry ends in one chat and one link."""
    contact = kommo.add_contact("Ann", PHONE)
    fault = kommo.faults.reset(step, after_processing=is_done)
    telegram.client_shares_phone(PHONE)
    telegram.client_says("first")
    await eventually(lambda: fault.hits == 1)

    def time_passes():
        bridge.ahead = min(bridge.ahead + timedelta(seconds=1), timedelta(minutes=1))
        return texts(kommo)[-1:] == ["first"]

    await eventually(time_passes)
    assert len(kommo.conversations) == 1
    assert kommo.contact_of(CONVERSATION) == contact
    assert len(kommo.account.chat_links) == 1
    assert kommo.leads == []


async def test_a_kill_between_the_steps_doubles_nothing(process, telegram, kommo, eventually):
    """The chat is made, the link is not: the next life goes on, before the first message."""
    contact = kommo.add_contact("Ann", PHONE)
    hanging = kommo.faults.hang("/api/v4/contacts/chats")
    await process.start()
    telegram.client_shares_phone(PHONE)
    await eventually(lambda: hanging.hits == 1)
    assert kommo.received == []
    await process.kill()
    kommo.faults.clear()
    await process.start()
    await eventually(lambda: len(kommo.received) == 1)
    assert len(kommo.conversations) == 1
    assert kommo.contact_of(CONVERSATION) == contact
    assert kommo.leads == []


async def test_a_rest_api_that_is_down_holds_nothing_for_ever(bridge, telegram, kommo, eventually):
    """Within half a minute the messages simply go out, in order."""
    kommo.add_contact("Ann", PHONE)
    fault = kommo.faults.fail("/api/v4/*", status=503, times=None)
    telegram.client_shares_phone(PHONE)
    telegram.client_says("first")
    await eventually(lambda: fault.hits >= 1)
    assert kommo.received == []
    bridge.ahead = timedelta(seconds=30)
    await eventually(lambda: texts(kommo)[-1:] == ["first"])
    assert len(kommo.received) == 2
    assert kommo.contact_of(CONVERSATION) is None


async def test_a_clock_that_is_set_back_makes_nobody_wait_longer(
    bridge, telegram, kommo, eventually, monkeypatch
):
    """What waits for a REST API that is down goes out in time, whatever the clock says."""
    monkeypatch.setattr(contacts, "PATIENCE", timedelta(seconds=1))
    kommo.account.now = lambda: datetime.now(UTC) + bridge.ahead
    kommo.add_contact("Ann", PHONE)
    fault = kommo.faults.fail("/api/v4/*", status=503, times=None)
    telegram.client_shares_phone(PHONE)
    await eventually(lambda: fault.hits >= 1)
    bridge.ahead = -timedelta(hours=1)
    await eventually(lambda: len(kommo.received) == 1, within_s=10)


async def test_a_rest_api_that_hangs_holds_up_nobody_else(bridge, telegram, kommo, eventually):
    """While many clients wait for their contact, the others' messages go on."""
    kommo.faults.hang("/api/v4/*", times=None)
    for chat_id in range(600, 620):
        telegram.client_shares_phone(f"+14155550{chat_id}", chat_id=chat_id)
    telegram.client_says("hello", chat_id=BOB, name="Bob")
    await eventually(lambda: texts(kommo, "tg:700001:556") == ["hello"])
    assert len(kommo.received) == 1
    kommo.faults.clear()


async def test_a_refused_token_holds_nothing(bridge, telegram, kommo, eventually):
    """Access that was taken away is no reason to wait."""
    kommo.faults.fail("/api/v4/*", status=401, times=None)
    telegram.client_shares_phone(PHONE)
    await eventually(lambda: len(kommo.received) == 1)


async def test_a_number_that_gets_known_later_links_the_chat_there_is(
    bridge, telegram, kommo, eventually
):
    """The conversation exists: the number moves it to the contact, and nothing is made twice."""
    contact = kommo.add_contact("Ann", PHONE)
    telegram.client_says("hello")
    await eventually(lambda: len(kommo.received) == 1)
    telegram.client_shares_phone(PHONE)
    await eventually(lambda: len(kommo.received) == 2)
    assert kommo.contact_of(CONVERSATION) == contact
    assert len(kommo.conversations) == 1


async def test_an_invitation_ties_who_opens_it(bridge, telegram, kommo, eventually, invite):
    """Whoever opens the link is the contact, before the first message; and may open it twice."""
    contact = kommo.add_contact("Ann")
    payload = await invite(contact)
    telegram.client_starts(payload)
    telegram.client_starts(payload)
    await eventually(lambda: len(kommo.received) == 2)
    assert kommo.contact_of(CONVERSATION) == contact
    assert texts(kommo) == ["[Opened an invitation link.]"] * 2
    assert kommo.leads == []


async def test_somebody_elses_invitation_is_an_ordinary_start(
    bridge, telegram, kommo, eventually, invite
):
    """A link for one person does nothing for the second; one for many does."""
    contact = kommo.add_contact("Ann")
    single, many = await invite(contact), await invite(contact, "--many")
    telegram.client_starts(single)
    await eventually(lambda: len(kommo.received) == 1)
    telegram.client_starts(single, chat_id=BOB, name="Bob")
    await eventually(lambda: texts(kommo, "tg:700001:556") == ["/start"])
    assert kommo.contact_of("tg:700001:556") is None
    telegram.client_starts(many, chat_id=BOB)
    await eventually(lambda: len(kommo.received) == 3)
    assert kommo.contact_of("tg:700001:556") == contact


async def test_an_expired_invitation_is_an_ordinary_start(bridge, telegram, kommo, eventually):
    """After its days a link ties nobody, and shows no payload."""
    payload, now = "inv_" + "e" * 32, datetime.now(UTC)
    contact = kommo.add_contact("Ann")
    async with Database.open(bridge.settings.database) as database, database.transaction() as tx:
        await tx.invitations.remember(Invitation(payload, contact, True, now, now))
    telegram.client_starts(payload)
    await eventually(lambda: texts(kommo) == ["/start"])
    assert kommo.contact_of(CONVERSATION) is None


async def test_where_a_client_comes_from_is_the_first_line(bridge, telegram, kommo, eventually):
    """An advertisement's parameter is readable; what no link can carry is what was typed."""
    starts = {
        "summer-sale_26": "Opened link: summer-sale_26",
        "": "/start",
        "inv_" + "x" * 32: "/start",
        "<b>x</b>\n[spoof]": "/start <b>x</b>\n[spoof]",
        "x" * 65: "/start " + "x" * 65,
    }
    for payload in starts:
        telegram.client_starts(payload)
    await eventually(lambda: texts(kommo) == list(starts.values()))


async def test_new_clients_are_greeted_once_and_asked_for_their_number(
    asking, bridge, telegram, kommo, eventually
):
    """The welcome comes once; the number shared with its button finds the contact first."""
    contact = kommo.add_contact("Ann", PHONE)
    telegram.client_starts()
    await eventually(lambda: telegram.texts_to(ANN) == ["Hello!"])
    [[button]] = telegram.sent_to(ANN)[0].reply_markup["keyboard"]
    assert button == {"text": SHARE, "request_contact": True}
    telegram.client_shares_phone(PHONE.removeprefix("+"))
    await eventually(lambda: len(kommo.received) == 2)
    assert texts(kommo)[0] == "/start"
    assert kommo.contact_of(CONVERSATION) == contact
    assert kommo.leads == []
    assert telegram.texts_to(ANN) == ["Hello!"]


async def test_who_keeps_the_number_is_heard_all_the_same(
    asking, bridge, telegram, kommo, eventually
):
    """The first start waits for the number; the next words end the waiting."""
    telegram.client_starts()
    await eventually(lambda: telegram.texts_to(ANN) == ["Hello!"])
    assert kommo.received == []
    telegram.client_says("Do you deliver?")
    await eventually(lambda: texts(kommo) == ["/start", "Do you deliver?"])
    telegram.client_starts(chat_id=BOB, name="Bob")
    await eventually(lambda: telegram.texts_to(BOB) == ["Hello!"])
    bridge.ahead = timedelta(seconds=25)
    await eventually(lambda: texts(kommo, "tg:700001:556") == ["/start"])


async def test_a_number_told_to_one_bot_is_known_to_the_others(
    with_rest, telegram, kommo, eventually
):
    """The same person writes to a second bot: that chat is the contact's too, from the start."""
    second = telegram.add_bot("700002:FAKE-TOKEN-FOR-TESTS-ONLY-0000000002", username="two_bot")
    text = with_rest.read_text(encoding="utf-8")
    bots = text.replace("[[telegram.bots]]", '[[telegram.bots]]\nsource = "one"\ndefault = true')
    token = "700002:FAKE-TOKEN-FOR-TESTS-ONLY-0000000002"
    more = f'\n[[telegram.bots]]\ntoken = "{token}"\nsource = "two"\n[listen]'
    with_rest.write_text(bots.replace("\n[listen]", more), encoding="utf-8")
    contact = kommo.add_contact("Ann", PHONE)
    running = Bridge(with_rest)
    await running.start()
    try:
        telegram.client_shares_phone(PHONE)
        await eventually(lambda: len(kommo.received) == 1)
        telegram.client_says("hello, two", bot=second)
        await eventually(lambda: len(kommo.received) == 2)
    finally:
        await running.stop()
    assert kommo.contact_of("tg:700002:555") == contact
    assert kommo.leads == []


@pytest.mark.parametrize(
    ("step", "chats"),
    [
        pytest.param("/api/v4/contacts", 0, id="before-the-chat-is-made"),
        pytest.param("/v2/origin/custom/*/chats", 1, id="before-it-is-linked"),
    ],
)
async def test_who_is_forgotten_while_kommo_is_asked_is_not_tied(
    bridge, telegram, kommo, command, config, eventually, step, chats
):
    """The steps that are left are not made, and nothing of the client is stored."""
    kommo.add_contact("Ann", PHONE)
    held = kommo.faults.hang(step)
    telegram.client_shares_phone(PHONE)
    await eventually(lambda: held.hits == 1)
    code, _output, _errors = await command("forget", "--chat", str(ANN), "--yes")
    assert code == 0
    held.release()
    await asyncio.sleep(0.3)
    await bridge.stop()
    assert len(kommo.conversations) == chats
    assert kommo.account.chat_links == {}
    kept = b"".join(path.read_bytes() for path in config.parent.glob("*.sqlite3*"))
    assert [trace for trace in (PHONE, CONVERSATION) if trace.encode() in kept] == []
