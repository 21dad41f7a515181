"""Text crosses both ways, and its statuses return."""

ANN = 555
CONVERSATION = "tg:700001:555"


async def test_a_clients_message_becomes_a_conversation_and_a_lead(
    bridge, telegram, kommo, eventually
):
    """What a client writes appears in Kommo as a conversation, and makes an incoming lead."""
    telegram.client_says("Do you deliver?", name="Zoë", username="zoe_example")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["Do you deliver?"])
    assert len(kommo.leads) == 1


async def test_a_managers_answer_reaches_the_client_and_its_status_returns(
    bridge, telegram, kommo, eventually
):
    """A manager's answer arrives in Telegram as it was written, and Kommo hears: delivered."""
    telegram.client_says("Hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    message_id = await kommo.manager_says("<b>not</b> *markup* & _so_ on", to=CONVERSATION)
    await eventually(lambda: telegram.texts_to(ANN) == ["<b>not</b> *markup* & _so_ on"])
    await eventually(lambda: kommo.statuses_of(message_id) == [1])


async def test_the_clients_answer_marks_what_was_delivered_before_as_read(
    bridge, telegram, kommo, eventually
):
    """A client who writes has read what was delivered before."""
    telegram.client_says("Hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    message_id = await kommo.manager_says("Hello", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    telegram.client_says("Thanks")
    await eventually(lambda: kommo.statuses_of(message_id) == [1, 2])


async def test_an_answer_survives_a_restart(bridge, telegram, kommo, eventually):
    """What a manager wrote before a stop reaches the client after the next start, once."""
    telegram.client_says("Hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    telegram.is_down = True
    await kommo.manager_says("hello", to=CONVERSATION)
    await bridge.restart()
    telegram.is_down = False
    await eventually(lambda: telegram.texts_to(ANN) == ["hello"])
