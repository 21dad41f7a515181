"""Everything a manager can send reaches the client, file by file and button by button."""

import pytest

from sandbox.faults import HTML_PAGE
from tests.e2e.content import picture, status_of

ANN = 555
CONVERSATION = "tg:700001:555"


@pytest.mark.parametrize(
    ("kind", "name", "method", "field"),
    [
        pytest.param("picture", "plan.png", "sendPhoto", "photo", id="picture"),
        pytest.param("picture", "dance.gif", "sendAnimation", "animation", id="moving-picture"),
        pytest.param("picture", "shoe.webp", "sendDocument", "document", id="picture-of-the-web"),
        pytest.param("file", "Прайс 2026.pdf", "sendDocument", "document", id="file"),
        pytest.param("video", "tour.mp4", "sendVideo", "video", id="video"),
        pytest.param("voice", "note.ogg", "sendVoice", "voice", id="voice"),
        pytest.param("audio", "song.mp3", "sendAudio", "audio", id="audio"),
        pytest.param("sticker", "cat.webp", "sendSticker", "sticker", id="sticker"),
    ],
)
async def test_a_file_arrives_as_what_it_is(
    chat, telegram, kommo, send, kind, name, method, field
):
    """Each kind of file reaches the client byte by byte, as what the manager sent it as."""
    content = picture() if kind == "picture" else b"\x00\xff" * 70_000
    message_id = await send(type=kind, media=kommo.add_attachment(content, name))
    (sent,) = telegram.sent_to(ANN)
    assert (sent.method, sent.files[field].content) == (method, content)
    assert sent.files[field].name == name
    assert kommo.statuses_of(message_id) == [1]


async def test_a_caption_stands_under_its_file(chat, telegram, kommo, send):
    """What a manager wrote beside a file is its caption."""
    await send(type="picture", text="Order 4711?", media=kommo.add_attachment(picture(), "a.png"))
    assert [(s.method, s.text) for s in telegram.sent_to(ANN)] == [("sendPhoto", "Order 4711?")]


async def test_a_long_caption_goes_on_as_text(chat, telegram, kommo, send):
    """Nothing of a caption is lost, however long it is."""
    text = " ".join(f"word{number}" for number in range(1000))
    await send(type="file", text=text, media=kommo.add_attachment(b"%PDF", "a.pdf"))
    assert [s.method for s in telegram.sent_to(ANN)] == [
        "sendDocument",
        "sendMessage",
        "sendMessage",
    ]
    assert " ".join(telegram.texts_to(ANN)) == text


async def test_a_sticker_takes_its_words_along(chat, telegram, kommo, send):
    """A sticker has no caption in Telegram, so its words follow it."""
    sticker = kommo.add_attachment(b"RIFF", "cat.webp")
    await send(type="sticker", text="For you", media=sticker)
    assert [s.method for s in telegram.sent_to(ANN)] == ["sendSticker", "sendMessage"]
    assert telegram.texts_to(ANN)[-1] == "For you"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"not a picture at all", id="no-picture"),
        pytest.param(picture(9000, 9000), id="too-wide"),
        pytest.param(picture(3000, 10), id="too-long"),
        pytest.param(picture() + bytes(10 << 20), id="more-than-10-MB"),
    ],
)
async def test_a_picture_that_is_no_photo_goes_as_a_file(chat, telegram, kommo, send, content):
    """A picture that Telegram refuses as a photo reaches the client all the same."""
    message_id = await send(
        type="picture", text="Look", media=kommo.add_attachment(content, "plan.png")
    )
    (sent,) = telegram.sent_to(ANN)
    assert (sent.method, sent.files["document"].size) == ("sendDocument", len(content))
    assert (sent.text, kommo.statuses_of(message_id)) == ("Look", [1])


async def test_a_client_who_takes_no_voice_messages_gets_the_sound(chat, telegram, kommo, send):
    """A voice message goes as music where the client's settings refuse voices."""
    telegram.peers[ANN].forbids_voice = True
    message_id = await send(type="voice", media=kommo.add_attachment(b"OggS", "note.ogg"))
    assert [s.method for s in telegram.sent_to(ANN)] == ["sendAudio"]
    assert kommo.statuses_of(message_id) == [1]


async def test_a_place_and_a_contact_arrive_as_such(chat, telegram, kommo, send):
    """A location is a point on the map, a contact an entry for the address book."""
    await send(type="location", location={"lon": -122.4194, "lat": 37.7749})
    await send(type="contact", contact={"name": "Max Example", "phone": "+14155550199"})
    place, contact = telegram.sent_to(ANN)
    assert place.method == "sendLocation"
    assert float(place.parameters["latitude"]) == pytest.approx(37.7749)
    assert contact.parameters["phone_number"] == "+14155550199"
    assert contact.parameters["first_name"] == "Max Example"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param({"type": "picture"}, "without a link", id="no-address"),
        pytest.param({"type": "hologram"}, "cannot display", id="unknown-kind"),
        pytest.param({"type": "location"}, "cannot display", id="location-of-nothing"),
        pytest.param(
            {"type": "file", "media": "https://files.example/a", "file_size": 51 << 20},
            "larger than 50 MB",
            id="too-big-by-its-own-account",
        ),
        pytest.param(
            {"type": "file", "media": "http://127.0.0.1:1/a.pdf"},
            "not allowed to fetch from",
            id="loopback",
        ),
        pytest.param(
            {"type": "file", "media": "http://localhost:1/a.pdf"},
            "not allowed to fetch from",
            id="localhost",
        ),
        pytest.param(
            {"type": "file", "media": "http://10.0.0.1/a.pdf"},
            "not allowed to fetch from",
            id="private",
        ),
        pytest.param(
            {"type": "file", "media": "file:///etc/passwd"},
            "not allowed to fetch from",
            id="no-web-address",
        ),
    ],
)
async def test_what_cannot_be_shown_is_told_with_words(
    chat, telegram, kommo, send, content, words
):
    """The manager reads why something did not reach the client; the client sees nothing."""
    message_id = await send(**content)
    code, error_code, error = status_of(kommo, message_id)
    assert (code, error_code) == (-1, 905)
    assert words in error
    assert telegram.sent_to(ANN) == []


async def test_a_file_above_50_mb_is_told(chat, telegram, kommo, send):
    """A file that is too big is not read to its end, and the manager reads why."""
    link = kommo.add_attachment((50 << 20) + 1, "film.mp4")
    message_id = await send(type="video", media=link, file_size=0)
    assert "larger than 50 MB" in status_of(kommo, message_id)[2]
    assert telegram.sent_to(ANN) == []


async def test_a_file_that_is_gone_is_told(chat, telegram, kommo, send):
    """A link that leads nowhere ends in an error the manager can act on."""
    link = kommo.add_attachment(b"x", "a.pdf")
    kommo.remove_attachment(link)
    message_id = await send(type="file", media=link)
    assert "no longer exists" in status_of(kommo, message_id)[2]


@pytest.mark.parametrize(
    ("kind", "name", "content", "method"),
    [
        pytest.param("picture", "a.png", picture(), "sendPhoto", id="picture"),
        pytest.param("voice", "data.m4a", b"\0\0\0\x18ftypM4A ", "sendVoice", id="voice"),
        pytest.param("file", "a.pdf", b"%PDF", "sendDocument", id="file"),
        pytest.param("file", "a.html", b"<!doctype html>", "sendDocument", id="a-page-itself"),
    ],
)
async def test_a_page_in_the_place_of_a_file_is_not_sent(
    chat, telegram, kommo, send, kind, name, content, method
):
    """A maintenance page with a 200 delays a file; a file that is a page is a file."""
    is_page = name.endswith(".html")
    page = kommo.faults.html("/attachments", status=200, times=None if is_page else 1)
    message_id = await send(type=kind, media=kommo.add_attachment(content, name))
    (sent,) = telegram.sent_to(ANN)
    assert sent.method == method
    assert [file.content for file in sent.files.values()] == [
        HTML_PAGE.encode() if is_page else content
    ]
    assert (page.hits, kommo.statuses_of(message_id)) == (1, [1])


async def test_a_file_comes_late_when_its_server_fails(chat, telegram, kommo, send):
    """A failing file server delays a message; it does not lose it."""
    kommo.faults.fail("/attachments", status=503)
    kommo.faults.reset("/attachments")
    message_id = await send(type="file", media=kommo.add_attachment(b"%PDF", "a.pdf"))
    assert [s.method for s in telegram.sent_to(ANN)] == ["sendDocument"]
    assert kommo.statuses_of(message_id) == [1]


async def test_a_retry_goes_on_after_the_last_call_that_succeeded(chat, telegram, kommo, send):
    """A file that is through is not sent again when its text has to wait."""
    telegram.faults.fail("sendMessage", status=502)
    text = "long " * 500
    message_id = await send(type="file", text=text, media=kommo.add_attachment(b"%PDF", "a.pdf"))
    assert [s.method for s in telegram.sent_to(ANN)] == ["sendDocument", "sendMessage"]
    assert kommo.statuses_of(message_id) == [1]


async def test_several_attachments_arrive_in_order(chat, telegram, kommo, send, eventually):
    """Hooks of one group reach the client in the order in which the manager chose the files."""
    names = [f"{number}.pdf" for number in range(5)]
    for name in names:
        link = kommo.add_attachment(name.encode(), name)
        await kommo.manager_sends(type="file", media=link, media_group_id="g1", to=CONVERSATION)
    await eventually(lambda: len(telegram.sent_to(ANN)) == 5)
    assert [sent.files["document"].name for sent in telegram.sent_to(ANN)] == names


async def test_hooks_that_overtake_one_another_arrive_in_order(chat, telegram, kommo, eventually):
    """Files sent at once arrive as the manager chose them, however their hooks arrived."""
    ids = [
        await kommo.manager_sends(
            type="file",
            media=kommo.add_attachment(name.encode(), name),
            media_group_id="g1",
            to=CONVERSATION,
            hook=False,
        )
        for name in ("0.pdf", "1.pdf", "2.pdf")
    ]
    for number in (2, 0, 1):
        await kommo.manager.tells_late(ids[number])
    await eventually(lambda: [kommo.statuses_of(one) for one in ids] == [[1], [1], [1]])
    names = [sent.files["document"].name for sent in telegram.sent_to(ANN)]
    assert names == ["0.pdf", "1.pdf", "2.pdf"]


@pytest.mark.no_cover  # it is about time, which counting costs
async def test_slow_files_hold_up_no_text(chat, bridge, telegram, kommo, eventually):
    """However many files wait for a slow server, a text to another client arrives meanwhile."""
    hanging = kommo.faults.hang("/attachments", times=None)
    for number in range(70):
        client = 1000 + number
        telegram.client_says("Hi", chat_id=client)
    await eventually(lambda: len(kommo.conversations) == 71)
    for number in range(70):
        link = kommo.add_attachment(b"%PDF", f"{number}.pdf")
        await kommo.manager_sends(type="file", media=link, to=f"tg:700001:{1000 + number}")
    await eventually(lambda: hanging.hits >= 16)
    message_id = await kommo.manager_says("Good morning", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert telegram.texts_to(ANN) == ["Good morning"]
    kommo.faults.remove(hanging)


async def test_text_buttons_stand_under_the_message(chat, telegram, kommo, send):
    """Buttons come row by row; each carries a short id that says what it stands for."""
    markup = {"mode": "inline", "buttons": [[{"text": "Confirm"}, {"text": "Cancel"}]]}
    await send(text="Order 4711?", markup=markup)
    (row,) = telegram.sent_to(ANN)[0].reply_markup["inline_keyboard"]
    assert [button["text"] for button in row] == ["Confirm", "Cancel"]
    assert all(button["callback_data"].startswith("b:") for button in row)


async def test_a_pressed_button_speaks_for_the_client(
    bridge, chat, telegram, kommo, send, eventually
):
    """A press, also after a restart, is the button's text in the client's name."""
    await send(text="Order 4711?", markup={"buttons": [[{"text": "Confirm"}]]})
    await bridge.restart()
    telegram.client_presses(telegram.sent_to(ANN)[0].message_id, "Confirm")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "Confirm")


async def test_an_invalid_address_costs_the_button_only(chat, telegram, kommo, send):
    """The message goes out, with the buttons that work."""
    buttons = [
        [{"text": "Shop", "url": "https://shop.example"}],
        [{"text": "Trap", "url": "javascript:alert(1)"}, {"text": "Typo", "url": "htps:/shop"}],
    ]
    message_id = await send(text="Have a look", markup={"mode": "inline", "buttons": buttons})
    (sent,) = telegram.sent_to(ANN)
    assert sent.reply_markup == {
        "inline_keyboard": [[{"text": "Shop", "url": "https://shop.example"}]]
    }
    assert kommo.statuses_of(message_id) == [1]


async def test_a_keyboard_that_telegram_refuses_costs_the_keyboard(chat, telegram, kommo, send):
    """A message whose buttons are refused goes out without them."""
    refusal = {"ok": False, "error_code": 400, "description": "Bad Request: BUTTON_URL_INVALID"}
    telegram.faults.fail("sendMessage", status=400, body=refusal)
    buttons = [[{"text": "Shop", "url": "https://shop.example"}]]
    message_id = await send(text="Have a look", markup={"buttons": buttons})
    assert [(s.text, s.reply_markup) for s in telegram.sent_to(ANN)] == [("Have a look", None)]
    assert kommo.statuses_of(message_id) == [1]


async def test_a_list_message_is_a_menu(chat, telegram, kommo, send, eventually):
    """Titles and descriptions can be read; the chosen row comes back with its data."""
    rows = [
        {"callback_data": "row-1", "title": "Express", "description": "by tomorrow"},
        {"callback_data": "row-2", "title": "Standard", "description": ""},
    ]
    menu = {
        "header": "Delivery",
        "body": "How fast?",
        "footer": "Prices apply",
        "button": "Choose",
        "sections": [{"title": "Ways", "rows": rows}],
    }
    await send(text="How fast?", markup={"list_message": menu})
    (sent,) = telegram.sent_to(ANN)
    assert sent.text == (
        "Delivery\n\nHow fast?\n\nWays\n• Express — by tomorrow\n• Standard\n\nPrices apply"
    )
    telegram.client_presses(sent.message_id, "Express")
    await eventually(lambda: kommo.texts_in(CONVERSATION)[-1] == "Express")
    assert kommo.received[-1].content["callback_data"] == "row-1"


async def test_an_answer_to_a_client_is_a_reply(chat, telegram, kommo, send):
    """A manager who quotes a client's message replies to it in Telegram."""
    await send(text="Hello!", reply_to="tg:700001:555:1")
    assert telegram.sent_to(ANN)[0].reply_to == chat


async def test_an_answer_to_a_manager_is_a_reply(chat, telegram, kommo, send):
    """A manager's own message can be quoted too, whatever number of calls it took."""
    first = await send(text="We open at 9. " * 400)
    await send(text="On Sundays too", reply_to=first)
    assert telegram.sent_to(ANN)[-1].reply_to == telegram.sent_to(ANN)[0].message_id


async def test_a_quote_that_telegram_does_not_have_is_text(chat, telegram, kommo, send):
    """What cannot be replied to is quoted in words."""
    quoted = {"message": {"id": "ffffffff-0000-4000-8000-000000000000", "text": "an\nold one"}}
    await send(text="As I said", reply_to=quoted)
    assert telegram.texts_to(ANN) == ["> an\n> old one\n\nAs I said"]


async def test_forwarded_messages_are_quoted_with_their_files(chat, telegram, kommo, send):
    """A forwarded message names its author; its file comes along."""
    first = await send(type="file", text="Terms", media=kommo.add_attachment(b"%PDF", "agb.pdf"))
    await send(text="See above", forwards=first)
    _, forwarded, own = telegram.sent_to(ANN)
    assert (forwarded.method, forwarded.text) == ("sendDocument", "↪ Manager\n> Terms")
    assert own.text == "See above"


async def test_hostile_names_and_words_do_no_harm(chat, telegram, kommo, send):
    """A name cannot leave its header, a caption is no markup, nothing turns the writing round."""
    content = {
        "type": "file",
        "text": "<a href='tg://x'>*\x00_`{{x}}\u202e",
        "media": kommo.add_attachment(b"%PDF", "a.pdf"),
        "file_name": '../../a\u202efdp.exe"\r\nContent-Type: text/html\r\n\r\n<script>.pdf',
        "markup": {"buttons": [[{"text": "\x00<b>'"}]]},
    }
    message_id = await send(**content)
    (sent,) = telegram.sent_to(ANN)
    assert sent.files["document"].content == b"%PDF"
    assert not set(sent.files["document"].name) & set('/\\"\r\n\u202e<>')
    assert sent.text == "<a href='tg://x'>*_`{{x}}"
    assert kommo.statuses_of(message_id) == [1]


async def test_several_links_are_buttons_and_texts_mixed(chat, telegram, kommo, send):
    """Links and answers may stand side by side, though Kommo never mixes them."""
    buttons = [[{"text": "Yes"}, {"text": "Shop", "url": "https://shop.example"}]]
    await send(text="Well?", markup={"buttons": buttons})
    ((yes, shop),) = telegram.sent_to(ANN)[0].reply_markup["inline_keyboard"]
    assert (yes["text"], "url" in yes, shop["url"]) == ("Yes", False, "https://shop.example")
