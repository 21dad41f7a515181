"""Everything a client can send reaches the manager, and every link gives its file."""

import gzip
import hashlib
import io
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PIL import Image

CONVERSATION = "tg:700001:555"


def picture(kind, size):
    """Return a picture of this size."""
    target = io.BytesIO()
    Image.effect_noise(size, 90).convert("RGB").save(target, kind)
    return target.getvalue()


UNKNOWN = {"ok": False, "error_code": 400, "description": "Bad Request: invalid file_id"}
FOR_NOW = {
    "ok": False,
    "error_code": 400,
    "description": "Bad Request: wrong file_id or the file is temporarily unavailable",
}
NO_PLACE = {"file_id": "F", "file_unique_id": "u"}
JPEG = picture("JPEG", (400, 300))
FILE = bytes(range(256)) * 1000


@pytest.fixture
def kommo(kommo):
    """A Kommo that fetches every link it is given, and asks with HEAD first."""
    kommo.fetch_media = kommo.head_first = True
    return kommo


def messages_in(kommo):
    """Return what arrived in Ann's conversation, in order."""
    return kommo.messages_in(CONVERSATION) if CONVERSATION in kommo.conversations else []


def sha256(content):
    """Return the digest of a file, as the sandbox tells it."""
    return hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("kind", "name", "content", "shown_as", "mime_type", "shown_name"),
    [
        pytest.param("photo", "p.jpg", JPEG, "picture", "image/jpeg", "photo.jpg", id="photo"),
        pytest.param("video", "v.mp4", FILE, "video", "video/mp4", "v.mp4", id="video"),
        pytest.param("animation", "a.mp4", FILE, "video", "video/mp4", "a.mp4", id="animation"),
        pytest.param("animation", "a.gif", FILE, "picture", "image/gif", "a.gif", id="gif"),
        pytest.param("audio", "song.mp3", FILE, "audio", "audio/mpeg", "song.mp3", id="audio"),
        pytest.param("voice", "v.oga", FILE, "voice", "audio/ogg", "voice.ogg", id="voice"),
        pytest.param(
            "document",
            "план №1.pdf",
            FILE,
            "file",
            "application/pdf",
            "план №1.pdf",
            id="document",
        ),
        pytest.param(
            "video_note", "n.mp4", FILE, "video", "video/mp4", "video-message.mp4", id="video-note"
        ),
    ],
)
async def test_a_file_arrives_as_what_it_is_and_with_its_very_bytes(
    bridge, telegram, kommo, eventually, kind, name, content, shown_as, mime_type, shown_name
):
    """Each kind of file arrives with its type, name, size and caption, and can be fetched."""
    file_id = telegram.add_file(content, name)
    telegram.client_sends({**telegram.media(kind, file_id), "caption": "like this one"})
    await eventually(lambda: kommo.fetched)
    (message,) = messages_in(kommo)
    assert (message.type, message.text) == (shown_as, "like this one")
    assert message.content["file_name"] == shown_name
    assert message.content["file_size"] == len(content)
    (fetched,) = kommo.fetched
    assert (fetched.status, fetched.head_status) == (200, 200)
    assert fetched.sha256 == sha256(content)
    assert fetched.headers["Content-Type"] == mime_type
    assert fetched.headers["X-Content-Type-Options"] == "nosniff"
    assert "FAKE-TOKEN" not in message.content["media"]


async def fetch(url, **headers):
    """Return the answer to a GET, and its body."""
    async with aiohttp.ClientSession() as http, http.get(url, headers=headers) as answer:
        return answer, await answer.read()


async def test_a_static_sticker_arrives_as_a_png_with_its_emoji(
    bridge, telegram, kommo, eventually
):
    """A sticker is a picture that every browser shows."""
    telegram.client_sends(
        telegram.media("sticker", telegram.add_file(picture("WEBP", (64, 64)), "s.webp"))
    )
    await eventually(lambda: kommo.fetched)
    (message,) = messages_in(kommo)
    assert (message.type, message.text) == ("picture", "👍")
    answer, body = await fetch(message.content["media"])
    assert answer.headers["Content-Type"] == "image/png"
    assert Image.open(io.BytesIO(body)).size == (64, 64)


async def test_a_moving_sticker_arrives_as_its_thumbnail(bridge, telegram, kommo, eventually):
    """A sticker that moves is shown by its thumbnail; without one, its emoji says what it was."""
    thumbnail = {
        "file_id": telegram.add_file(picture("WEBP", (64, 64)), "t.webp"),
        "file_unique_id": "t",
    }
    content = telegram.media("sticker", telegram.add_file(FILE, "s.tgs"))
    telegram.client_sends(content)
    thumbnail |= {"width": 64, "height": 64}
    telegram.client_sends({"sticker": {**content["sticker"], "thumbnail": thumbnail}})
    await eventually(lambda: len(messages_in(kommo)) == 2)
    bare, shown = messages_in(kommo)
    assert (bare.type, bare.text) == ("text", "[sticker] 👍")
    assert (shown.type, shown.text) == ("picture", "👍")
    _answer, body = await fetch(shown.content["media"])
    assert Image.open(io.BytesIO(body)).format == "PNG"


async def test_a_live_photo_is_the_photo_and_then_the_video(bridge, telegram, kommo, eventually):
    """Both halves of a live photo arrive, the caption with the first."""
    photo = telegram.media("photo", telegram.add_file(JPEG, "p.jpg"))["photo"]
    video = telegram.media("video", telegram.add_file(FILE, "v.mp4"))["video"]
    live = {"live_photo": {**video, "photo": photo}, "photo": photo, "caption": "wave"}
    telegram.client_sends(live)
    await eventually(lambda: len(kommo.fetched) == 2)
    assert [(one.type, one.text) for one in messages_in(kommo)] == [
        ("picture", "wave"),
        ("video", ""),
    ]
    assert {one.sha256 for one in kommo.fetched} == {sha256(JPEG), sha256(FILE)}


async def test_an_album_arrives_in_order_with_the_caption_where_it_was_put(
    bridge, telegram, kommo, eventually
):
    """The items of an album are messages of their own, in the order of the album."""
    for number in range(3):
        photo = telegram.media("photo", telegram.add_file(JPEG + bytes([number]), "p.jpg"))
        caption = {"caption": "second"} if number == 1 else {}
        telegram.client_sends({**photo, **caption, "media_group_id": "77"})
    await eventually(lambda: len(kommo.fetched) == 3)
    assert [one.text for one in messages_in(kommo)] == ["", "second", ""]
    sizes = [one.content["file_size"] for one in messages_in(kommo)]
    assert sizes == [len(JPEG) + 1] * 3


async def test_a_part_of_a_file_can_be_fetched(bridge, telegram, kommo, eventually):
    """Range is honoured, whether or not Telegram's own server honours it."""
    telegram.client_sends(telegram.media("document", telegram.add_file(FILE, "f.bin")))
    await eventually(lambda: messages_in(kommo))
    link = messages_in(kommo)[0].content["media"]
    answer, body = await fetch(link, Range="bytes=100000-100009")
    assert (answer.status, body) == (206, FILE[100000:100010])
    assert answer.headers["Content-Range"] == f"bytes 100000-100009/{len(FILE)}"
    answer, body = await fetch(link, Range="bytes=-7")
    assert (answer.status, body) == (206, FILE[-7:])
    answer, _body = await fetch(link, Range=f"bytes={len(FILE)}-")
    assert answer.status == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(FILE)}"


async def test_a_link_cannot_be_changed(bridge, telegram, kommo, eventually):
    """A link that was not made by the bridge opens nothing."""
    telegram.client_sends(telegram.media("document", telegram.add_file(FILE, "f.bin")))
    await eventually(lambda: messages_in(kommo))
    link = messages_in(kommo)[0].content["media"]
    for forged in (link + "x", link.replace("/media/", "/media/x"), link.rpartition("/")[0]):
        answer, body = await fetch(forged)
        assert (answer.status, body) == (403, b"")


async def test_a_link_outlives_telegrams_own(bridge, telegram, kommo, eventually):
    """Telegram's download links die after an hour; each download asks for a fresh one."""
    telegram.client_sends(telegram.media("document", telegram.add_file(FILE, "f.bin")))
    await eventually(lambda: kommo.fetched)
    telegram.expire_links()
    answer, body = await fetch(messages_in(kommo)[0].content["media"])
    assert (answer.status, body) == (200, FILE)


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        pytest.param({"what": "getFile", "status": 500}, 502, id="telegram-fails"),
        pytest.param({"what": "file/", "status": 500}, 502, id="its-files-fail"),
        pytest.param({"what": "file/", "status": 404}, 404, id="the-file-is-gone"),
        pytest.param({"what": "getFile", "status": 401}, 502, id="the-token-is-revoked"),
        pytest.param(
            {"what": "getFile", "status": 400, "body": UNKNOWN}, 404, id="the-file-is-unknown"
        ),
        pytest.param(
            {"what": "file/", "status": 404, "body": "<h1>404</h1>"}, 502, id="a-page-says-404"
        ),
        pytest.param(
            {"what": "getFile", "status": 403, "body": "<h1>no</h1>"}, 502, id="a-page-says-403"
        ),
        pytest.param(
            {"what": "file/", "status": 200, "body": "<h1>Hi</h1>"}, 502, id="a-page-with-200"
        ),
        pytest.param(
            {"what": "getFile", "status": 200, "body": {"ok": True, "result": NO_PLACE}},
            404,
            id="the-file-has-no-place",
        ),
    ],
)
async def test_what_telegram_does_not_give_is_said_with_a_status(
    bridge, telegram, kommo, eventually, fault, status
):
    """A download that Telegram does not allow ends with a status, and without a word."""
    telegram.client_sends(telegram.media("document", telegram.add_file(FILE, "f.bin")))
    await eventually(lambda: kommo.fetched)
    telegram.faults.fail(**fault, times=1)
    answer, body = await fetch(messages_in(kommo)[0].content["media"])
    assert (answer.status, body) == (status, b"")


async def test_a_file_has_whatever_name_its_server_gives_it(bridge, telegram, kommo, eventually):
    """What means something in an address is a letter of a name, for GET and HEAD alike."""
    telegram.keeps_names = kommo.head_first = True
    names = [
        "price #5.pdf",
        "100%.pdf",
        "a%20b.pdf",
        "what?x=1&y.pdf",
        "größe+ 😀.pdf",
        "a;b@c.pdf",
    ]
    for name in names:
        telegram.client_sends(telegram.media("document", telegram.add_file(FILE, name)))
    await eventually(lambda: len(kommo.fetched) == len(names))
    found = [(one.head_status, one.status, one.size) for one in kommo.fetched]
    assert found == [(200, 200, len(FILE))] * len(names)


async def test_a_file_that_is_unavailable_for_a_moment_is_served(
    bridge, telegram, kommo, eventually
):
    """Telegram's words for a passing trouble are no reason to call a file gone."""
    telegram.client_sends(telegram.media("document", telegram.add_file(FILE, "f.bin")))
    await eventually(lambda: kommo.fetched)
    telegram.faults.fail("getFile", status=400, body=FOR_NOW)
    answer, body = await fetch(messages_in(kommo)[0].content["media"])
    assert (answer.status, body) == (200, FILE)


async def test_a_file_that_ends_early_is_not_taken_for_a_whole_one(
    bridge, telegram, kommo, eventually
):
    """Whoever told no length and stopped early, the reader learns that something is missing."""
    telegram.client_sends(telegram.media("document", telegram.add_file(FILE, "f.bin")))
    await eventually(lambda: kommo.fetched)
    packed = {"Content-Encoding": "gzip", "Content-Type": "application/octet-stream"}
    telegram.faults.fail("file/", status=200, body=gzip.compress(FILE[:1000]), headers=packed)
    with pytest.raises(aiohttp.ClientError):
        await fetch(messages_in(kommo)[0].content["media"])


@pytest.mark.parametrize("what", ["getFile", "file/"])
async def test_a_connection_that_breaks_is_said_with_a_status(
    bridge, telegram, kommo, eventually, what
):
    """When Telegram hangs up before it has said anything, Kommo may try again later."""
    telegram.client_sends(telegram.media("document", telegram.add_file(FILE, "f.bin")))
    await eventually(lambda: kommo.fetched)
    telegram.faults.reset(what, times=None)
    answer, body = await fetch(messages_in(kommo)[0].content["media"])
    assert (answer.status, body) == (502, b"")


async def test_a_download_that_breaks_off_is_not_taken_for_a_whole_file(
    bridge, telegram, kommo, eventually
):
    """When Telegram's connection breaks, so does Kommo's: half a file is never complete."""
    telegram.client_sends(telegram.media("document", telegram.add_file(FILE, "f.bin")))
    await eventually(lambda: kommo.fetched)
    telegram.cut_files_at_bytes = 100_000
    with pytest.raises(aiohttp.ClientError):
        await fetch(messages_in(kommo)[0].content["media"])


async def test_a_file_too_big_for_bots_becomes_a_notice(bridge, telegram, kommo, eventually):
    """Instead of a dead link, the manager reads the name and the size, and the caption."""
    content = telegram.media("video", telegram.add_file(25 << 20, "holiday.mp4"))
    telegram.client_sends({**content, "caption": "look"})
    await eventually(lambda: messages_in(kommo))
    (message,) = messages_in(kommo)
    assert message.type == "text"
    assert message.text == "look\n[video holiday.mp4, 25.0 MB: too big for Telegram's bots]"
    assert kommo.fetched == []


async def test_the_phone_is_known_as_soon_as_the_client_shares_it(
    bridge, telegram, kommo, eventually
):
    """A client's own number goes into the profile, from that message on and after a restart."""
    telegram.client_says("Hi")
    somebody = {"phone_number": "+14155550199", "first_name": "Max", "user_id": 999}
    telegram.client_sends({"contact": somebody})
    telegram.client_sends(
        {"contact": {"phone_number": "14155550123", "first_name": "Ann", "user_id": 555}}
    )
    await eventually(lambda: len(messages_in(kommo)) == 3)
    await bridge.restart()
    telegram.client_says("Call me")
    await eventually(lambda: len(messages_in(kommo)) == 4)
    profiles = [
        json.loads(call.body)["payload"]["sender"].get("profile") for call in kommo.calls("send")
    ]
    assert profiles == [None, None, {"phone": "+14155550123"}, {"phone": "+14155550123"}]


async def test_a_reply_quotes_what_it_answers_on_either_side(bridge, telegram, kommo, eventually):
    """Kommo can scroll from a client's reply to the client's own or to the manager's message."""
    first = telegram.client_says("Hi")
    await eventually(lambda: messages_in(kommo))
    answer_id = await kommo.manager_says("Hello", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(answer_id) == [1])
    sent = telegram.sent_to(555)[0].message_id
    telegram.client_says("to myself", reply_to=first)
    telegram.client_says("to you", reply_to=sent)
    await eventually(lambda: len(messages_in(kommo)) == 4)
    quotes = {one.text: one.reply_to for one in kommo.received}
    assert quotes["to myself"] == {"message": {"msgid": f"{CONVERSATION}:{first}"}}
    assert quotes["to you"] == {"message": {"id": answer_id}}


async def test_an_edit_changes_the_message_and_an_edit_of_nothing_does_not(
    bridge, telegram, kommo, eventually
):
    """A client's edit shows in Kommo; an update that changes nothing visible is no edit."""
    message_id = telegram.client_says("Do you deliver?")
    telegram.client_edits(message_id, "Do you deliver?")
    telegram.client_edits(message_id, "Do you deliver on Sundays?")
    await eventually(lambda: kommo.edits)
    assert [one.text for one in messages_in(kommo)] == ["Do you deliver on Sundays?"]
    assert len(kommo.edits) == 1


async def test_an_edit_reaches_every_part(bridge, telegram, kommo, eventually):
    """Of a message in several parts the changed ones are edited, and new ones come as new."""
    first = telegram.media("video", telegram.add_file(FILE, "v.mp4"))["video"]
    other = telegram.media("video", telegram.add_file(FILE + b"x", "w.mp4"))["video"]
    photo = telegram.media("photo", telegram.add_file(JPEG, "p.jpg"))["photo"]
    message_id = telegram.client_sends({"photo": photo})
    chat, ann = telegram.peers[555].chat(), telegram.peers[555].user()
    written = {"message_id": message_id, "date": 1767348000, "chat": chat, "from": ann}
    for later_s, video in ((1, first), (2, other)):
        moment = {"edit_date": int(telegram.now()) + later_s}
        live = {"live_photo": {**video, "photo": photo}, "photo": photo, **moment}
        telegram.push({"edited_message": {**written, **live}})
    await eventually(lambda: kommo.edits)
    assert [one.type for one in messages_in(kommo)] == ["picture", "video"]
    assert [one.message.msgid for one in kommo.edits] == [f"{CONVERSATION}:{message_id}:2"]


async def test_a_changed_caption_keeps_the_picture(bridge, telegram, kommo, eventually):
    """An edited caption is an edit; the link's new end of life alone would be none."""
    content = telegram.media("photo", telegram.add_file(JPEG, "p.jpg"))
    message_id = telegram.client_sends({**content, "caption": "old"})
    telegram.client_edits(message_id, "old")
    telegram.client_edits(message_id, "new")
    await eventually(lambda: kommo.edits)
    assert [(one.type, one.text) for one in messages_in(kommo)] == [("picture", "new")]
    assert len(kommo.edits) == 1


async def test_a_reply_to_what_kommo_never_saw_quotes_its_words(
    bridge, telegram, kommo, eventually
):
    """What was said before the bridge came is quoted by all it says."""
    chat, ann = telegram.add_person(555).chat(), telegram.peers[555].user()
    old = {"message_id": 4711, "date": 1767348000, "chat": chat, "from": ann, "text": "long ago"}
    telegram.client_sends({"text": "as I said", "reply_to_message": old})
    await eventually(lambda: kommo.received)
    (received,) = kommo.received
    quoted = received.reply_to["message"]
    assert (quoted["type"], quoted["text"]) == ("text", "long ago")
    assert quoted["sender"] == {"name": "Ann"}
    assert quoted["msec_timestamp"] == 1767348000000


async def test_a_quote_that_kommo_does_not_want_costs_no_message(
    bridge, telegram, kommo, eventually
):
    """Should Kommo refuse the quoted message, the reply arrives without it."""
    first = telegram.client_says("Hi")
    await eventually(lambda: kommo.received)
    kommo.faults.fail(
        "*",
        status=400,
        times=None,
        where=lambda call: "reply_to" in call.fields.get("payload", {}),
    )
    telegram.client_says("and?", reply_to=first)
    await eventually(lambda: len(kommo.received) == 2)
    assert kommo.received[-1].reply_to is None


async def test_the_clients_picture_is_shown_and_can_be_fetched(
    bridge, telegram, kommo, eventually
):
    """The picture comes with the messages after the first, from a link like that of any file."""
    telegram.set_avatar(JPEG, chat_id=555)
    telegram.client_says("Hi")
    await eventually(lambda: pictures_known(bridge) == 1)
    telegram.client_says("Hello?")
    await eventually(lambda: kommo.fetched)
    telegram.client_says("Is anybody there?")
    await eventually(lambda: len(kommo.fetched) == 2)
    assert {one.sha256 for one in kommo.fetched} == {sha256(JPEG)}
    assert kommo.received[1].sender.avatar == kommo.received[2].sender.avatar
    assert len(telegram.calls("getUserProfilePhotos")) == 1


def pictures_known(bridge):
    """Count the clients whose picture the database knows."""
    with closing(sqlite3.connect(bridge.settings.database)) as database:
        return database.execute("SELECT count(*) FROM avatars").fetchone()[0]


@pytest.fixture
def quick(eventually):
    """Expect a text in a client's conversation in less than a second."""

    async def wait(kommo, conversation, text):
        await eventually(
            lambda: conversation in kommo.conversations and text in kommo.texts_in(conversation),
            within_s=1,
        )

    return wait


async def test_pictures_that_hang_hold_up_no_message(bridge, telegram, kommo, eventually, quick):
    """Thirty new clients whose pictures are not told: their messages, and others', go at once."""
    hanging = telegram.faults.hang("getUserProfilePhotos", times=None)
    for chat_id in range(1000, 1030):
        telegram.client_says("hi", chat_id=chat_id)
    await eventually(lambda: hanging.hits > 0)
    telegram.client_says("quick")
    await quick(kommo, CONVERSATION, "quick")
    await eventually(lambda: len(kommo.conversations) == 31, within_s=2)
    telegram.faults.remove(hanging)


async def test_big_files_that_hang_hold_up_no_other_client(
    bridge, telegram, kommo, eventually, quick
):
    """A local server answers when it has the whole of a big file: only its own chat waits."""
    hanging = telegram.faults.hang("getFile", times=None)
    for chat_id in range(1000, 1025):
        film = telegram.add_file(25 << 20, f"{chat_id}.mp4")
        telegram.client_sends(telegram.media("video", film), chat_id=chat_id)
    await eventually(lambda: hanging.hits >= 20)
    telegram.client_says("quick")
    await quick(kommo, CONVERSATION, "quick")
    assert len(kommo.conversations) == 1
    telegram.faults.remove(hanging)
    await eventually(lambda: len(kommo.conversations) == 26)


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_big_file_of_a_revoked_bot_still_reaches_kommo(
    bridge, telegram, kommo, eventually, status
):
    """Telegram gives such a bot nothing, not even an answer about a size: the message goes."""
    telegram.faults.fail("getFile", status=status, times=None)
    telegram.client_sends(telegram.media("video", telegram.add_file(25 << 20, "film.mp4")))
    telegram.client_says("next")
    await eventually(lambda: len(messages_in(kommo)) == 2)
    assert [one.type for one in messages_in(kommo)] == ["video", "text"]


async def test_a_picture_that_telegram_does_not_tell_delays_nothing(
    bridge, telegram, kommo, eventually
):
    """The message goes without it; and the next one does not ask again at once."""
    telegram.set_avatar(JPEG, chat_id=555)
    telegram.faults.fail("getUserProfilePhotos", status=500, times=None)
    telegram.client_says("Hi")
    telegram.client_says("Hello?")
    await eventually(lambda: len(kommo.received) == 2)
    assert [one.sender.avatar for one in kommo.received] == [None, None]
    assert kommo.fetched == []


SAMPLES = Path(__file__).parents[1] / "samples"


def kinds_without_files():
    """Return the samples that need no file to be fetched: all that becomes words or a place."""
    for file in sorted(SAMPLES.glob("*.kommo.json")):
        parts = json.loads(file.read_text(encoding="utf-8"))
        if parts and not any("media" in part for part in parts):
            name = file.name.removesuffix(".kommo.json")
            yield json.loads((SAMPLES / f"{name}.client.json").read_text(encoding="utf-8")), parts


async def test_what_is_no_file_is_told_in_words(bridge, telegram, kommo, eventually):
    """Every kind of content reaches the manager as its sample says, in order, and only once."""
    expected = []
    for content, parts in kinds_without_files():
        telegram.client_sends(content)
        expected += parts
    await eventually(lambda: len(messages_in(kommo)) == len(expected))
    assert [dict(one.content) for one in messages_in(kommo)] == expected


async def test_a_message_that_tells_nothing_makes_no_lead(bridge, telegram, kommo, eventually):
    """A new chat background is the client's own affair."""
    background = {"type": {"type": "chat_theme", "theme_name": "x"}}
    telegram.client_sends({"chat_background_set": background})
    telegram.client_says("Hi")
    await eventually(lambda: messages_in(kommo))
    assert [one.text for one in messages_in(kommo)] == ["Hi"]


async def test_a_message_made_to_cost_time_costs_none(bridge, telegram, kommo, eventually):
    """Text nested deeper than anybody writes holds nobody up."""
    text: Any = "deep"
    for _ in range(30):
        text = {"type": "bold", "text": [text]}
    telegram.client_sends({"rich_message": {"blocks": [{"type": "paragraph", "text": text}]}})
    telegram.client_says("next")
    await eventually(lambda: len(messages_in(kommo)) == 2)
    assert messages_in(kommo)[1].text == "next"


async def test_a_live_location_is_one_message_that_moves_now_and_then(
    bridge, telegram, kommo, eventually
):
    """The place comes once, its moves once a minute, its end at once."""
    place = {"latitude": 1.0, "longitude": 2.0}
    live = {**place, "live_period": 900}
    message_id = telegram.client_sends({"location": live})
    chat, ann = telegram.peers[555].chat(), telegram.peers[555].user()
    shown = {"message_id": message_id, "date": 1767348000, "chat": chat, "from": ann}
    for second in range(5):
        moved = {**live, "latitude": 1.0 + second}
        edit = {**shown, "edit_date": 1767348000 + second, "location": moved}
        telegram.push({"edited_message": edit})
    ended = {**place, "latitude": 9.0}
    telegram.push({"edited_message": {**shown, "edit_date": 1767348009, "location": ended}})
    await eventually(lambda: len(kommo.edits) >= 2)
    (message,) = messages_in(kommo)
    assert message.content["location"]["lat"] == 9.0
    assert len(kommo.edits) == 2
