"""Telegram Desktop's JSON is mended as it is read."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.imports.repair import Repaired


class Dripping(io.BytesIO):
    """A file that gives one byte at a time, so that every escape is cut."""

    def read(self, _size=-1):
        return super().read(1)


def mended(data, kind=io.BytesIO):
    """Return what is read of a file."""
    file, parts = Repaired(kind(data)), []
    while part := file.read(10):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("kind", [io.BytesIO, Dripping])
@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (rb'"a\x01b"', rb'"a\u0001b"'),
        (rb'"a\\x01b"', rb'"a\\x01b"'),
        (rb'"a\\\x1Fb"', rb'"a\\\u001Fb"'),
        (rb'"\n\x0B"', rb'"\n\u000B"'),
        (rb'"\\\\"', rb'"\\\\"'),
        (b'\xef\xbb\xbf"a"', b'"a"'),
        (b'"\xff"', '"\ufffd"'.encode()),
        (b'"\xc3\xa9\\x07"', '"\u00e9\\u0007"'.encode()),
        (b'"\\', b'"\\'),
    ],
)
def test_escapes(kind, written, expected):
    """Only what is no JSON becomes JSON, wherever the file is cut."""
    assert mended(written, kind) == expected


@given(st.text())
def test_what_is_json_stays_as_it_is(text):
    """A text that is written as JSON is read as it was."""
    data = json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")
    assert mended(data, Dripping) == data
