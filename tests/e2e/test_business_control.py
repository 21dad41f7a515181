"""Clients of a business account under control: block, flood guard, export, forget, topics."""

import json

import pytest

from tests.e2e.commands import run_command

ANN, BOB, BOSS = 555, 556, 999
CONVERSATION, WITH_BOT = "tg:700001.999:555", "tg:700001:555"
PLAN = b"secret plan"


@pytest.fixture
def config(config, kommo):
    """The settings, which name the channel's bot."""
    text = config.read_text("utf-8").replace(
        "[kommo]\n", f'[kommo]\nchannel_bot_id = "{kommo.account.channel_bot.id}"\n'
    )
    config.write_text(text, encoding="utf-8")
    return config


@pytest.fixture
async def connection(bridge, telegram, eventually):
    """The owner's account, connected."""
    await eventually(lambda: telegram.bot(None).kinds)
    return telegram.owner_connects(BOSS, name="Olga")


@pytest.fixture
async def both(connection, telegram, kommo, eventually):
    """A client who writes to the owner and to the bot."""
    telegram.client_says("to the bot", chat_id=ANN, name="Ann")
    telegram.client_says("to the owner", chat_id=ANN, connection=connection)
    await eventually(lambda: len(kommo.received) == 2)


async def run(config, *words):
    """Run a command that succeeds."""
    code, output, errors = await run_command(*words, config=config)
    assert (code, errors) == (0, "")
    return output


async def test_a_blocked_client_is_not_heard_in_the_owners_account_either(
    both, bridge, connection, telegram, kommo, eventually
):
    """Messages, edits and presses of both chats make no call; the owner's answers go out."""
    await run(bridge.config, "block", "--chat", CONVERSATION, "--reason", "spam")
    before = len(kommo.calls())
    mine = telegram.client_says("spam", chat_id=ANN, connection=connection)
    telegram.client_edits(mine, "more spam", chat_id=ANN, connection=connection)
    telegram.client_deletes(mine, 1, chat_id=ANN, connection=connection)
    telegram.client_says("spam", chat_id=ANN)
    telegram.client_says("And me?", chat_id=BOB, name="Bob", connection=connection)
    await eventually(lambda: kommo.received[-1].content.get("text") == "And me?")
    answer = await kommo.manager_says("And you?", to="tg:700001.999:556")
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    assert len(kommo.received) == 3
    told = [call.path for call in kommo.calls()[before:] if "history" not in call.path]
    assert len(told) == 2
    trail = json.loads(await run(bridge.config, "trace", f"{CONVERSATION}:{mine}", "--json"))
    assert [step["step"] for step in trail["steps"]] == ["blocked"]
    answer = await kommo.manager_says("Stop it", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    assert telegram.sent_to(ANN)[-1].parameters["business_connection_id"] == connection


async def test_each_chat_is_exported_and_forgotten_by_itself_or_with_the_client(
    both, bridge, connection, telegram, kommo, eventually, tmp_path
):
    """By a conversation's id one of them, by the client's number both, with their files."""
    document = telegram.media("document", telegram.add_file(PLAN, "plan.pdf"))
    telegram.client_sends(document, chat_id=ANN, connection=connection)
    await eventually(lambda: len(kommo.received) == 3)
    ways = {CONVERSATION: [CONVERSATION], WITH_BOT: [WITH_BOT], str(ANN): [CONVERSATION, WITH_BOT]}
    for number, (name, conversations) in enumerate(ways.items()):
        folder = tmp_path / str(number)
        await run(bridge.config, "export", "--chat", name, str(folder))
        found = json.loads((folder / "client.json").read_text("utf-8"))
        assert sorted(found["conversation_ids"]) == sorted(conversations)
        rows = found["kept"]["messages"]
        assert {row["conversation_id"] for row in rows} == set(conversations)
        files = [(folder / file["path"]).read_bytes() for file in found["files"]]
        assert files == ([PLAN] if CONVERSATION in conversations else [])
    await run(bridge.config, "forget", "--chat", CONVERSATION, "--yes")
    code, _output, errors = await run_command(
        "export", "--chat", CONVERSATION, str(tmp_path / "gone"), config=bridge.config
    )
    assert (code, "there is no conversation" in errors) == (1, True)
    await run(bridge.config, "export", "--chat", WITH_BOT, str(tmp_path / "stays"))


async def test_a_topic_of_one_chat_is_none_of_the_other(
    both, connection, telegram, kommo, eventually
):
    """The client's topics with the bot lead no answer in the owner's account."""
    topic = telegram.opens_topic("Orders", chat_id=ANN)
    telegram.client_says("here", chat_id=ANN, topic=topic)
    await eventually(lambda: len(kommo.received) == 3)
    for name, wanted in ((CONVERSATION, None), (WITH_BOT, str(topic))):
        answer = await kommo.manager_says("Good day", to=name)
        await eventually(lambda answer=answer: kommo.statuses_of(answer)[:1] == [1])
        assert telegram.sent_to(ANN)[-1].parameters.get("message_thread_id") == wanted
