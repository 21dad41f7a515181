"""Stickers as pictures that every browser shows: WebP → PNG (pure)."""

import io

from PIL import Image

PIXELS_LIMIT = 2048 * 2048
"""A sticker has 512 by 512; more than this is no sticker."""


def png(content: bytes) -> bytes | None:
    """Return a picture as PNG; None when it is none that can be read."""
    try:
        with Image.open(io.BytesIO(content), formats=("WEBP", "PNG", "JPEG", "GIF")) as picture:
            if picture.width * picture.height > PIXELS_LIMIT:
                return None
            if picture.format == "PNG":
                return content
            target = io.BytesIO()
            picture.convert("RGBA").save(target, "PNG")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return target.getvalue()
