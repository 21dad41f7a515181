"""Every chat that Kommo has of a client is known: to recovery, and when nothing is stored."""

import asyncio
import sqlite3

import pytest

ANN = 555
CONVERSATION = "tg:700001:555"
SECOND = "tg:700001:555~1"
PHONE = "+14155550123"


@pytest.fixture
async def begun(bridge, telegram, kommo, eventually):
    """A chat that a manager started with a client who had written before."""
    telegram.client_shares_phone(PHONE)
    await eventually(lambda: CONVERSATION in kommo.conversations)
    message = await kommo.write_first(PHONE, "Hello Ann")
    await eventually(lambda: kommo.statuses_of(message) == [1])
    return kommo.account.message(message).conversation


@pytest.fixture(params=[False, True], ids=["open", "bound"])
async def started(request, begun, telegram, eventually):
    """The same, before and after the client's answer."""
    if request.param:
        telegram.client_says("Hi")
        await eventually(lambda: begun.client_id == SECOND)
    return begun


async def test_what_was_missed_is_read_back_from_every_chat(
    started, bridge, telegram, kommo, eventually
):
    """The plain one and the started one, in one order."""
    plain = await kommo.manager_says("the plain chat is known", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(plain)[:1] == [1])
    await bridge.stop()
    for text, chat in [("one", started.id), ("two", CONVERSATION), ("three", started.id)]:
        await kommo.manager_says(text, to=chat)
    await bridge.start()
    await eventually(lambda: telegram.texts_to(ANN)[-3:] == ["one", "two", "three"])


@pytest.fixture
def other_program(bridge):
    """Another program that holds the database's write lock for as long as it likes."""
    raw = sqlite3.connect(bridge.settings.database, isolation_level=None, check_same_thread=False)

    async def execute(sql):
        await asyncio.to_thread(raw.execute, sql)

    yield execute
    raw.close()


async def test_a_webhook_of_a_started_chat_that_could_not_be_stored_is_made_up_for(
    started, other_program, telegram, kommo, eventually
):
    """It is known whose it is, by whichever id the webhook names."""
    await other_program("BEGIN IMMEDIATE")
    await kommo.manager_says("not now", to=started.id)
    await other_program("ROLLBACK")
    assert kommo.hooks[-1].status == 503
    await eventually(lambda: telegram.texts_to(ANN) == ["Hello Ann", "not now"])
