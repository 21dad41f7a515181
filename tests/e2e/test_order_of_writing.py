"""Managers' messages of a conversation arrive as they were written, not as their webhooks came."""

import pytest

ANN = 555
CONVERSATION = "tg:700001:555"
PHONE = "+14155550123"
SECOND = "tg:700001:555~1"


@pytest.fixture
async def talking(bridge, telegram, kommo, eventually):
    """A bridge whose client has shared her number."""
    telegram.client_shares_phone(PHONE)
    await eventually(lambda: CONVERSATION in kommo.conversations)
    return bridge


@pytest.fixture
def hold(telegram, eventually):
    """Let Telegram ask the next message to wait for a second, so that those behind it wait."""

    async def until_tried(message):
        fault = telegram.faults.fail("sendMessage", status=429, retry_after=1)
        message_id = await message
        await eventually(lambda: fault.hits == 1)
        return message_id

    return until_tried


async def written(kommo, *contents):
    """Write messages whose webhooks are still under way; return their ids."""
    return [await kommo.manager_sends(to=CONVERSATION, hook=False, **said) for said in contents]


@pytest.mark.parametrize("arrival", [(0, 3, 1, 2), (3, 2, 1, 0)], ids=str)
async def test_what_still_waits_is_delivered_as_it_was_written(
    talking, hold, telegram, kommo, eventually, arrival
):
    """However the webhooks overtake one another; what was tried already stays in front."""
    late = await written(kommo, {"text": "older than the first"})
    await hold(kommo.manager_says("first", to=CONVERSATION))
    ids = await written(kommo, *({"text": str(number)} for number in range(4)))
    for number in arrival:
        await kommo.manager.tells_late(ids[number])
    await kommo.manager.tells_late(late[0])
    texts = ["first", "older than the first", "0", "1", "2", "3"]
    await eventually(lambda: telegram.texts_to(ANN) == texts)
    await eventually(lambda: all(kommo.statuses_of(one) == [1] for one in [*ids, *late]))


async def test_every_kind_of_content_is_put_in_order(talking, hold, telegram, kommo, eventually):
    """Texts, files, places and contacts alike."""
    await hold(kommo.manager_says("first", to=CONVERSATION))
    link = kommo.add_attachment(b"%PDF", "offer.pdf")
    ids = await written(
        kommo,
        {"type": "file", "media": link},
        {"type": "location", "location": {"lat": 1.5, "lon": 2.5}},
        {"type": "text", "text": "last"},
    )
    for message_id in reversed(ids):
        await kommo.manager.tells_late(message_id)
    methods = ["sendMessage", "sendDocument", "sendLocation", "sendMessage"]
    await eventually(lambda: [sent.method for sent in telegram.sent_to(ANN)] == methods)


async def test_equal_moments_keep_the_order_of_arrival(talking, hold, telegram, kommo, eventually):
    """Kommo tells no difference, so there is none."""
    await hold(kommo.manager_says("first", to=CONVERSATION))
    ids = await written(kommo, *({"text": str(number)} for number in range(3)))
    first = kommo.account.message(ids[0])
    for message_id in ids:
        kommo.account.message(message_id).msec_timestamp = first.msec_timestamp
    for message_id in (ids[2], ids[0], ids[1]):
        await kommo.manager.tells_late(message_id)
    await eventually(lambda: telegram.texts_to(ANN) == ["first", "2", "0", "1"])


@pytest.fixture
async def begun(talking, telegram, kommo, hold, eventually):
    """A manager's first message to a number, which Telegram asked to wait."""
    message = await hold(kommo.write_first(PHONE, "first"))
    return kommo.account.message(message).conversation


async def test_an_answer_in_between_lets_nothing_overtake(begun, telegram, kommo, eventually):
    """Before and after the client's answer binds the chat, it has one order."""
    await kommo.manager_says("second", to=begun.id)
    telegram.client_says("Hi, who is this?")
    await eventually(lambda: begun.client_id == SECOND)
    await kommo.manager_says("third", to=SECOND)
    await eventually(lambda: telegram.texts_to(ANN) == ["first", "second", "third"])


async def test_both_chats_of_a_client_have_one_order(begun, telegram, kommo, eventually):
    """What is written in the plain chat meanwhile waits for what was written before."""
    await kommo.manager_says("second", to=CONVERSATION)
    await kommo.manager_says("third", to=begun.id)
    await eventually(lambda: telegram.texts_to(ANN) == ["first", "second", "third"])


async def test_what_waits_moves_once_the_number_is_known(
    talking, telegram, kommo, eventually, hold
):
    """Beginnings that came while the conversation's own message waits stand behind it."""
    await hold(kommo.manager_says("first", to=CONVERSATION))
    for text in ("second", "third"):
        await kommo.write_first(PHONE, text)
    await kommo.manager_says("fourth", to=CONVERSATION)
    texts = ["first", "second", "third", "fourth"]
    await eventually(lambda: sorted(telegram.texts_to(ANN)) == sorted(texts))
    assert telegram.texts_to(ANN) == texts
