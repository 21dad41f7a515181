"""Templates: Kommo's final text, or a version of its own for Telegram; and buttons as keyboard."""

import pytest

ANN = 555
CONVERSATION = "tg:700001:555"

TEMPLATES = """
[[templates]]
external_id = "order-confirm"
html = "<b>Order {{lead.id}}</b>, {{ contact.name }}: <a href='https://shop.example'>see</a>"

[[templates]]
id = 7104
picture = "PICTURE"
"""


@pytest.fixture
def config(config, kommo):
    """Settings with two templates, and buttons in the place of the client's keyboard."""
    picture = kommo.add_attachment(b"GIF89a\x01\x00\x01\x00", "hello.gif")
    text = config.read_text(encoding="utf-8") + TEMPLATES.replace("PICTURE", picture)
    text = text.replace("[telegram]", '[telegram]\nbuttons = "keyboard"')
    config.write_text(text, encoding="utf-8")
    return config


@pytest.fixture
async def send(bridge, telegram, kommo, eventually):
    """Let a manager send something to a client who has written; returns what arrived."""
    telegram.client_says("Hi")
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["Hi"])

    async def act(**content):
        message_id = await kommo.manager_sends(to=CONVERSATION, **content)
        await eventually(lambda: kommo.statuses_of(message_id) == [1])
        return telegram.sent_to(ANN)[-1]

    return act


def template(*, params, **ids):
    """Return a template as hooks name it."""
    return {
        **ids,
        "content": "Order {{lead.id}}",
        "params": [{"key": key, "value": value} for key, value in params.items()],
    }


async def test_a_template_goes_out_with_its_final_text(send):
    """A template without a version of its own is its text, with its buttons."""
    order = template(id=1, params={"{{lead.id}}": "4711"})
    markup = {"mode": "inline", "buttons": [[{"text": "Yes"}, {"text": "No"}]]}
    sent = await send(text="Order 4711", template=order, markup=markup)
    assert sent.text == "Order 4711"
    assert [button["text"] for button in sent.reply_markup["keyboard"][0]] == ["Yes", "No"]


async def test_a_templates_own_version_is_formatted(send, telegram):
    """The placeholders are filled with what Kommo filled in; no value is read as formatting."""
    params = {"{{lead.id}}": "4711", "contact.name": "<i>Zoë</i> 🦊 & Co"}
    await send(text="Order 4711", template=template(external_id="order-confirm", params=params))
    message = telegram.seen_by(ANN)[-1]
    assert message["text"] == "Order 4711, <i>Zoë</i> 🦊 & Co: see"
    assert [(e["type"], e["offset"], e["length"], e.get("url")) for e in message["entities"]] == [
        ("bold", 0, 10, None),
        ("text_link", 32, 3, "https://shop.example"),
    ]


async def test_a_value_that_is_missing_leaves_kommos_text(send):
    """Nobody reads a placeholder: without its value, Kommo's final text goes out."""
    order = template(external_id="order-confirm", params={"{{lead.id}}": "4711"})
    assert (await send(text="Order 4711", template=order)).text == "Order 4711"


async def test_a_templates_picture_goes_along(send):
    """A template may have a picture in Telegram; its text is the caption."""
    sent = await send(text="Welcome", template=template(id=7104, params={}))
    assert (sent.method, sent.text) == ("sendAnimation", "Welcome")


async def test_links_stay_under_the_message(send):
    """A keyboard in the place of the client's own knows no links, so they are inline."""
    buttons = [[{"text": "Shop", "url": "https://shop.example"}]]
    sent = await send(text="Look", markup={"mode": "inline", "buttons": buttons})
    assert sent.reply_markup["inline_keyboard"][0][0]["url"] == "https://shop.example"


async def test_a_button_of_the_keyboard_writes_its_text(send, telegram, kommo, eventually):
    """Pressing it says in the client's name what it reads."""
    sent = await send(text="Order?", markup={"buttons": [[{"text": "Confirm"}]]})
    telegram.client_presses(sent.message_id, "Confirm")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "Confirm")
