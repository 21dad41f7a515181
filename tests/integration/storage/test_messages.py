"""Messages: which is which on the other side, and how far each got."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from storage.conversations import Conversation
from storage.message_reader import ReceivedMessage, SentPart

SECOND = timedelta(seconds=1)

NOW = datetime(2026, 3, 1, 13, 0, tzinfo=UTC)


@pytest.fixture
async def tx(database):
    """One long transaction."""
    async with database.transaction() as opened:
        yield opened


@pytest.fixture
def messages(tx):
    """The messages in it."""
    return tx.messages


@pytest.fixture
def hello(noon):
    """What a client wrote."""
    return ReceivedMessage(
        external_id="tg:1:7:42",
        conversation_id="tg:1:7",
        bot_id=1,
        chat_id=7,
        telegram_message_id=42,
        at=noon,
        content_hash="h1",
    )


@pytest.fixture
def answer(noon):
    """The first part of what a manager answered."""
    return SentPart(
        kommo_message_id="k1",
        conversation_id="tg:1:7",
        bot_id=1,
        chat_id=7,
        telegram_message_id=43,
        at=noon,
    )


async def test_a_clients_message_is_found_by_each_name(messages, hello):
    """Telegram's, our and Kommo's id lead to the same message."""
    await messages.remember_incoming(hello)
    assert await messages.by_kommo_message("k7") == []
    await messages.bind_kommo("tg:1:7:42", "k7")
    found = await messages.by_telegram(1, 7, 42)
    assert found == await messages.by_external_id("tg:1:7:42")
    assert [found] == await messages.by_kommo_message("k7")
    assert (found.direction, found.kommo_message_id, found.at) == ("incoming", "k7", hello.at)


async def test_the_same_number_elsewhere_is_another_message(messages, hello):
    """Telegram counts messages in each chat, and in each business account, from one."""
    await messages.remember_incoming(hello)
    assert await messages.by_telegram(1, 8, 42) is None
    assert await messages.by_telegram(2, 7, 42) is None
    assert await messages.by_telegram(1, 7, 42, business_user_id=9) is None
    assert await messages.by_external_id("tg:1:7:43") is None


async def test_a_message_that_became_two_is_two(messages, hello):
    """Each part of a client's message is bound to its own message in Kommo."""
    await messages.remember_incoming(hello)
    await messages.remember_incoming(replace(hello, external_id="tg:1:7:42:2", part=2))
    await messages.bind_kommo("tg:1:7:42", "k1")
    await messages.bind_kommo("tg:1:7:42:2", "k2")
    assert (await messages.by_kommo_message("k2"))[0].external_id == "tg:1:7:42:2"
    assert (await messages.by_telegram(1, 7, 42)).part == 1


async def test_a_repetition_changes_nothing(messages, hello, answer):
    """The same message a second time keeps what is known of the first."""
    for _ in range(2):
        await messages.remember_incoming(hello)
        await messages.bind_kommo(hello.external_id, "k7")
        await messages.remember_outgoing(answer)
    await messages.remember_incoming(replace(hello, content_hash="h2"))
    assert (await messages.by_external_id(hello.external_id)).content_hash == "h1"
    assert len(await messages.by_kommo_message("k1")) == 1


async def test_an_edit_that_changes_nothing_is_none(messages, hello):
    """Only a content that differs from the last one is a change."""
    await messages.remember_incoming(hello)
    hashes = ["h1", "h2", "h2", "h1"]
    changed = [await messages.change_content(hello.external_id, value) for value in hashes]
    assert changed == [False, True, False, True]
    assert not await messages.change_content("unknown", "h1")


async def test_an_answer_in_parts_is_found_in_order(messages, answer, noon):
    """A manager's message leads to all its Telegram messages, and each of them to it."""
    await messages.remember_outgoing(replace(answer, part=2, telegram_message_id=44))
    await messages.remember_outgoing(answer)
    parts = await messages.by_kommo_message("k1")
    assert [part.telegram_message_id for part in parts] == [43, 44]
    assert (await messages.by_telegram(1, 7, 44)).kommo_message_id == "k1"
    assert {part.direction for part in parts} == {"outgoing"}


async def test_an_answer_is_the_last_of_its_conversation(tx, answer, noon):
    """When a client was last written to is known, and does not go back."""
    await tx.conversations.remember(Conversation("tg:1:7", 1, 7, "Ann", noon))
    await tx.messages.remember_outgoing(answer)
    await tx.messages.remember_outgoing(
        replace(answer, kommo_message_id="k0", telegram_message_id=41, at=noon - SECOND)
    )
    assert (await tx.conversations.get("tg:1:7")).last_outgoing_at == noon


@pytest.mark.parametrize(
    ("steps", "moved", "end"),
    [
        pytest.param([1, 2], [True, True], 2, id="delivered-read"),
        pytest.param([1, 1], [True, False], 1, id="delivered-twice"),
        pytest.param([2, 1], [True, False], 2, id="never-back"),
        pytest.param([-1, 1, 2], [True, True, True], 2, id="tried-again-and-delivered"),
        pytest.param([-1, 2], [True, False], -1, id="what-failed-is-not-read"),
        pytest.param([-1, 1, -1], [True, True, False], 1, id="delivered-after-all"),
        pytest.param([1, -1], [True, False], 1, id="delivered-is-no-error"),
        pytest.param([2, -1], [True, False], 2, id="read-is-no-error"),
    ],
)
async def test_a_status_only_moves_forward(messages, answer, steps, moved, end):
    """Kommo is told each step once, and never one that takes another back."""
    await messages.remember_outgoing(answer)
    assert await messages.status_of("k1") is None
    assert [await messages.set_status("k1", step, now=NOW) for step in steps] == moved
    assert await messages.status_of("k1") == end


async def test_unread_is_what_was_delivered_and_stands_above(messages, answer, noon):
    """What a client's message marks as read: delivered, above it, in this conversation.

    Moments are told in seconds only; the ids of a chat rise.
    """
    for number, status in enumerate([1, 1, 1, 2, -1, None]):
        sent = replace(answer, kommo_message_id=f"k{number}", telegram_message_id=50 + number)
        await messages.remember_outgoing(sent)
        if status is not None:
            await messages.set_status(f"k{number}", status, now=NOW)
    await messages.set_status("elsewhere", 1, now=NOW, conversation_id="tg:1:8")
    await messages.set_status("never sent", 1, now=NOW, conversation_id="tg:1:7")
    assert await messages.unread_up_to("tg:1:7", 49) == []
    assert await messages.unread_up_to("tg:1:7", 51) == ["k0", "k1"]
    await messages.set_status("k0", 2, now=NOW)
    assert await messages.unread_up_to("tg:1:7", 51) == ["k1"]


@pytest.mark.parametrize(("up_to", "unread"), [(40, []), (50, ["k"]), (51, []), (60, ["k"])])
async def test_an_answer_of_several_parts_is_read_whole_or_by_name(
    messages, answer, up_to, unread
):
    """All its parts stand above what the client did, or it is what the client did it to."""
    for part, telegram_message_id in enumerate([50, 55], start=1):
        await messages.remember_outgoing(
            replace(
                answer, kommo_message_id="k", telegram_message_id=telegram_message_id, part=part
            )
        )
    await messages.set_status("k", 1, now=NOW)
    assert await messages.unread_up_to("tg:1:7", up_to) == unread


async def test_a_message_that_was_never_sent_has_a_status(messages):
    """An error is remembered of a message that no Telegram message belongs to."""
    assert await messages.set_status("k9", -1, now=NOW, conversation_id="tg:1:7")
    assert await messages.status_of("k9") == -1
    assert await messages.by_kommo_message("k9") == []
