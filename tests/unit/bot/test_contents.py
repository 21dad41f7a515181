"""Every kind of content a client can send → what Kommo shows of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from aiogram.types import Message

from bot.translate.incoming.contents import contents, too_big, with_heading
from bot.translate.incoming.notices import READERS, SILENT
from bot.translate.incoming.rich import RAW_FIELD, set_aside
from kommo.content import MEDIA_TYPES, Content

SAMPLES = Path(__file__).parents[2] / "samples"
NAMES = sorted(file.name.removesuffix(".client.json") for file in SAMPLES.glob("*.client.json"))
ANN = {"id": 555, "is_bot": False, "first_name": "Ann"}
PHOTO = {"file_id": "F", "file_unique_id": "u", "width": 9, "height": 9}
CHAT = {"id": 555, "type": "private", "first_name": "Ann"}


def message(content):
    """Return a client's message with this content."""
    fields = {"message_id": 42, "date": 1767348000, "chat": CHAT, "from": ANN}
    return Message.model_validate(set_aside({**fields, **content}))


def sample(name, side):
    """Return a sample of either side."""
    return json.loads((SAMPLES / f"{name}.{side}.json").read_text(encoding="utf-8"))


def media_url(file):
    """Return a link as the samples have them."""
    return f"https://bridge.example.com/media/{file.unique_id}"


@pytest.mark.parametrize("name", NAMES)
def test_each_kind_is_shown_as_its_sample_says(name):
    """One sample of what Telegram sends, one of what Kommo shows: nothing goes unseen."""
    parts = contents(message(sample(name, "client")), media_url)
    assert [part.model_dump(exclude_none=True) for part in parts] == sample(name, "kommo")


@pytest.mark.parametrize("kind", sorted(READERS))
def test_every_notice_has_a_sample(kind):
    """No kind is told in words that nobody has read."""
    told = {message(sample(name, "client")).content_type for name in NAMES}
    assert kind in told


@pytest.mark.parametrize("kind", sorted(SILENT))
def test_what_tells_nothing_is_known_to_telegram(kind):
    """A kind that is left out is one that exists."""
    assert kind in Message.model_fields


def test_blocks_nested_too_deep_are_left_out():
    """However deep somebody nests, the text comes to an end, and soon."""
    block: dict[str, Any] = {"type": "paragraph", "text": "deep"}
    for _ in range(60):
        block = {"type": "blockquote", "blocks": [block]}
    (part,) = contents(message({"rich_message": {"blocks": [block]}}), media_url)
    assert part.text == "[rich message]"


def test_words_nested_too_deep_are_left_out():
    """Text in text in text has an end too."""
    text: Any = "deep"
    for _ in range(60):
        text = {"type": "bold", "text": text}
    blocks = [{"type": "paragraph", "text": text}, {"type": "paragraph", "text": "flat"}]
    (part,) = contents(message({"rich_message": {"blocks": blocks}}), media_url)
    assert part.text == "flat"


def test_a_block_of_the_future_keeps_its_words():
    """What is new is flattened by the fields that it shares with what is known."""
    blocks = [{"type": "hologram", "text": "new", "depth": 3}, "nonsense", {"type": "anchor"}]
    quoted = {"reply_to_message": {"rich_message": {"blocks": [{"type": "x", "text": "old"}]}}}
    update = set_aside({"message": {"rich_message": {"blocks": blocks}, **quoted}})
    assert "rich_message" not in json.dumps(update).replace(RAW_FIELD, "")
    (part,) = contents(message({"rich_message": {"blocks": blocks}}), media_url)
    assert part.text == "new"


def test_a_block_of_the_future_without_words_is_named():
    """Nothing of a message goes unseen, not even what nobody can read yet."""
    inner = {"type": "light_show", "lamps": 3}
    blocks = [{"type": "stage", "blocks": [inner]}, {"type": "frame", "photo": [PHOTO]}, {}]
    told, shown = contents(message({"rich_message": {"blocks": blocks}}), media_url)
    assert told.text == "[light show: not known to this version of the bridge]"
    assert shown.type == "picture"


def test_what_is_not_as_it_should_be_does_no_harm():
    """Text that is none, rows of nothing: a message comes out."""
    odd = {"type": "paragraph", "text": {"type": "bold", "text": 5}}
    (part,) = contents(message({"rich_message": {"blocks": [odd]}}), media_url)
    assert part.text == "[rich message]"


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (None, "[video a.mp4: too big for Telegram's bots]"),
        (999, "[video a.mp4, 999 bytes: too big for Telegram's bots]"),
        (1536, "[video a.mp4, 1.5 kB: too big for Telegram's bots]"),
        (25 << 20, "[video a.mp4, 25.0 MB: too big for Telegram's bots]"),
        (3 << 29, "[video a.mp4, 1.5 GB: too big for Telegram's bots]"),
    ],
)
def test_a_file_that_cannot_cross_is_named_with_its_size(size, shown):
    """The manager knows what to ask the client for."""
    content = Content(type="video", media="https://x", file_name="a.mp4", file_size=size)
    assert too_big(content).text == shown
    captioned = content.model_copy(update={"text": "look"})
    assert too_big(captioned).text == f"look\n{shown}"


def test_a_file_without_a_name_is_named_by_its_kind():
    """A notice has no gap where the name would be."""
    assert too_big(Content(type="voice")).text == "[voice: too big for Telegram's bots]"


def test_a_heading_stands_above_the_text_or_alone():
    """Media without a caption get the heading as their caption."""
    picture = Content(type="picture", media="https://x")
    assert with_heading(picture, "[Forwarded from Max]").text == "[Forwarded from Max]"
    assert with_heading(Content(type="text", text="Hi"), "[x]").text == "[x]\nHi"
    assert with_heading(picture, "") is picture


def test_every_type_of_media_has_a_sample():
    """All media types that Kommo knows are in use, but for stickers: these are pictures."""
    shown = {part["type"] for name in NAMES for part in sample(name, "kommo")}
    assert shown >= (MEDIA_TYPES - {"sticker"})
