"""The operators' chat as a topic of a forum."""

import pytest

from tests.e2e.commands import run_command

FORUM, BOSS = -1001234, 900


@pytest.fixture
def topics(telegram):
    """Two topics of a forum."""
    telegram.add_group(FORUM, "Company")
    return tuple(telegram.opens_topic(name, chat_id=FORUM) for name in ("Bridge", "Lunch"))


@pytest.fixture
def config(config, topics, request):
    """The settings, with the forum as the operators' chat; mostly one topic of it."""
    topic = getattr(request, "param", f"topic_id = {topics[0]}")
    text = config.read_text(encoding="utf-8")
    config.write_text(f"{text}\n[operators]\nchat_ids = [{FORUM}]\n{topic}\n", encoding="utf-8")
    return config


def answers(telegram):
    """Return the topic and the beginning of each message to the forum."""
    return [
        (int(sent.parameters.get("message_thread_id") or 0), sent.text.partition(".")[0])
        for sent in telegram.sent_to(FORUM)
    ]


async def test_commands_are_answered_in_the_topic_and_heard_in_no_other(
    bridge, topics, telegram, kommo, eventually
):
    """What is said elsewhere in the forum is nobody's command, and no client's word."""
    bridge_topic, lunch = topics
    telegram.client_says("/status", chat_id=FORUM, sender=BOSS, topic=lunch)
    telegram.client_says("/status", chat_id=FORUM, sender=BOSS)
    telegram.client_says("/status", chat_id=FORUM, sender=BOSS, topic=bridge_topic)
    await eventually(lambda: answers(telegram) == [(bridge_topic, "The bridge works")])
    telegram.client_says("/id", chat_id=FORUM, sender=BOSS, topic=lunch)
    await eventually(lambda: len(answers(telegram)) == 2)
    assert f"This topic's number is {lunch}." in telegram.sent_to(FORUM)[-1].text
    assert kommo.conversations == {}


@pytest.mark.parametrize("config", [""], indirect=True, ids=["no-topic-set"])
async def test_without_a_topic_set_each_topic_is_answered_in_itself(
    bridge, topics, telegram, eventually
):
    """The whole forum is the operators' then."""
    for topic in topics:
        telegram.client_says("/status", chat_id=FORUM, sender=BOSS, topic=topic)
    await eventually(
        lambda: answers(telegram) == [(topic, "The bridge works") for topic in topics]
    )


async def test_a_button_is_answered_in_the_topic(bridge, topics, telegram, kommo, eventually):
    """A press in the topic is a command of it."""
    telegram.client_says("Hi", chat_id=555)
    await eventually(lambda: kommo.conversations)
    telegram.client_blocks(555)
    message_id = await kommo.manager_says("an offer", to="tg:700001:555")
    await eventually(lambda: -1 in kommo.statuses_of(message_id))
    telegram.client_says("/failed", chat_id=FORUM, sender=BOSS, topic=topics[0])
    await eventually(lambda: len(telegram.sent_to(FORUM)) == 1)
    button = telegram.sent_to(FORUM)[0].message_id
    telegram.client_presses(button, "Try all again", chat_id=FORUM)
    await eventually(lambda: len(telegram.sent_to(FORUM)) == 2)
    assert {topic for topic, _text in answers(telegram)} == {topics[0]}


async def test_a_deleted_topic_silences_no_answer(bridge, topics, telegram, kommo, eventually):
    """The chat gets it when somebody has deleted the topic."""
    telegram.client_says("/help", chat_id=FORUM, sender=BOSS, topic=topics[0])
    await eventually(lambda: len(answers(telegram)) == 1)
    telegram.deletes_topic(topics[0], chat_id=FORUM)
    telegram.client_says("/help", chat_id=FORUM, sender=BOSS, topic=topics[0])
    await eventually(lambda: len(answers(telegram)) == 2)
    assert [topic for topic, _text in answers(telegram)] == [topics[0], 0]


@pytest.mark.parametrize("chat_ids", ["[]", "[-1001234, 900]"], ids=["no-chat", "several-chats"])
async def test_a_topic_is_of_one_chat(config, chat_ids):
    """Anything else is a wrong setting, with its path."""
    text = config.read_text("utf-8").replace(f"[{FORUM}]", chat_ids)
    config.write_text(text, encoding="utf-8")
    code, _output, errors = await run_command("config", "show", config=config)
    assert code == 2
    assert "operators.topic_id" in errors
