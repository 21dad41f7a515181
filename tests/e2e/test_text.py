"""Text crosses both ways, and its statuses return."""

ANN = 555
CONVERSATION = "tg:700001:555"


async def test_a_clients_message_becomes_a_conversation_and_a_lead(bridge, kommo, eventually, ann):
    """What a client writes appears in Kommo as a conversation, and makes an incoming lead."""
    await ann.says("Do you deliver?", name="Zoë", username="zoe_example")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["Do you deliver?"])
    assert len(kommo.leads) == 1


async def test_a_managers_answer_reaches_the_client_and_its_status_returns(
    bridge, telegram, eventually, ann, manager
):
    """A manager's answer arrives in Telegram as it was written, and Kommo hears: delivered."""
    await ann.says("Hi")
    answer = await manager.answers(ann, "<b>not</b> *markup* & _so_ on")
    await eventually(lambda: telegram.texts_to(ANN) == ["<b>not</b> *markup* & _so_ on"])
    await answer.is_delivered()


async def test_the_clients_answer_marks_what_was_delivered_before_as_read(
    bridge, telegram, ann, manager
):
    """A client who writes has read what was delivered before."""
    await ann.says("Hi")
    answer = await manager.answers(ann, "Hello")
    await answer.is_delivered()
    telegram.client_says("Thanks")
    await answer.has_statuses(1, 2)


async def test_an_answer_survives_a_restart(bridge, telegram, eventually, ann, manager):
    """What a manager wrote before a stop reaches the client after the next start, once."""
    await ann.says("Hi")
    telegram.is_down = True
    await manager.answers(ann, "hello")
    await bridge.restart()
    telegram.is_down = False
    await eventually(lambda: telegram.texts_to(ANN) == ["hello"])
