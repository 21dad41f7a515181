"""Forgetting a client while the service runs."""

import asyncio
import contextlib
import io
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bot import __main__ as main
from storage.database import Database
from storage.invitations import Invitation

ANN, BOB = 555, 556
NAME, PHONE = "Annabella", "+14155550123"
CONVERSATION = "tg:700001:555"
INVITATION = "inv_" + "a" * 32


@pytest.fixture
def forget(config):
    """Run the command inside this process, with what a person answers; return its exit code."""

    async def run(chat, *options):
        arguments = ["--config", str(config), "forget", "--chat", str(chat), *options]

        def call():
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                return main.run(arguments)

        return await asyncio.to_thread(call)

    return run


def document(telegram, content):
    """Return a file as a client sends it."""
    return telegram.media("document", telegram.add_file(content, "plan.pdf"))


async def status_of(link):
    """Return what a link answers."""
    async with aiohttp.ClientSession() as http, http.get(link) as answer:
        return answer.status


@pytest.fixture
async def known(bridge, telegram, kommo, eventually):
    """A client of whom all kinds of things are kept; the link to one of her files."""
    now = datetime.now(UTC)
    invitation = Invitation(INVITATION, 9030001, True, now, now + timedelta(days=1))
    async with Database.open(bridge.settings.database) as database, database.transaction() as tx:
        await tx.invitations.remember(invitation)
    telegram.client_starts(INVITATION, chat_id=ANN, name=NAME)
    telegram.client_shares_phone(PHONE, chat_id=ANN)
    telegram.client_sends(document(telegram, b"secret"), chat_id=ANN)
    telegram.push({"message": {"chat": {"id": ANN, "type": "private"}, "message_id": 4242}})
    telegram.push({"message": {"from": {"id": ANN, "first_name": NAME}, "chat": None}})
    telegram.client_says("Bob is here", chat_id=BOB, name="Bob")
    await eventually(lambda: len(kommo.received) == 5)
    first = await kommo.write_first(PHONE, "Hello")
    await eventually(lambda: kommo.statuses_of(first) == [1])
    [link] = [m.content["media"] for m in kommo.received if "media" in m.content]
    return link


async def test_a_forgotten_client_leaves_nothing_and_the_links_die(
    known, bridge, telegram, kommo, eventually, forget, config
):
    """Neither name nor number nor chat is in the database afterwards; others are untouched."""
    assert await status_of(known) == 200
    assert await forget(ANN, "--yes") == 0
    assert await status_of(known) == 403
    telegram.client_says("still here", chat_id=BOB)
    await eventually(lambda: kommo.texts_in("tg:700001:556")[-1] == "still here")
    await bridge.stop()
    kept = b"".join(path.read_bytes() for path in config.parent.glob("*.sqlite3*"))
    for trace in (NAME, PHONE, PHONE[1:], CONVERSATION, INVITATION):
        assert trace.encode() not in kept
    assert b"Bob" in kept


async def test_a_client_who_comes_back_the_same_day_is_served_again(
    known, telegram, kommo, eventually, forget
):
    """What is sent after the forgetting is a new client's; what was sent before stays dead."""
    await forget(ANN, "--yes")
    telegram.set_avatar(b"picture", chat_id=ANN)
    telegram.client_sends(document(telegram, b"new"), chat_id=ANN)
    await eventually(lambda: len(kommo.received) == 6)
    assert await status_of(kommo.received[-1].content["media"]) == 200
    while kommo.received[-1].sender.avatar is None:
        count = len(kommo.received)
        assert count < 50
        telegram.client_says("and?", chat_id=ANN)
        await eventually(lambda count=count: len(kommo.received) > count)
    assert await status_of(kommo.received[-1].sender.avatar) == 200
    assert await status_of(known) == 403


async def test_nothing_is_forgotten_without_a_confirmation(known, forget, monkeypatch):
    """The answer was no, so everything is still there."""
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert await forget(ANN) == 1
    assert await status_of(known) == 200


def traces(config):
    """Return what is left of the client in the database's files."""
    kept = b"".join(path.read_bytes() for path in config.parent.glob("*.sqlite3*"))
    return [trace for trace in (NAME, PHONE[1:], CONVERSATION) if trace.encode() in kept]


@pytest.fixture
async def met(bridge, telegram, kommo, eventually):
    """Ann, who shared her number, and Bob; a manager can answer both."""
    telegram.client_says("hi", chat_id=ANN, name=NAME)
    telegram.client_shares_phone(PHONE, chat_id=ANN)
    telegram.client_says("hi", chat_id=BOB, name="Bob")
    await eventually(lambda: len(kommo.received) == 3)


def long_text(kommo):
    """Begin a message of three parts."""
    return kommo.manager_says(f"{NAME} " * 1000, to=CONVERSATION)


def first_contact(kommo):
    """Begin a conversation by phone number."""
    return kommo.write_first(PHONE, f"Dear {NAME}")


def with_button(kommo):
    """Send a button."""
    markup = {"mode": "inline", "buttons": [[{"text": f"I am {NAME}"}]]}
    return kommo.manager_sends(text="Who?", markup=markup, to=CONVERSATION)


def with_file(kommo):
    """Send a file."""
    link = kommo.add_attachment(b"%PDF", f"{NAME}.pdf")
    return kommo.manager_sends(type="file", media=link, to=CONVERSATION)


@pytest.mark.parametrize("act", [long_text, first_contact, with_button, with_file])
@pytest.mark.parametrize("end", ["answered", "cut off"])
async def test_who_is_forgotten_in_the_middle_of_a_send_leaves_nothing(
    met, bridge, telegram, kommo, eventually, forget, config, act, end
):
    """What is in flight may still arrive; nothing follows it, and nothing of it is stored."""
    held = telegram.faults.hang("send", chat_id=ANN)
    await act(kommo)
    await eventually(lambda: held.hits == 1)
    assert await forget(ANN, "--yes") == 0
    if end == "answered":
        held.release()
        await eventually(lambda: len(telegram.sent_to(ANN)) == 1)
    else:
        telegram.is_down = True
        await asyncio.sleep(0.05)
        telegram.is_down = False
    message_id = await kommo.manager_says("And Bob?", to="tg:700001:556")
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    await bridge.stop()
    assert len(telegram.sent_to(ANN)) == (end == "answered")
    assert traces(config) == []


async def test_who_is_forgotten_while_a_file_is_fetched_gets_nothing(
    met, bridge, telegram, kommo, eventually, forget, config
):
    """The file comes too late."""
    held = kommo.faults.hang("/attachments")
    await with_file(kommo)
    await eventually(lambda: held.hits == 1)
    assert await forget(ANN, "--yes") == 0
    held.release()
    await asyncio.sleep(0.2)
    await bridge.stop()
    assert telegram.sent_to(ANN) == []
    assert traces(config) == []


async def test_who_is_forgotten_while_waiting_for_a_turn_gets_nothing(
    met, bridge, telegram, kommo, eventually, forget, config
):
    """Another client's message is in flight; the next one is not for anybody any more."""
    held = telegram.faults.hang("sendMessage", chat_id=BOB)
    await kommo.manager_says("first", to="tg:700001:556")
    await eventually(lambda: held.hits == 1)
    await kommo.manager_says(f"for {NAME}", to=CONVERSATION)
    await asyncio.sleep(0.1)
    assert await forget(ANN, "--yes") == 0
    held.release()
    await eventually(lambda: telegram.texts_to(BOB) == ["first"])
    await asyncio.sleep(0.1)
    await bridge.stop()
    assert telegram.sent_to(ANN) == []
    assert traces(config) == []


async def test_who_is_forgotten_while_telegram_is_asked_for_a_picture_leaves_none(
    met, bridge, telegram, kommo, eventually, forget, config
):
    """The answer is about nobody any more."""
    await forget(ANN, "--yes")
    telegram.set_avatar(b"picture", chat_id=ANN)
    held = telegram.faults.hang("getUserProfilePhotos")
    telegram.client_says("hi again", chat_id=ANN, name=NAME)
    await eventually(lambda: held.hits == 1)
    assert await forget(ANN, "--yes") == 0
    held.release()
    await asyncio.sleep(0.2)
    await bridge.stop()
    assert traces(config) == []


async def test_who_is_forgotten_while_history_is_read_leaves_nothing(
    met, bridge, telegram, kommo, eventually, forget, config, caplog
):
    """Kommo goes on knowing the client; that is no sign of a database from a backup."""
    await bridge.stop()
    await kommo.manager_says(f"for {NAME}", to=CONVERSATION)
    held = kommo.faults.hang(f"*{kommo.conversations[CONVERSATION].id}/history", times=None)
    await bridge.start()
    await eventually(lambda: held.hits == 1)
    assert await forget(ANN, "--yes") == 0
    held.release()
    await asyncio.sleep(0.2)
    await bridge.stop()
    assert telegram.sent_to(ANN) == []
    assert traces(config) == []
    assert "older backup" not in caplog.text
