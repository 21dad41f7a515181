"""Files both ways, and albums."""

import hashlib
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import TelegramBadRequest, TelegramEntityTooLarge
from aiogram.methods import (
    SendAnimation,
    SendAudio,
    SendDocument,
    SendPhoto,
    SendSticker,
    SendVideo,
    SendVideoNote,
    SendVoice,
)
from aiogram.types import (
    BufferedInputFile,
    FSInputFile,
    InputMediaAudio,
    InputMediaDocument,
    InputMediaPhoto,
    InputMediaVideo,
)

from sandbox.telegram.server import TelegramServer

ANN = 555
MIB = 2**20


def png(width: int = 40, height: int = 30) -> bytes:
    """The beginning of a PNG of a size."""
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + struct.pack(">II", width, height) + b"\x08"


def jpeg(width: int = 40, height: int = 30) -> bytes:
    """The beginning of a JPEG of a size."""
    frame = b"\xff\xc0\x00\x11\x08" + struct.pack(">HH", height, width)
    return b"\xff\xd8\xff\xe0\x00\x04JF" + frame + b"\x03" + bytes(10)


def file(content: bytes, name: str) -> BufferedInputFile:
    """A file to upload."""
    return BufferedInputFile(content, name)


OGG = file(b"OggS voice", "voice.ogg")
MP4 = file(b"ftypmp42", "film.mp4")


@pytest.mark.parametrize(
    ("method", "field", "name"),
    [
        pytest.param(SendPhoto(chat_id=ANN, photo=file(png(), "a.png")), "photo", "a.png"),
        pytest.param(SendDocument(chat_id=ANN, document=MP4), "document", "film.mp4"),
        pytest.param(SendVideo(chat_id=ANN, video=MP4), "video", "film.mp4"),
        pytest.param(SendAnimation(chat_id=ANN, animation=MP4), "animation", "film.mp4"),
        pytest.param(SendAudio(chat_id=ANN, audio=MP4), "audio", "film.mp4"),
        pytest.param(SendVoice(chat_id=ANN, voice=OGG), "voice", "voice.ogg"),
        pytest.param(SendVideoNote(chat_id=ANN, video_note=MP4), "video_note", "film.mp4"),
        pytest.param(SendSticker(chat_id=ANN, sticker=MP4), "sticker", "film.mp4"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
async def test_every_kind_of_file_is_shown_as_what_it_is(
    telegram: TelegramServer, bot: Bot, method: Any, field: str, name: str
) -> None:
    """What a bot uploads arrives byte by byte, and comes back as aiogram expects it."""
    message = await bot(method)
    sent = telegram.sent_to(ANN)[0]
    uploaded = getattr(method, field).data
    assert getattr(message, field)
    assert sent.files[field].name == name
    assert sent.files[field].content == uploaded
    assert sent.files[field].sha256 == hashlib.sha256(uploaded).hexdigest()


@pytest.mark.parametrize("kind", ["photo", "video", "animation", "audio", "voice", "sticker"])
async def test_a_clients_file_can_be_downloaded(
    telegram: TelegramServer, bot: Bot, kind: str
) -> None:
    """What a client sends can be fetched by its file_id."""
    file_id = telegram.add_file(jpeg(), "a.jpg")
    telegram.client_sends(telegram.media(kind, file_id, caption="look"))
    message = (await bot.get_updates())[-1].message
    assert message
    shown = getattr(message, kind)
    got = await bot.download(shown[-1] if kind == "photo" else shown)
    assert got
    assert got.read() == jpeg()
    assert message.caption == "look"


async def test_a_small_photo_can_be_downloaded_too(telegram: TelegramServer, bot: Bot) -> None:
    """The thumbnail of a photo has a file_id of its own."""
    telegram.client_sends(telegram.media("photo", telegram.add_file(png(), "a.png")))
    message = (await bot.get_updates())[-1].message
    assert message
    assert message.photo
    assert [(size.width, size.height) for size in message.photo] == [(90, 67), (40, 30)]
    assert (await bot.get_file(message.photo[0].file_id)).file_path


async def test_what_was_sent_once_can_be_sent_by_its_id(
    telegram: TelegramServer, bot: Bot
) -> None:
    """A file_id sends the same file again."""
    first = await bot.send_document(ANN, file(b"price list", "prices.txt"), caption="Prices")
    assert first.document
    assert first.document.mime_type == "text/plain"
    await bot.send_document(ANN, first.document.file_id)
    assert telegram.texts_to(ANN) == ["Prices", ""]
    assert telegram.sent_to(ANN)[1].files["document"].content == b"price list"


async def test_file_ids_are_the_bots_own(telegram: TelegramServer, bot: Bot) -> None:
    """What one bot was sent means nothing to another."""
    telegram.add_bot("700002:not-a-real-token")
    file_id = telegram.add_file(b"secret", "a.txt")
    telegram.client_sends(telegram.media("document", file_id))
    assert (await bot.get_file(file_id)).file_size == 6
    async with Bot("700002:not-a-real-token", session=bot.session).context(auto_close=False) as b:
        with pytest.raises(TelegramBadRequest, match="wrong file_id or the file is temporarily"):
            await b.get_file(file_id)


async def test_large_files_are_made_up_as_they_are_read(
    telegram: TelegramServer, bot: Bot, tmp_path: Path
) -> None:
    """A file of any size can be sent without being held in memory."""
    file_id = telegram.add_file(5 * MIB + 7, "film.mp4")
    telegram.client_sends(telegram.media("video", file_id))
    await bot.download(file_id, destination=tmp_path / "film.mp4")
    got = (tmp_path / "film.mp4").read_bytes()
    assert len(got) == 5 * MIB + 7
    assert hashlib.sha256(got).hexdigest() == telegram.files[file_id].sha256
    assert got[-1] == 6


async def test_large_uploads_are_kept_on_disk(
    telegram: TelegramServer, bot: Bot, tmp_path: Path
) -> None:
    """What a bot uploads in one piece is the same when read back."""
    (tmp_path / "film.mp4").write_bytes(bytes(range(256)) * 8 * 1024)
    sent = await bot.send_video(ANN, FSInputFile(tmp_path / "film.mp4"))
    kept = telegram.sent_to(ANN)[0].files["video"]
    assert isinstance(kept.source, Path)
    assert kept.content == (tmp_path / "film.mp4").read_bytes()
    assert sent.video
    assert sent.video.file_size == 2 * MIB


async def test_files_have_limits(telegram: TelegramServer, bot: Bot, tmp_path: Path) -> None:
    """Uploads end at 50 MB and downloads at 20 MB, as with the cloud server."""
    large = telegram.add_file(20 * MIB + 1, "film.mp4")
    with pytest.raises(TelegramBadRequest, match="file is too big"):
        await bot.get_file(large)
    huge = tmp_path / "huge.bin"
    with huge.open("wb") as opened:
        opened.truncate(50 * MIB + 1)
    with pytest.raises(TelegramEntityTooLarge):
        await bot.send_document(ANN, FSInputFile(huge))
    assert telegram.sent_to(ANN) == []


@pytest.mark.parametrize(
    ("content", "name", "why"),
    [
        pytest.param(b"<html>", "a.jpg", "IMAGE_PROCESS_FAILED", id="no-image"),
        pytest.param(png()[:18], "a.png", "IMAGE_PROCESS_FAILED", id="cut-short"),
        pytest.param(jpeg(), "a.webp", "photo has unsupported extension", id="extension"),
        pytest.param(png(5001, 5000), "a.png", "PHOTO_INVALID_DIMENSIONS", id="too-wide"),
        pytest.param(jpeg(2100, 100), "a.jpg", "PHOTO_INVALID_DIMENSIONS", id="too-flat"),
        pytest.param(png() + bytes(10 * MIB), "a.png", "file is too big", id="too-big"),
        pytest.param(b"", "a.png", "file must be non-empty", id="empty"),
    ],
)
async def test_photos_must_be_photos(bot: Bot, content: bytes, name: str, why: str) -> None:
    """What Telegram would not show as a photo is refused in its words."""
    with pytest.raises(TelegramBadRequest, match=why):
        await bot.send_photo(ANN, file(content, name))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png(), id="png"),
        pytest.param(jpeg(), id="jpeg"),
        pytest.param(b"\xff\xd8\xff\xd9", id="jpeg-without-frame"),
        pytest.param(b"GIF89a" + struct.pack("<HH", 40, 30), id="gif"),
        pytest.param(b"BM" + bytes(16) + struct.pack("<II", 40, 30), id="bmp"),
        pytest.param(b"II*\0", id="tiff"),
    ],
)
async def test_photos_come_in_several_formats(bot: Bot, content: bytes) -> None:
    """The formats that Telegram takes as photos are taken."""
    assert (await bot.send_photo(ANN, file(content, "photo"))).photo


@pytest.mark.parametrize(
    ("photo", "why"),
    [
        pytest.param("http://example.com/a.jpg", "failed to get HTTP URL content", id="url"),
        pytest.param("nonsense", "wrong file identifier/HTTP URL specified", id="unknown"),
    ],
)
async def test_only_files_that_are_there_can_be_sent(bot: Bot, photo: str, why: str) -> None:
    """The sandbox fetches nothing from elsewhere, and knows only its own files."""
    with pytest.raises(TelegramBadRequest, match=why):
        await bot.send_photo(ANN, photo)


async def test_captions_have_a_limit(telegram: TelegramServer, bot: Bot) -> None:
    """A caption may have 1024 characters after parsing."""
    await bot.send_photo(
        ANN, file(png(), "a.png"), caption=f"<b>{'x' * 1024}</b>", parse_mode="HTML"
    )
    assert telegram.texts_to(ANN) == ["x" * 1024]
    with pytest.raises(TelegramBadRequest, match="message caption is too long"):
        await bot.send_photo(ANN, file(png(), "a.png"), caption="x" * 1025)
    with pytest.raises(TelegramBadRequest, match="caption is too long"):
        await bot.send_photo(ANN, file(png(), "a.png"), caption="я" * 16_385)


async def test_some_clients_refuse_voice(telegram: TelegramServer, bot: Bot) -> None:
    """A client's privacy may forbid voice and video notes, but no other files."""
    telegram.peers[ANN].forbids_voice = True
    for method in (SendVoice(chat_id=ANN, voice=OGG), SendVideoNote(chat_id=ANN, video_note=MP4)):
        with pytest.raises(TelegramBadRequest, match="VOICE_MESSAGES_FORBIDDEN"):
            await bot(method)
    assert await bot.send_audio(ANN, OGG)


async def test_albums_are_several_messages_of_one_group(
    telegram: TelegramServer, bot: Bot
) -> None:
    """Each item of an album is a message with its own id, file and caption."""
    messages = await bot.send_media_group(
        ANN,
        [
            InputMediaPhoto(media=file(png(), "a.png"), caption="both"),
            InputMediaVideo(media=MP4),
        ],
    )
    sent = telegram.sent_to(ANN)
    assert [message.message_id for message in messages] == [m.message_id for m in sent]
    assert len({message.media_group_id for message in messages}) == 1
    assert telegram.texts_to(ANN) == ["both", ""]
    assert [list(message.files) for message in sent] == [["photo"], ["video"]]


@pytest.mark.parametrize(
    ("media", "why"),
    [
        pytest.param([InputMediaVideo(media=MP4)], "wrong number of media", id="one"),
        pytest.param([InputMediaVideo(media=MP4)] * 11, "wrong number of media", id="eleven"),
        pytest.param(
            [InputMediaVideo(media=MP4), InputMediaDocument(media=MP4)],
            "can't be in one album",
            id="mixed",
        ),
        pytest.param(
            [InputMediaAudio(media=OGG), InputMediaAudio(media="nonsense")],
            "wrong file identifier",
            id="unknown-file",
        ),
    ],
)
async def test_albums_that_cannot_be_are_refused_as_a_whole(
    telegram: TelegramServer, bot: Bot, media: list[Any], why: str
) -> None:
    """A wrong item keeps the whole album back."""
    with pytest.raises(TelegramBadRequest, match=why):
        await bot.send_media_group(ANN, media)
    assert telegram.sent_to(ANN) == []


async def test_albums_have_no_keyboard(telegram: TelegramServer) -> None:
    """A keyboard under an album is refused; aiogram would not even send it."""
    media = '[{"type":"photo","media":"a"},{"type":"photo","media":"b"}]'
    markup = '{"remove_keyboard":true}'
    async with (
        aiohttp.ClientSession(f"{telegram.url}/bot700001:not-a-real-token/") as session,
        session.post(
            "sendMediaGroup", json={"chat_id": ANN, "media": media, "reply_markup": markup}
        ) as answer,
    ):
        assert (await answer.json())["description"].endswith("an album can't have a keyboard")


async def test_places_and_contacts_are_messages_too(telegram: TelegramServer, bot: Bot) -> None:
    """Locations, venues and contacts come back as such."""
    assert (await bot.send_location(ANN, 59.3, 18.1)).location
    assert (await bot.send_venue(ANN, 59.3, 18.1, "Shop", "Street 1")).venue
    contact = (await bot.send_contact(ANN, "+4670", "Ann")).contact
    assert contact
    assert contact.phone_number == "+4670"
    with pytest.raises(TelegramBadRequest, match="latitude or longitude"):
        await bot.send_location(ANN, 99, 18.1)
    with pytest.raises(TelegramBadRequest, match="first_name is empty"):
        await bot.send_contact(ANN, "+4670", "")


async def test_links_expire(telegram: TelegramServer, bot: Bot) -> None:
    """After its time a link is gone, and getFile gives a new one."""
    file_id = telegram.add_file(b"text", "a.txt")
    path = (await bot.get_file(file_id)).file_path
    assert path
    telegram.expire_links()
    with pytest.raises(Exception, match="404"):
        await bot.download_file(path)
    again = await bot.download(file_id)
    assert again
    assert again.read() == b"text"


async def test_a_download_may_break_off(telegram: TelegramServer, bot: Bot) -> None:
    """On request a download ends in the middle."""
    file_id = telegram.add_file(300_000, "a.bin")
    telegram.cut_files_at_bytes = 100_000
    with pytest.raises(Exception, match=r"(?i)payload|reset"):
        await bot.download(file_id)


async def test_pictures_of_people(telegram: TelegramServer, bot: Bot) -> None:
    """A client's picture is found both ways, or said not to be there."""
    assert (await bot.get_user_profile_photos(ANN)).total_count == 0
    assert (await bot.get_chat(ANN)).photo is None
    telegram.set_avatar(jpeg(), chat_id=ANN)
    photos = (await bot.get_user_profile_photos(ANN)).photos
    chat = await bot.get_chat(ANN)
    assert chat.photo
    assert photos[0][-1].file_id == chat.photo.big_file_id
    with pytest.raises(TelegramBadRequest, match="user not found"):
        await bot.get_user_profile_photos(1)


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[TelegramServer]:
    """A local Bot API server."""
    async with TelegramServer.start(local_folder=tmp_path / "bot-api") as server:
        server.add_bot("700001:not-a-real-token")
        server.client_starts()
        yield server


async def test_a_local_server_hands_files_over_by_path(
    local: TelegramServer, tmp_path: Path
) -> None:
    """A local server has no small limit, and names a path of this machine."""
    session = AiohttpSession(api=TelegramAPIServer.from_base(local.url, is_local=True))
    file_id = local.add_file(21 * MIB, "film.mp4")
    async with Bot("700001:not-a-real-token", session=session).context() as bot:
        path = (await bot.get_file(file_id)).file_path
        await bot.download(file_id, destination=tmp_path / "film.mp4")
    assert path
    assert Path(path).is_relative_to(tmp_path / "bot-api")
    assert (tmp_path / "film.mp4").stat().st_size == 21 * MIB
