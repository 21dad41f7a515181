"""The neutral format: what is right, and what is said of what is wrong."""

import json
import re
from pathlib import Path

import pytest

from bot.translate.exports.lines import Line, LineError, read_line

RIGHT = {"chat_id": 555, "id": 1, "at": 1700000000, "side": "client", "text": "hello"}
LYING = {"files/plan.pdf": 2000, "a.webp": 5}


def without(key):
    """Return a line that lacks a key."""
    return {name: value for name, value in RIGHT.items() if name != key}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (1700000000, 1700000000),
        (1700000000.9, 1700000000),
        ("2023-11-14T22:13:20Z", 1700000000),
        ("2023-11-14T23:13:20+01:00", 1700000000),
    ],
)
def test_moments(at, expected):
    """Unix seconds, or ISO 8601 with a zone."""
    assert read_line(json.dumps({**RIGHT, "at": at})).at == expected


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param({**RIGHT, "txt": "x"}, "'txt' is no key of the format", id="unknown-key"),
        *(
            pytest.param(without(key), f"{key} is missing", id=f"no-{key}")
            for key in ("chat_id", "id", "at", "side")
        ),
        pytest.param(without("text"), "text or file is required", id="nothing-said"),
        pytest.param({**RIGHT, "text": "  "}, "text or file is required", id="blank"),
        pytest.param({**RIGHT, "chat_id": "555"}, "chat_id is not a whole number", id="chat-text"),
        pytest.param({**RIGHT, "chat_id": True}, "chat_id is not a whole number", id="chat-bool"),
        pytest.param({**RIGHT, "chat_id": -5}, "chat_id is too small", id="chat-negative"),
        pytest.param({**RIGHT, "chat_id": 2**60}, "chat_id is too large", id="chat-huge"),
        pytest.param({**RIGHT, "id": ""}, "id is neither a text nor a whole number", id="no-name"),
        pytest.param({**RIGHT, "id": 1.5}, "id is neither a text nor a whole number", id="float"),
        pytest.param({**RIGHT, "at": "2024-01-01T00:00:00"}, "at has no time zone", id="no-zone"),
        pytest.param({**RIGHT, "at": "soon"}, "at is neither Unix seconds", id="no-moment"),
        pytest.param({**RIGHT, "at": 1e15}, "at is too large", id="far-future"),
        pytest.param({**RIGHT, "side": "us"}, "side is not one of the possible values", id="side"),
        pytest.param(
            {**RIGHT, "kind": "pdf"}, "kind is not one of the possible values", id="kind"
        ),
        pytest.param({**RIGHT, "text": 5}, "text is not a text", id="text-number"),
    ],
)
def test_what_is_wrong_is_said(line, said):
    """A line that is not of the format is answered with its key."""
    with pytest.raises(LineError, match=re.escape(said)):
        read_line(json.dumps(line))


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "is not JSON"), ("[]", "is no JSON object"), ('{"id":1,"id":2}', "has a key twice")],
)
def test_what_is_no_line_is_said(text, said):
    """What is no object of JSON is said to be none."""
    with pytest.raises(LineError, match=said):
        read_line(text)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, ("text", {"type": "text", "text": "hello"}), id="text"),
        pytest.param(
            {"file": "files/plan.pdf"},
            (
                "file",
                {"type": "file", "text": "hello", "file_name": "plan.pdf", "file_size": 2000},
            ),
            id="file-with-caption",
        ),
        pytest.param(
            {"file": "files/plan.pdf", "file_name": "../x/pl:an.pdf", "kind": "voice"},
            (
                "voice",
                {
                    "type": "voice",
                    "text": "hello",
                    "file_name": "_x_pl_an.pdf",
                    "file_size": 2000,
                },
            ),
            id="named",
        ),
        pytest.param(
            {"file": "a.webp", "kind": "sticker"},
            ("sticker", {"type": "picture", "text": "hello", "file_name": "a.webp"}),
            id="sticker",
        ),
        pytest.param(
            {"file": "gone.jpg", "kind": "photo"},
            (
                "photo",
                {"type": "text", "text": "hello\n[photo gone.jpg: the file is not in the export]"},
            ),
            id="missing",
        ),
    ],
)
def test_what_a_line_tells(fields, expected):
    """A text, or a file with its caption."""
    found = read_line(json.dumps({**RIGHT, **fields})).told(LYING.get)
    assert (found.kind, found.content.model_dump(exclude_none=True)) == expected


def test_the_page_describes_the_format():
    """Its table and its schema have the keys that the program reads, and its example is right."""
    page = Path(__file__).parents[3] / "docs/guide/import-format.md"
    text = page.read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE) == list(Line.model_fields)
    example, schema = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    assert list(json.loads(schema)["properties"]) == list(Line.model_fields)
    assert [read_line(line).id for line in example.splitlines()] == ["a-1", "a-2", "a-3"]
