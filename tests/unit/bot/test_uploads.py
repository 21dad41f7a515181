"""What is tried when Telegram refuses a call, and how files are called."""

import pytest
from aiogram.methods import (
    SendAudio,
    SendDocument,
    SendLocation,
    SendMessage,
    SendPhoto,
    SendSticker,
    SendVideo,
    SendVoice,
)
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MessageEntity,
    ReplyParameters,
)

from bot.translate.outgoing.files import KommoFile, file_of, kommo_file, with_file
from bot.translate.outgoing.second_chances import instead, pieces
from kommo.body import Body

FILE = KommoFile("https://files.example/a", "a.bin")
PRESS = InlineKeyboardButton(text="A", callback_data="b:a")
LINK = InlineKeyboardButton(text="B", url="https://b.example")

BOLD = MessageEntity(type="bold", offset=0, length=2)


def keyboard(*buttons):
    """Return a keyboard of one row."""
    return InlineKeyboardMarkup(inline_keyboard=[list(buttons)])


def text(**more):
    """Return a text with more than words."""
    return SendMessage(chat_id=555, text="Hi", parse_mode=None, **more)


@pytest.mark.parametrize(
    ("call", "words", "other"),
    [
        pytest.param(
            SendPhoto(chat_id=555, photo=FILE, caption="Look", parse_mode=None),
            "Bad Request: PHOTO_INVALID_DIMENSIONS",
            SendDocument(chat_id=555, document=FILE, caption="Look", parse_mode=None),
            id="photo",
        ),
        pytest.param(
            SendPhoto(chat_id=555, photo=FILE),
            "Bad Request: IMAGE_PROCESS_FAILED",
            SendDocument(chat_id=555, document=FILE, parse_mode=None),
            id="image",
        ),
        pytest.param(
            SendVoice(chat_id=555, voice=FILE),
            "Bad Request: VOICE_MESSAGES_FORBIDDEN",
            SendAudio(chat_id=555, audio=FILE, parse_mode=None),
            id="voice",
        ),
        pytest.param(
            SendAudio(chat_id=555, audio=FILE),
            "Bad Request: wrong file type",
            SendDocument(chat_id=555, document=FILE, parse_mode=None),
            id="audio",
        ),
        pytest.param(
            SendSticker(chat_id=555, sticker=FILE, reply_markup=keyboard(PRESS)),
            "Bad Request: STICKER_INVALID",
            SendDocument(
                chat_id=555, document=FILE, parse_mode=None, reply_markup=keyboard(PRESS)
            ),
            id="sticker",
        ),
        pytest.param(
            SendVideo(chat_id=555, video=FILE, supports_streaming=True),
            "Bad Request: VIDEO_FILE_INVALID",
            SendDocument(chat_id=555, document=FILE, parse_mode=None),
            id="video",
        ),
        pytest.param(
            SendDocument(chat_id=555, document=FILE),
            "Bad Request: file is too big",
            None,
            id="file",
        ),
        pytest.param(
            text(reply_parameters=ReplyParameters(message_id=1)),
            "Bad Request: message to be replied not found",
            text(),
            id="reply",
        ),
        pytest.param(
            text(reply_parameters=ReplyParameters(message_id=1)),
            "Bad Request: message to reply not found",
            text(),
            id="reply-in-other-words",
        ),
        pytest.param(
            text(reply_parameters=ReplyParameters(message_id=1), reply_markup=keyboard(PRESS)),
            "Bad Request: REPLY_MESSAGE_ID_INVALID",
            text(reply_markup=keyboard(PRESS)),
            id="reply-in-capitals",
        ),
        pytest.param(text(), "Bad Request: message to reply not found", None, id="no-reply"),
        pytest.param(
            text(entities=[BOLD]),
            "Bad Request: can't parse entities: no end of tag",
            text(),
            id="entities",
        ),
        pytest.param(
            SendPhoto(chat_id=555, photo=FILE, caption="Hi", caption_entities=[BOLD]),
            "Bad Request: ENTITY_BOUNDS_INVALID",
            SendPhoto(chat_id=555, photo=FILE, caption="Hi"),
            id="caption-entities",
        ),
        pytest.param(
            SendPhoto(chat_id=555, photo=FILE),
            "Bad Request: not enough rights to send photos to the chat",
            None,
            id="rights",
        ),
        pytest.param(
            text(reply_markup=keyboard(PRESS, LINK)),
            "Bad Request: BUTTON_URL_INVALID",
            text(reply_markup=keyboard(PRESS)),
            id="link",
        ),
        pytest.param(
            text(reply_markup=keyboard(LINK, LINK.model_copy(update={"url": "https://b.ad/x"}))),
            "Bad Request: inline keyboard button URL 'https://b.ad/x' is invalid: Wrong HTTP URL",
            text(reply_markup=keyboard(LINK)),
            id="the-named-link-only",
        ),
        pytest.param(
            text(reply_markup=keyboard(LINK)),
            "Bad Request: BUTTON_URL_INVALID",
            text(),
            id="links",
        ),
        pytest.param(
            text(reply_markup=keyboard(PRESS)),
            "Bad Request: reply markup is too long",
            text(),
            id="keyboard",
        ),
        pytest.param(
            text(reply_markup=keyboard(PRESS)),
            "Bad Request: REPLY_MARKUP_TOO_LONG",
            text(),
            id="keyboard-in-capitals",
        ),
        pytest.param(text(), "Bad Request: BUTTON_DATA_INVALID", None, id="no-keyboard"),
        pytest.param(text(), "Bad Request: chat not found", None, id="chat"),
        pytest.param(
            SendPhoto(chat_id=555, photo=FILE), "Bad Request: chat not found", None, id="p"
        ),
    ],
)
def test_what_is_tried_instead(call, words, other):
    """A refusal is answered with less: never with the same again."""
    assert instead(call, words) == other


def test_what_has_no_text_cannot_be_cut():
    """A refusal for the length of a file's name, say, is not answered with pieces."""
    place = SendLocation(chat_id=555, latitude=1, longitude=2)
    assert pieces(place, "Bad Request: something is too long") == []
    assert pieces(SendPhoto(chat_id=555, photo=FILE), "Bad Request: FILE_NAME_TOO_LONG") == []


@pytest.mark.parametrize(
    ("body", "name"),
    [
        pytest.param(Body(type="file", media="u", file_name="a.pdf"), "a.pdf", id="told"),
        pytest.param(Body(type="file", media="https://x/b%20c.pdf?d"), "b c.pdf", id="url"),
        pytest.param(Body(type="voice", media="https://x/"), "voice.ogg", id="kind"),
        pytest.param(Body(type="file", media="https://["), "file", id="nonsense"),
        pytest.param(
            Body(type="file", media="u", file_name='..\\"\r\n/a'), "_____a", id="hostile"
        ),
    ],
)
def test_a_file_has_a_harmless_name(body, name):
    """A name is Kommo's, or made up; nothing in it can leave its place."""
    assert kommo_file(body) == KommoFile(body.media, name)


def test_no_address_is_no_file():
    """A message without an address has no file."""
    assert kommo_file(Body(type="file", file_name="a.pdf")) is None


def test_a_file_takes_its_place():
    """What was fetched stands where the address stood; a photo above 10 MB becomes a file."""
    fetched = KommoFile("fetched", "a.png")
    call = SendPhoto(chat_id=555, photo=FILE, parse_mode=None)
    assert file_of(call) == ("photo", FILE)
    assert with_file(call, "photo", fetched, size=10 << 20) == SendPhoto(
        chat_id=555, photo=fetched, parse_mode=None
    )
    assert with_file(call, "photo", fetched, size=(10 << 20) + 1) == SendDocument(
        chat_id=555, document=fetched, parse_mode=None
    )
    assert file_of(text()) is None


def test_an_address_is_not_sent_as_bytes():
    """A call whose file was not fetched fails here, and not at Telegram."""
    with pytest.raises(TypeError, match="fetched before"):
        FILE.read(None)  # type: ignore[arg-type]


def test_files_compare_by_what_they_are():
    """Calls are values, and so are the files in them."""
    assert KommoFile("a", "b") == KommoFile("a", "b")
    assert len({KommoFile("a", "b"), KommoFile("a", "b"), KommoFile("a", "c")}) == 2
    assert KommoFile("a", "b") != "a"
