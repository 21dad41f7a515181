"""What Telegram refuses as it is goes out in another way, once; the manager sees it delivered."""

import pytest

from tests.e2e.content import picture, status_of

ANN, GROUP, SUPERGROUP = 555, -4001, -1004001
CHAT = "tg:700001:555"
TOO_LONG = {"ok": False, "error_code": 400, "description": "Bad Request: message is too long"}


def refuse(telegram, method, description):
    """Let Telegram refuse the next call with these words."""
    body = {"ok": False, "error_code": 400, "description": f"Bad Request: {description}"}
    telegram.faults.fail(method, status=400, body=body)


@pytest.mark.parametrize(
    ("kind", "name", "method", "words", "shown_by"),
    [
        pytest.param(
            "picture", "a.png", "sendPhoto", "PHOTO_INVALID_DIMENSIONS", "sendDocument", id="photo"
        ),
        pytest.param(
            "picture", "a.png", "sendPhoto", "IMAGE_PROCESS_FAILED", "sendDocument", id="broken"
        ),
        pytest.param(
            "voice", "a.ogg", "sendVoice", "VOICE_MESSAGES_FORBIDDEN", "sendAudio", id="voice"
        ),
    ],
)
async def test_a_file_that_is_refused_is_shown_as_another_kind(
    chat, telegram, kommo, send, kind, name, method, words, shown_by
):
    """A photo goes as a document, a voice message as music."""
    refuse(telegram, method, words)
    message_id = await send(type=kind, media=kommo.add_attachment(picture(), name))
    assert [sent.method for sent in telegram.sent_to(ANN)] == [shown_by]
    assert kommo.statuses_of(message_id) == [1]


async def test_a_quoted_message_that_is_gone_costs_the_quote_only(chat, telegram, kommo, send):
    """The answer goes out as a message of its own."""
    refuse(telegram, "sendMessage", "message to be replied not found")
    message_id = await send(text="Yes", reply_to=kommo.messages_in("tg:700001:555")[0].id)
    assert [(sent.text, sent.reply_to) for sent in telegram.sent_to(ANN)] == [("Yes", None)]
    assert kommo.statuses_of(message_id) == [1]


@pytest.mark.parametrize("words", ["message is too long", "MESSAGE_TOO_LONG"])
async def test_a_text_that_is_too_long_is_cut_again(chat, telegram, kommo, send, words):
    """Whatever Telegram counts, the client reads all of it."""
    refuse(telegram, "sendMessage", words)
    halves = [" ".join(["first"] * 300), " ".join(["other"] * 300)]
    message_id = await send(text="\n\n".join(halves))
    assert telegram.texts_to(ANN) == halves
    assert kommo.statuses_of(message_id) == [1]


@pytest.mark.parametrize("words", ["message caption is too long", "MEDIA_CAPTION_TOO_LONG"])
async def test_a_caption_that_is_too_long_goes_below_its_file(chat, telegram, kommo, send, words):
    """The file first, then its words."""
    refuse(telegram, "sendPhoto", words)
    media = kommo.add_attachment(picture(), "a.png")
    message_id = await send(type="picture", media=media, text="words")
    assert [(sent.method, sent.text) for sent in telegram.sent_to(ANN)] == [
        ("sendPhoto", ""),
        ("sendMessage", "words"),
    ]
    assert kommo.statuses_of(message_id) == [1]


@pytest.mark.parametrize("status", [429, 502])
async def test_the_pieces_of_a_text_are_sent_once_each(
    chat, bridge, telegram, kommo, send, eventually, status
):
    """When a later piece has to wait, it goes on there; a quote of any piece is understood."""
    refuse(telegram, "sendMessage", "message is too long")
    telegram.faults.fail(
        "sendMessage", status=status, where=lambda call: call.fields["text"].startswith("other")
    )
    halves = [" ".join(["first"] * 300), " ".join(["other"] * 300)]
    message_id = await send(text="\n\n".join(halves))
    assert telegram.texts_to(ANN) == halves
    assert kommo.statuses_of(message_id) == [1]
    for number, sent in enumerate(telegram.sent_to(ANN), start=3):
        telegram.client_says("What?", reply_to=sent.message_id)
        await eventually(lambda expected=number: len(kommo.messages_in(CHAT)) == expected)
        assert kommo.messages_in(CHAT)[-1].reply_to == {"message": {"id": message_id}}


@pytest.mark.parametrize("status", [429, 502])
async def test_the_file_of_a_caption_that_is_too_long_is_sent_once(
    chat, telegram, kommo, send, status
):
    """When the words below it have to wait, the file is neither fetched nor sent again."""
    refuse(telegram, "sendPhoto", "message caption is too long")
    telegram.faults.fail("sendMessage", status=status)
    media = kommo.add_attachment(picture(), "a.png")
    message_id = await send(type="picture", media=media, text="words")
    shown = [(sent.method, sent.text) for sent in telegram.sent_to(ANN)]
    assert shown == [("sendPhoto", ""), ("sendMessage", "words")]
    assert kommo.statuses_of(message_id) == [1]


async def test_every_part_of_a_message_may_be_cut(chat, telegram, kommo, send):
    """However many parts are too long, and whichever waits, the client reads all of it once."""
    words = ("one", "two", "three", "four")
    for word in words:
        telegram.faults.fail(
            "sendMessage",
            status=400,
            body=TOO_LONG,
            where=lambda call, word=word: call.fields["text"].startswith(word),
        )
    telegram.faults.fail(
        "sendMessage", status=502, where=lambda call: call.fields["text"].startswith("three")
    )
    parts = [" ".join([word] * (3500 // len(word) - 300)) for word in words]
    message_id = await send(text="\n\n".join(parts))
    assert " ".join(telegram.texts_to(ANN)).split() == " ".join(parts).split()
    assert kommo.statuses_of(message_id) == [1]


async def test_a_second_refusal_is_the_last(chat, telegram, kommo, send):
    """What is refused in the other way as well is told to the manager."""
    for _ in range(2):
        refuse(telegram, "sendMessage", "message is too long")
    message_id = await send(text="first " * 300)
    code, error_code, error = status_of(kommo, message_id)
    assert (code, error_code, error) == (-1, 905, "The message is too long for Telegram.")


async def test_a_group_that_became_a_supergroup_is_followed(bridge, telegram, kommo, eventually):
    """The conversation stays, its messages go to the new chat, after a restart too."""
    await eventually(lambda: kommo.is_connected)
    telegram.add_group(GROUP)
    telegram.add_group(SUPERGROUP)
    telegram.peers[GROUP].migrated_to = SUPERGROUP
    client = kommo.account.client({"id": "tg:-4001", "name": "Group"})
    kommo.account.open_conversation("tg:700001:-4001", client)
    first = await kommo.manager_says("first", to="tg:700001:-4001")
    await eventually(lambda: kommo.statuses_of(first) == [1])
    await bridge.restart()
    second = await kommo.manager_says("second", to="tg:700001:-4001")
    await eventually(lambda: kommo.statuses_of(second) == [1])
    assert telegram.texts_to(SUPERGROUP) == ["first", "second"]


async def test_a_flood_that_lasts_is_told_as_such(bridge, config, telegram, kommo, eventually):
    """When Telegram asks to slow down until the time is over, the manager reads why."""
    await bridge.stop()
    text = config.read_text(encoding="utf-8")
    config.write_text(text + "\n[delivery]\ntelegram_give_up_min = 0.02\n", encoding="utf-8")
    await bridge.start()
    telegram.client_says("hi")
    await eventually(lambda: "tg:700001:555" in kommo.conversations)
    telegram.faults.fail("sendMessage", status=429, retry_after=1, times=None)
    message_id = await kommo.manager_says("never", to="tg:700001:555")
    await eventually(lambda: kommo.statuses_of(message_id) == [-1])
    assert status_of(kommo, message_id) == (-1, 905, "Telegram asks to slow down.")


async def test_a_long_flood_is_told_when_the_patience_is_over(
    bridge, config, telegram, kommo, eventually
):
    """The manager reads it of every answer that waits: refused, behind it, or of a silent bot."""
    await bridge.stop()
    text = config.read_text(encoding="utf-8")
    config.write_text(text + "\n[delivery]\ntelegram_give_up_min = 0.05\n", encoding="utf-8")
    await bridge.start()
    chats = {chat_id: f"tg:700001:{chat_id}" for chat_id in (555, 556, 557)}
    for chat_id in chats:
        telegram.client_says("hi", chat_id=chat_id)
    await eventually(lambda: len(kommo.conversations) == len(chats))
    floods = [
        telegram.faults.fail("sendMessage", status=429, retry_after=600, chat_id=chat_id)
        for chat_id in (555, 556)
    ]
    answers = [await kommo.manager_says("one", to=chats[chat_id]) for chat_id in (555, 556)]
    await eventually(lambda: all(flood.hits for flood in floods))
    answers += [await kommo.manager_says("two", to=chat) for chat in chats.values()]
    answers += [await kommo.manager_says("three", to=chats[557])]
    await eventually(lambda: all(kommo.statuses_of(one) == [-1] for one in answers), within_s=15)
    told = {status_of(kommo, one) for one in answers}
    assert told == {(-1, 905, "Telegram asks to slow down.")}
    assert [flood.hits for flood in floods] == [1, 1]
