"""Webhooks are understood by either side's ids, whichever of them they name."""

import json

import pytest

ANN = 555
CONVERSATION = "tg:700001:555"
AT = 1767348060


@pytest.fixture
async def talk(bridge, telegram, kommo, eventually):
    """The ids of a conversation, of the client's message in it, and of a manager's answer."""
    question = telegram.client_says("Do you deliver?")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["Do you deliver?"])
    answer = await kommo.manager_says("We do", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    conversation = kommo.conversations[CONVERSATION]
    return {
        "kommo": conversation.id,
        "alias": CONVERSATION,
        "kommo_message": conversation.messages[0].id,
        "our_message": f"{CONVERSATION}:{question}",
        "question": question,
        "answer_message": answer,
        "answer": telegram.sent_to(ANN)[0].message_id,
    }


def filled(told, talk):
    """Return a body in which the names of ids are replaced by the ids."""
    if isinstance(told, dict):
        return {key: filled(value, talk) for key, value in told.items()}
    return talk.get(told[1:], told) if isinstance(told, str) and told[:1] == "$" else told


KOMMOS = {"id": "$kommo"}
OURS = {"client_id": "$alias"}
BOTH = {**KOMMOS, **OURS}
SWAPPED = {"id": "$alias"}


def reaction(**told):
    """Return the body of a reaction."""
    told = {"user": {"id": "u"}, "type": "react", "emoji": "👍", **told}
    return {"account_id": "a", "action": {"reaction": told}}


@pytest.mark.parametrize(
    ("told", "which"),
    [
        pytest.param(reaction(conversation=BOTH, msgid="$kommo_message"), "question", id="older"),
        pytest.param(
            reaction(conversation=KOMMOS, msgid="$kommo_message"), "question", id="older-kommos"
        ),
        pytest.param(
            reaction(conversation=OURS, msgid="$kommo_message"), "question", id="older-ours"
        ),
        pytest.param(reaction(msgid="$kommo_message"), "question", id="older-message-only"),
        pytest.param(reaction(msgid="$our_message"), "question", id="older-our-message-only"),
        pytest.param(reaction(msgid="$answer_message"), "answer", id="older-answer-only"),
        pytest.param(
            reaction(conversation=KOMMOS, message={"id": "$kommo_message"}),
            "question",
            id="newer-kommos",
        ),
        pytest.param(
            reaction(conversation=OURS, message={"client_id": "$our_message"}),
            "question",
            id="newer-ours",
        ),
        pytest.param(
            reaction(conversation=KOMMOS, message={"client_id": "$our_message"}),
            "question",
            id="newer-mixed",
        ),
        pytest.param(
            reaction(conversation=OURS, message={"id": "$answer_message"}), "answer", id="answer"
        ),
        pytest.param(reaction(message={"id": "$answer_message"}), "answer", id="answer-only"),
        pytest.param(reaction(message={"client_id": "$our_message"}), "question", id="ours-only"),
        pytest.param(
            reaction(conversation=SWAPPED, message={"id": "$our_message"}),
            "question",
            id="ours-in-kommos-place",
        ),
    ],
)
async def test_a_reaction_finds_its_message(talk, telegram, kommo, eventually, told, which):
    """Conversation and message are found by Kommo's ids alone, by ours alone, by one of them."""
    hook = await kommo.post_hook(filled(told, talk))
    assert hook.status == 200
    await eventually(lambda: telegram.chat(700001, ANN).reactions == {talk[which]: "👍"})


def message(**told):
    """Return the body of a manager's message."""
    content = {"id": "new-message", "type": "text", "text": "found", **told.pop("content", {})}
    person = {"sender": {"id": "m"}, "receiver": {"id": "c"}}
    return {"account_id": "a", "message": {**person, "message": content, **told}}


QUOTE = {"reply_to": {"message": {"id": "$answer_message", "type": "text"}}}
LEGACY = {"receiver": "tg:555", "type": "text", "text": "found", "msec_timestamp": AT * 1000}


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(message(conversation=BOTH), id="both"),
        pytest.param(message(conversation=KOMMOS), id="kommos"),
        pytest.param(message(conversation=OURS), id="ours"),
        pytest.param(message(conversation=SWAPPED), id="ours-in-kommos-place"),
        pytest.param(message(conversation={"client_id": "$kommo"}), id="kommos-in-our-place"),
        pytest.param(message(content=QUOTE), id="only-what-is-quoted"),
        pytest.param({**LEGACY, "conversation_id": "$alias"}, id="v1-ours"),
        pytest.param({**LEGACY, "conversation_id": "$kommo"}, id="v1-kommos"),
    ],
)
async def test_a_message_finds_its_conversation(talk, telegram, kommo, eventually, told):
    """By Kommo's id alone, by ours alone, by what it quotes; in the older form too."""
    told = filled(told, talk)
    if "message" in told:
        now = int(kommo.account.now().timestamp())
        told["message"] |= {"timestamp": now, "msec_timestamp": now * 1000}
    else:
        told["msec_timestamp"] = int(kommo.account.now().timestamp() * 1000)
    hook = await kommo.post_hook(told)
    assert hook.status == 200
    await eventually(lambda: telegram.texts_to(ANN) == ["We do", "found"])


@pytest.mark.parametrize("conversation", [BOTH, KOMMOS, OURS, SWAPPED], ids=json.dumps)
async def test_typing_finds_its_conversation(talk, telegram, kommo, eventually, conversation):
    """By either side's id."""
    until = int(kommo.account.now().timestamp()) + 5
    typing = {"user": {"id": "u"}, "conversation": filled(conversation, talk)}
    body = {"account_id": "a", "action": {"typing": {**typing, "expired_at": until}}}
    hook = await kommo.post_hook(body)
    assert hook.status == 200
    await eventually(lambda: telegram.chat_actions == [(ANN, "typing")])


async def test_the_very_first_answer_may_name_kommos_id_alone(bridge, telegram, kommo, eventually):
    """Kommo told its id of the conversation when it took the client's message."""
    telegram.client_says("Do you deliver?")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["Do you deliver?"])
    chat = {"id": kommo.conversations[CONVERSATION].id}
    now = int(kommo.account.now().timestamp())
    told = message(conversation=chat, timestamp=now)
    assert (await kommo.post_hook(told)).status == 200
    await eventually(lambda: telegram.texts_to(ANN) == ["found"])
