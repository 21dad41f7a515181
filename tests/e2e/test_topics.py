"""Topics in private chats: an answer goes to where the client wrote last."""

import pytest

ANN = 555
CONVERSATION = "tg:700001:555"


@pytest.fixture
def topics(telegram):
    """Two topics of the client's chat with the bot."""
    telegram.add_person(ANN, "Ann")
    return telegram.opens_topic("Orders"), telegram.opens_topic("Repairs")


@pytest.fixture
async def talk(bridge, topics, telegram, kommo, eventually):
    """Let the client write in a topic and a manager answer; returns the ids of both messages."""

    async def act(text, topic=None, **content):
        mine = telegram.client_says(text, topic=topic)
        await eventually(lambda: text in kommo.texts_in(CONVERSATION))
        answer = await kommo.manager_sends(text=f"re {text}", to=CONVERSATION, **content)
        await eventually(lambda: kommo.statuses_of(answer)[:1] == [1])
        return mine, answer

    return act


def threads(telegram):
    """Return where each message to the client went: its text, and its topic."""
    return [
        (sent.text, int(sent.parameters.get("message_thread_id") or 0))
        for sent in telegram.sent_to(ANN)
    ]


async def test_an_answer_goes_to_the_topic_of_the_newest_message(talk, topics, telegram):
    """Also back to no topic, when the client wrote last outside of them."""
    orders, repairs = topics
    await talk("one", orders)
    await talk("two", repairs)
    await talk("three")
    await talk("four", orders)
    assert threads(telegram) == [
        ("re one", orders),
        ("re two", repairs),
        ("re three", 0),
        ("re four", orders),
    ]


async def test_beginning_a_topic_is_no_message(talk, topics, telegram, kommo):
    """Managers see what clients say; a topic that was begun changes no answer's place."""
    await talk("one", topics[0])
    telegram.opens_topic("Another")
    await talk("two", topics[0])
    assert kommo.texts_in(CONVERSATION) == ["one", "re one", "two", "re two"]


async def test_a_quote_is_answered_in_its_own_topic(talk, topics, telegram, kommo):
    """A client's message as well as a manager's, wherever the client is by now."""
    orders, repairs = topics
    mine, answer = await talk("one", orders)
    await talk("two", repairs)
    await talk("three", repairs, reply_to=f"{CONVERSATION}:{mine}")
    await talk("four", repairs, reply_to=answer)
    assert threads(telegram)[2:] == [("re three", orders), ("re four", orders)]
    assert telegram.sent_to(ANN)[2].reply_to == mine


@pytest.mark.parametrize("kind", ["text", "long", "picture", "buttons", "quote"])
async def test_what_a_deleted_topic_does_not_take_goes_to_the_chat(
    talk, topics, telegram, kommo, eventually, kind
):
    """Delivered once, without a topic; whatever it is that the manager sent."""
    mine, _answer = await talk("one", topics[0])
    telegram.deletes_topic(topics[0])
    link = kommo.add_attachment(b"%PDF-1.4", "plan.pdf")
    content = {
        "text": {"text": "hello"},
        "long": {"text": "hello " * 1500},
        "picture": {"type": "file", "media": link},
        "buttons": {"text": "?", "markup": {"mode": "inline", "buttons": [[{"text": "Yes"}]]}},
        "quote": {"text": "hello", "reply_to": f"{CONVERSATION}:{mine}"},
    }[kind]
    before = len(telegram.sent_to(ANN))
    answer = await kommo.manager_sends(to=CONVERSATION, **content)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    sent = telegram.sent_to(ANN)[before:]
    assert len(sent) == (3 if kind == "long" else 1)
    assert {one.parameters.get("message_thread_id") for one in sent} == {None}


async def test_typing_is_shown_in_the_topic(talk, topics, telegram, kommo, eventually):
    """And in the chat, when the topic is gone."""
    await talk("one", topics[0])
    await kommo.manager_types(to=CONVERSATION)
    await eventually(lambda: telegram.calls("sendChatAction"))
    [shown] = telegram.calls("sendChatAction")
    assert int(shown.parameters["message_thread_id"]) == topics[0]


async def test_typing_is_shown_when_the_topic_is_gone(talk, topics, telegram, kommo, eventually):
    """In the chat itself."""
    await talk("one", topics[0])
    telegram.deletes_topic(topics[0])
    await kommo.manager_types(to=CONVERSATION)
    await eventually(lambda: telegram.chat_actions == [(ANN, "typing")])


async def test_a_press_is_answered_where_the_button_stands(
    talk, topics, telegram, kommo, eventually
):
    """A press is the client's newest word, in the topic of its message."""
    orders, repairs = topics
    markup = {"mode": "inline", "buttons": [[{"text": "Yes"}]]}
    await talk("one", orders, markup=markup)
    button = telegram.sent_to(ANN)[-1].message_id
    await talk("two", repairs)
    telegram.client_presses(button, "Yes")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "Yes")
    await eventually(
        lambda: (
            telegram.chats[700001, 0, ANN]
            .keyboards[button]["inline_keyboard"][0][0]["text"]
            .endswith(" Yes")
        )
    )
    answer = await kommo.manager_says("Good", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    assert threads(telegram)[-1] == ("Good", orders)


async def test_an_edit_moves_nothing(talk, topics, telegram, kommo, eventually):
    """Correcting an old message in another topic is no new word."""
    orders, repairs = topics
    mine, _answer = await talk("one", orders)
    await talk("two", repairs)
    telegram.client_edits(mine, "one!")
    await eventually(lambda: "one!" in kommo.texts_in(CONVERSATION))
    answer = await kommo.manager_says("Good", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    assert threads(telegram)[-1] == ("Good", repairs)


async def test_topics_outlive_a_restart_and_are_forgotten(
    talk, topics, bridge, telegram, kommo, eventually, command
):
    """They are stored with the conversation, and erased with it."""
    await talk("one", topics[0])
    await bridge.restart()
    answer = await kommo.manager_says("Good", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    assert threads(telegram)[-1] == ("Good", topics[0])
    code, _output, errors = await command("forget", "--chat", str(ANN), "--yes")
    assert (code, errors) == (0, "")
