"""When a client of a business account sees that a message was read; never in anybody's way."""

import pytest

OLGA, ANN = 999, 555
CHAT = "tg:700001.999:555"
RIGHTS = ("can_reply", "can_read_messages")


@pytest.fixture
def when(config, request):
    """Settings that say when messages are marked as read."""
    text = config.read_text(encoding="utf-8")
    line = f'[telegram]\nmark_read = "{request.param}"'
    config.write_text(text.replace("[telegram]", line, 1), encoding="utf-8")


async def answered(telegram, kommo, eventually, rights=RIGHTS):
    """Let a client of an account write, and a manager answer; return what was read before."""
    made = telegram.owner_connects(OLGA, name="Olga", rights=rights)
    telegram.client_says("hi", connection=made)
    await eventually(lambda: CHAT in kommo.conversations)
    before = list(telegram.read)
    answer = await kommo.manager_says("Hello", to=CHAT)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    return before


@pytest.mark.parametrize("when", ["on_answer"], indirect=True)
async def test_on_answer(when, bridge, telegram, kommo, eventually):
    """What the client wrote is read when the answer is there, and not before."""
    assert await answered(telegram, kommo, eventually) == []
    await eventually(lambda: telegram.read == [(ANN, 1)])


@pytest.mark.parametrize("when", ["on_arrival"], indirect=True)
async def test_on_arrival(when, bridge, telegram, kommo, eventually):
    """It is read once the bridge has it; an answer adds nothing."""
    await answered(telegram, kommo, eventually)
    await eventually(lambda: telegram.read == [(ANN, 1)])


@pytest.mark.parametrize("when", ["never"], indirect=True)
async def test_never(when, bridge, telegram, kommo, eventually):
    """Nothing is marked."""
    await answered(telegram, kommo, eventually)
    assert telegram.calls("readBusinessMessage") == []


@pytest.mark.parametrize("when", ["on_arrival", "on_answer"], indirect=True)
async def test_without_the_right_it_is_not_tried(when, bridge, telegram, kommo, eventually):
    """The owner did not allow it; the bot's own chats know no such thing."""
    telegram.client_says("hi bot")
    await answered(telegram, kommo, eventually, rights=("can_reply",))
    assert telegram.calls("readBusinessMessage") == []


@pytest.mark.parametrize("when", ["on_arrival"], indirect=True)
async def test_a_failure_is_in_nobodys_way(when, bridge, telegram, kommo, eventually):
    """Messages cross both ways although marking fails each time."""
    failing = telegram.faults.fail("readBusinessMessage", status=500, times=None)
    await answered(telegram, kommo, eventually)
    await eventually(lambda: failing.hits >= 1)
