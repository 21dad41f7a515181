"""Names and types of files, however they were meant."""

import pytest

from bot.translate.files import NAME_LIMIT, safe_name, safe_type


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        pytest.param("план №1.pdf", "план №1.pdf", id="any-language"),
        pytest.param("../../etc/passwd", "_.._etc_passwd", id="another-folder"),
        pytest.param("C:\\windows\\x.exe", "C__windows_x.exe", id="windows"),
        pytest.param('a"\r\nX-Evil: 1.txt', "a___X-Evil_ 1.txt", id="header"),
        pytest.param("gpj.\u202eexe.txt", "gpj._exe.txt", id="turned-around"),
        pytest.param("half \ud83d.txt", "half _.txt", id="half-a-character"),
        pytest.param(" .hidden. ", "hidden", id="dots-and-spaces"),
        pytest.param("", "file", id="empty"),
        pytest.param("///", "file", id="nothing-left"),
        pytest.param("a" * 300 + ".tar.gz", "a" * (NAME_LIMIT - 3) + ".gz", id="long"),
        pytest.param("b" * 300, "b" * NAME_LIMIT, id="long-without-ending"),
    ],
)
def test_a_hostile_file_name_does_no_harm(name, safe):
    """A name keeps its words and its ending, and loses what is not for names."""
    assert safe_name(name, "file") == safe
    assert len(safe) <= NAME_LIMIT


@pytest.mark.parametrize(
    ("mime_type", "safe"),
    [
        ("image/JPEG", "image/jpeg"),
        ("text/html; charset=utf-8", "text/html"),
        ("application/vnd.api+json", "application/vnd.api+json"),
        ("text/html\r\nX-Evil: 1", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("", "application/octet-stream"),
    ],
)
def test_a_type_is_a_type_or_plain_octets(mime_type, safe):
    """What is no MIME type reaches no header."""
    assert safe_type(mime_type) == safe
