"""kill -9 with words of all three in flight: the client's, the owner's and the manager's."""

import asyncio
import random

import pytest

OLGA, ANN = 999, 555
CHAT = "tg:700001.999:555"
KILLS = 6

pytestmark = pytest.mark.no_cover  # the bridge is a process of its own; counting costs time


@pytest.fixture
def config(config, kommo):
    """Settings that name the channel's bot and hold nobody back."""
    bot = f'channel_bot_id = "{kommo.account.channel_bot.id}"'
    rates = "messages_per_s = 0\nchat_messages_per_s = 0"
    text = config.read_text("utf-8").replace("[kommo]\n", f"[kommo]\n{bot}\n")
    config.write_text(text.replace("[telegram]\n", f"[telegram]\n{rates}\n"), "utf-8")
    return config


async def taken(kommo, text):
    """Let the manager write; return Kommo's id if the bridge took it before it was killed."""
    message_id = await kommo.manager_says(text, to=CHAT)
    hook = next(hook for hook in reversed(kommo.hooks) if text.encode() in hook.sent)
    return message_id if hook.status == 200 else None


async def test_kills_lose_nothing_of_an_account(config, process, telegram, kommo, eventually):
    """Both sides' words once, in order; each answer in order, at most one a kill twice."""
    chance = random.Random(20261128)
    await process.start()
    connection = telegram.owner_connects(OLGA, name="Olga")
    telegram.client_says("hello", connection=connection, name="Ann")
    await eventually(lambda: CHAT in kommo.conversations)
    said, answers = ["hello"], {}
    for number in range(KILLS):
        for who, say in (("client", telegram.client_says), ("owner", telegram.owner_says)):
            said.append(f"{who} {number}")
            say(said[-1], connection=connection)
        if (message_id := await taken(kommo, f"manager {number}")) is not None:
            answers[f"manager {number}"] = message_id
        await asyncio.sleep(chance.uniform(0, 0.1))
        await process.kill()
        await process.start()
    await eventually(lambda: len([t for t in kommo.texts_in(CHAT) if t in said]) >= len(said))
    await eventually(lambda: all(1 in kommo.statuses_of(one) for one in answers.values()))
    assert [text for text in kommo.texts_in(CHAT) if text in said] == said
    shown = [text for text in telegram.texts_to(ANN) if text in answers]
    assert list(dict.fromkeys(shown)) == list(answers)
    assert len(shown) - len(answers) <= KILLS
    assert len(answers) > KILLS // 2
    assert {one.parameters["business_connection_id"] for one in telegram.sent} == {connection}
