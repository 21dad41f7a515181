"""Salesbot's messages: for the bridge they are a manager's, whoever is named as their sender."""

import pytest

from sandbox.kommo.model import Person
from tests.e2e.test_missed_webhooks import QUICK

PHONE = "+14155550123"
BOT = "66666666-4444-4555-8666-777777777777"
SENDERS = [
    pytest.param(Person(BOT, "Salesbot"), id="named"),
    pytest.param(Person(BOT, ""), id="without-a-name"),
]
SALESBOT = Person(BOT, "Salesbot")


def questions(*texts):
    """Return buttons below one another, as a step of the bot has them."""
    return {"mode": "inline", "buttons": [[{"text": text}] for text in texts]}


@pytest.mark.parametrize("absent", [False, True], ids=["empty-keys", "absent-keys"])
@pytest.mark.parametrize("sender", SENDERS)
async def test_a_message_of_the_bot_is_delivered(chat, send, telegram, kommo, sender, absent):
    """It reaches the client, and its status Kommo; no matter what the hook says of the bot."""
    kommo.absent_keys = absent
    message_id = await send(text="How can we help?", sender=sender)
    assert telegram.texts_to(555) == ["How can we help?"]
    assert kommo.statuses_of(message_id) == [1]


async def test_a_pressed_button_answers_the_bot(chat, send, telegram, kommo, eventually):
    """Thirteen buttons, as many as a step may have; the press is the client's message."""
    await send(text="Which day?", markup=questions(*map(str, range(1, 14))), sender=SALESBOT)
    sent = telegram.sent_to(555)[-1]
    assert len(sent.reply_markup["inline_keyboard"]) == 13
    telegram.client_presses(sent.message_id, "13")
    await eventually(lambda: kommo.texts_in("tg:700001:555")[-1] == "13")


async def test_a_list_of_the_bot_repeats_its_data(chat, send, telegram, kommo, eventually):
    """Without the row's data the bot's next step would not begin."""
    rows = [{"callback_data": "row-1", "title": "Thursday", "description": "After 10:00"}]
    menu = {
        "header": "Delivery",
        "body": "When?",
        "footer": "",
        "button": "Choose",
        "sections": [{"title": "This week", "rows": rows}],
    }
    await send(text="Choose", markup={"list_message": menu}, sender=SALESBOT)
    telegram.client_presses(telegram.sent_to(555)[-1].message_id, "Thursday")
    await eventually(lambda: kommo.received[-1].content.get("callback_data") == "row-1")


async def test_a_template_of_the_bot_goes_out_with_its_final_text(chat, send, telegram):
    """Its markers are filled in by Kommo."""
    template = {
        "id": 7103,
        "external_id": "order-confirm",
        "content": "Order {{lead.id}}?",
        "params": [{"key": "{{lead.id}}", "value": "4711"}],
    }
    await send(text="Order 4711?", template=template, sender=SALESBOT)
    assert telegram.texts_to(555) == ["Order 4711?"]


async def test_the_bot_writes_first_and_the_answer_returns_to_it(
    bridge, telegram, kommo, eventually
):
    """To a client who has shared a number; the first answer links both conversations."""
    telegram.client_shares_phone(PHONE)
    await eventually(lambda: len(kommo.received) == 1)
    message = await kommo.write_first(PHONE, "Your order is ready", sender=SALESBOT)
    await eventually(lambda: kommo.statuses_of(message) == [1])
    begun = kommo.account.message(message).conversation
    telegram.client_says("Thanks")
    await eventually(lambda: begun.messages[-1].text == "Thanks")


async def test_a_bot_that_writes_to_a_stranger_learns_that_nobody_read_it(chat, kommo, eventually):
    """Error 904, as for a manager."""
    message = await kommo.write_first(PHONE, "Your order is ready", sender=SALESBOT)
    await eventually(lambda: kommo.statuses_of(message) == [-1])
    [status] = kommo.account.message(message).statuses
    assert status.error_code == 904


async def test_a_missed_hook_of_the_bot_is_recovered_in_its_place(
    chat, bridge, telegram, kommo, eventually
):
    """What the bot said while the bridge was down goes out between a manager's words."""
    await bridge.stop()
    bridge.options["pace"] = QUICK
    to = "tg:700001:555"
    for text, sender in [("one", None), ("two", SALESBOT), ("three", None)]:
        await kommo.manager_says(text, to=to, sender=sender)
    await bridge.start()
    await eventually(lambda: telegram.texts_to(555) == ["one", "two", "three"])
