"""Stickers as PNG."""

import io

import pytest
from PIL import Image

from bot.media.stickers import PIXELS_LIMIT, png


def encoded(kind, size=(32, 16), mode="RGBA"):
    """Return a picture of some kind."""
    target = io.BytesIO()
    Image.new(mode, size, 128).save(target, kind)
    return target.getvalue()


@pytest.mark.parametrize(("kind", "mode"), [("WEBP", "RGBA"), ("JPEG", "RGB"), ("GIF", "P")])
def test_a_picture_becomes_a_png_of_the_same_size(kind, mode):
    """Every browser shows it."""
    converted = png(encoded(kind, mode=mode))
    assert converted is not None
    with Image.open(io.BytesIO(converted)) as picture:
        assert (picture.format, picture.size) == ("PNG", (32, 16))


def test_a_png_stays_what_it_is():
    """There is nothing to convert."""
    original = encoded("PNG")
    assert png(original) == original


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x1f\x8b no picture", id="no-picture"),
        pytest.param(encoded("WEBP")[:40], id="cut-off"),
        pytest.param(encoded("BMP", mode="RGB"), id="another-format"),
        pytest.param(
            encoded("PNG", (PIXELS_LIMIT // 1024 + 1, 1024), mode="1"),
            id="larger-than-any-sticker",
        ),
    ],
)
def test_what_is_no_sticker_is_not_converted(content):
    """Hostile files are refused before they cost memory."""
    assert png(content) is None
