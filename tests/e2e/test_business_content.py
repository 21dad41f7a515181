"""Whatever crosses in the bot's own chats crosses in those of an account that it serves."""

import aiohttp
import pytest

from tests.e2e.conftest import SCOPE_ID
from tests.e2e.content import picture

OLGA, ANN = 999, 555
CHAT, BOTS_CHAT = "tg:700001.999:555", "tg:700001:555"

FROM_CLIENTS = {
    "photo": "picture",
    "video": "video",
    "voice": "voice",
    "audio": "audio",
    "document": "file",
    "animation": "video",
    "video_note": "video",
    "sticker": "picture",
}
PLACE = {"latitude": 52.5, "longitude": 13.4}
BOB = {"id": 5, "is_bot": False, "first_name": "Bob"}
PLAIN = {
    "location": ({"location": PLACE}, "location"),
    "live location": ({"location": {**PLACE, "live_period": 900}}, "location"),
    "venue": (
        {"location": PLACE, "venue": {"location": PLACE, "title": "Cafe", "address": "1"}},
        "location",
    ),
    "poll": (
        {
            "poll": {
                "id": "1",
                "question": "Tea?",
                "options": [],
                "total_voter_count": 0,
                "is_closed": False,
                "is_anonymous": True,
                "type": "regular",
                "allows_multiple_answers": False,
            }
        },
        "text",
    ),
    "forward": (
        {"text": "Look", "forward_origin": {"type": "user", "date": 1, "sender_user": BOB}},
        "text",
    ),
    "contact": ({"contact": {"phone_number": "+14155550123", "first_name": "Bob"}}, "contact"),
    "story": (
        {"story": {"chat": {"id": 5, "type": "private", "first_name": "Bob"}, "id": 1}},
        "text",
    ),
    "checklist": ({"checklist": {"title": "To do", "tasks": [{"id": 1, "text": "Pay"}]}}, "text"),
    "dice": ({"dice": {"emoji": "🎲", "value": 4}}, "text"),
}
BUTTONS = {"buttons": [[{"text": "Yes"}, {"text": "No"}]]}
ANSWERS = {
    "text": {"text": "Hello"},
    "long": {"text": "x" * 5000},
    "buttons": {"text": "Shall we?", "markup": BUTTONS},
    "location": {"type": "location", "location": {"lat": 52.5, "lon": 13.4}},
    "contact": {"type": "contact", "contact": {"name": "Bob", "phone": "+14155550123"}},
    "template": {
        "text": "We are back",
        "template": {"id": 1, "content": "We are back", "params": []},
    },
}
FILES = {
    "picture": "sendPhoto",
    "file": "sendDocument",
    "voice": "sendVoice",
    "video": "sendVideo",
}


@pytest.fixture
def with_keyboards(config):
    """Settings that want buttons in the place of the client's keyboard."""
    text = config.read_text(encoding="utf-8")
    line = '[telegram]\nbuttons = "keyboard"'
    config.write_text(text.replace("[telegram]", line, 1), encoding="utf-8")


@pytest.fixture
async def connection(with_keyboards, bridge, telegram, kommo, eventually):
    """Olga's account, in which Ann has written."""
    made = telegram.owner_connects(OLGA, name="Olga")
    telegram.client_says("hi", connection=made, name="Ann")
    await eventually(lambda: kommo.texts_in(CHAT) == ["hi"])
    return made


async def test_every_kind_arrives_in_the_accounts_conversation(
    connection, telegram, kommo, eventually
):
    """Files as what they are, the rest as in the bot's own chats; none in another conversation."""
    expected = list(FROM_CLIENTS.values())
    for kind in FROM_CLIENTS:
        file_id = telegram.add_file(b"\xff\xd8\xff\xe0 some bytes", f"{kind}.bin")
        telegram.client_sends(telegram.media(kind, file_id), connection=connection)
    for content, shown in PLAIN.values():
        telegram.client_sends(content, connection=connection)
        expected.append(shown)
    await eventually(lambda: len(kommo.received) == 1 + len(expected))
    assert [one.type for one in kommo.received[1:]] == expected
    assert list(kommo.conversations) == [CHAT]


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
async def test_every_kind_of_answer_goes_through_the_account(
    connection, telegram, kommo, eventually, answer
):
    """Each call of it names the connection; buttons stand under the message."""
    message_id = await kommo.manager.sends(to=CHAT, **answer)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert {one.parameters["business_connection_id"] for one in telegram.sent} == {connection}
    if "markup" in answer:
        assert "inline_keyboard" in telegram.sent[-1].reply_markup


@pytest.mark.parametrize("kind", FILES)
async def test_a_managers_file_goes_through_the_account(
    connection, telegram, kommo, eventually, kind
):
    """The upload names the connection too."""
    content, name = (picture(), "a.png") if kind == "picture" else (b"OggS bytes", "a.oga")
    link = kommo.add_attachment(content, name)
    message_id = await kommo.manager_sends(to=CHAT, type=kind, media=link)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    [call] = telegram.calls(FILES[kind])
    assert call.text("business_connection_id") == connection


async def test_quotes_are_quotes_on_either_side(connection, telegram, kommo, eventually):
    """The client's reply names the owner's words; the manager's answer quotes the client's."""
    owners = telegram.owner_says("Tea or coffee?", connection=connection)
    telegram.client_sends({"text": "Tea"}, reply_to=owners, connection=connection)
    await eventually(lambda: "Tea" in kommo.texts_in(CHAT))
    tea = kommo.messages_in(CHAT)[-1]
    answer = await kommo.manager_sends(to=CHAT, text="Green?", reply_to=tea.id)
    await eventually(lambda: kommo.statuses_of(answer) == [1])
    assert tea.msgid == f"{CHAT}:{telegram.sent[-1].reply_to}"
    assert tea.reply_to is not None


async def test_a_live_photo_is_the_photo_and_then_the_video(
    connection, telegram, kommo, eventually
):
    """Both halves, as in the bot's own chats."""
    photo = telegram.media("photo", telegram.add_file(picture(), "p.png"))["photo"]
    video = telegram.media("video", telegram.add_file(b"some bytes", "v.mp4"))["video"]
    live = {"live_photo": {**video, "photo": photo}, "photo": photo, "caption": "wave"}
    telegram.client_sends(live, connection=connection)
    await eventually(lambda: len(kommo.messages_in(CHAT)) == 3)
    shown = [(one.type, one.text) for one in kommo.messages_in(CHAT)[1:]]
    assert shown == [("picture", "wave"), ("video", "")]


async def test_an_album_arrives_in_order(connection, telegram, kommo, eventually):
    """Its parts are messages of their own, in the account's conversation."""
    for number in range(3):
        photo = telegram.media("photo", telegram.add_file(picture(), f"{number}.png"))
        content = {**photo, "caption": str(number), "media_group_id": "77"}
        telegram.client_sends(content, connection=connection)
    await eventually(lambda: kommo.texts_in(CHAT) == ["hi", "0", "1", "2"])


async def test_after_24_hours_the_manager_is_told(connection, telegram, kommo, eventually):
    """Telegram takes no answer any more: 905 with the reason."""
    telegram.chats[700001, OLGA, ANN].last_incoming_at -= 90_000
    late = await kommo.manager_says("Still there?", to=CHAT)
    await eventually(lambda: kommo.statuses_of(late) == [-1])
    [status] = kommo.manager.message(late).statuses
    assert (status.error_code, "24 hours" in status.error) == (905, True)


@pytest.mark.no_cover  # the bridge is a process of its own; counting costs time
async def test_kills_lose_nothing_of_either_kind_of_chat(process, telegram, kommo, eventually):
    """Killed again and again, with Kommo down in between: all in order, each in its chat."""
    await process.start()
    made = telegram.owner_connects(OLGA, name="Olga")
    told = [f"word {number}" for number in range(6)]
    outage = kommo.faults.fail(f"/v2/origin/custom/{SCOPE_ID}", status=503, times=3)
    for text in told:
        telegram.client_says(text, connection=made)
        telegram.client_says(f"bot {text}")
        await process.kill()
        await process.start()
    await eventually(lambda: kommo.texts_in(CHAT) == told)
    await eventually(lambda: kommo.texts_in(BOTS_CHAT) == [f"bot {text}" for text in told])
    assert outage.hits == 3


async def test_forgetting_one_chat_leaves_the_others_files(
    connection, command, telegram, kommo, eventually
):
    """The same person's files in the account's chat can still be had, and no others."""
    for where in ({}, {"connection": connection}):
        file_id = telegram.add_file(b"some bytes", "price.txt")
        telegram.client_sends(telegram.media("document", file_id), **where)
    await eventually(lambda: len(kommo.received) == 3)
    links = {one.conversation.client_id: one.content["media"] for one in kommo.received[1:]}
    code, _output, errors = await command("forget", "--chat", BOTS_CHAT, "--yes")
    assert (code, errors) == (0, "")
    async with aiohttp.ClientSession() as http:
        statuses = {}
        for name, link in links.items():
            async with http.get(link) as answer:
                statuses[name] = answer.status
    assert statuses == {CHAT: 200, BOTS_CHAT: 403}
