"""The widget's logos: a bridge between two speech bubbles, drawn at the size that is asked for.

Reference: Kommo, Widget structure.
"""

from collections.abc import Mapping
from io import BytesIO

from PIL import Image, ImageDraw

Size = tuple[int, int]

LOGOS: Mapping[str, Size] = {
    "logo_main": (400, 272),
    "logo_medium": (240, 84),
    "logo_small": (108, 108),
    "logo_min": (84, 84),
    "logo": (130, 100),
}
"""File names and pixel sizes."""

_FINER = 4
"""Drawn larger and made smaller, so that edges are smooth."""

_SKY, _WHITE, _DEEP = (43, 124, 191), (255, 255, 255), (18, 62, 110)


def logo(size: Size) -> bytes:
    """Return a logo as PNG."""
    width, height = size[0] * _FINER, size[1] * _FINER
    image = Image.new("RGB", (width, height), _SKY)
    _draw(ImageDraw.Draw(image), width, height)
    out = BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()


def _draw(draw: ImageDraw.ImageDraw, width: int, height: int) -> None:
    """Draw into the largest square in the middle; its sides are 100 units."""
    unit = min(width, height) / 100
    left, top = (width - 100 * unit) / 2, (height - 100 * unit) / 2

    def box(*values: float) -> tuple[float, ...]:
        corner = (left, top)
        return tuple(corner[n % 2] + value * unit for n, value in enumerate(values))

    _bubble(draw, box(8, 18, 54, 52), box(18, 48, 18, 64, 34, 48), _WHITE, unit)
    _bubble(draw, box(46, 40, 92, 74), box(82, 70, 82, 86, 66, 70), _DEEP, unit)
    for x in (20, 31, 42):
        draw.ellipse(box(x - 3, 32, x + 3, 38), fill=_SKY)
    for x in (58, 69, 80):
        draw.ellipse(box(x - 3, 54, x + 3, 60), fill=_WHITE)


def _bubble(
    draw: ImageDraw.ImageDraw,
    body: tuple[float, ...],
    tail: tuple[float, ...],
    colour: tuple[int, int, int],
    unit: float,
) -> None:
    draw.rounded_rectangle(body, radius=9 * unit, fill=colour)
    draw.polygon(tail, fill=colour)
