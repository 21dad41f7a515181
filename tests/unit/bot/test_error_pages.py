"""A page with a 200 is not the file that was promised; a file that is a page is one."""

import pytest

from bot.translate.outgoing.error_pages import is_error_page

PAGE = b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head></html>"
JSON = b'{"status":0,"error_code":500}'
XML = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'
WORDS = b"Service temporarily unavailable\n"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'
PNG, JPEG, MP4 = b"\x89PNG\r\n\x1a\n\0\0", b"\xff\xd8\xff\xe0\0\x10JFIF\0", b"\0\0\0\x18ftypmp42"
OGG, PDF, ZIP = b"OggS\0\x02", b"%PDF-1.7\n%\xe2\xe3", b"PK\x03\x04"
HTML_TYPE, ANY_TYPE = "text/html", "application/octet-stream"


@pytest.mark.parametrize(
    "body", [PAGE, b"\xef\xbb\xbf  \n" + PAGE, b"<!-- x -->" + PAGE, JSON, XML]
)
@pytest.mark.parametrize("content_type", [HTML_TYPE, ANY_TYPE, "image/jpeg", "application/json"])
@pytest.mark.parametrize("name", ["photo.jpg", "film.mp4", "voice.ogg", "sticker.webp", "noname"])
def test_what_is_written_is_nothing_to_see_or_hear(name, content_type, body):
    """Whatever the answer says it is."""
    assert is_error_page(body, content_type=content_type, name=name, is_document=False)


@pytest.mark.parametrize("content_type", [HTML_TYPE, "text/plain", "application/json"])
def test_words_are_nothing_to_see_or_hear(content_type):
    """An error in plain words is found out by its type."""
    assert is_error_page(WORDS, content_type=content_type, name="photo.jpg", is_document=False)


@pytest.mark.parametrize("body", [PNG, JPEG, MP4, OGG, b"x", b"RIFF"])
@pytest.mark.parametrize("content_type", [ANY_TYPE, "binary/octet-stream", "image/png", ""])
def test_what_is_not_written_is_believed(content_type, body):
    """Storages seldom know what they keep; Telegram looks at it anyway."""
    assert not is_error_page(body, content_type=content_type, name="photo.jpg", is_document=False)


@pytest.mark.parametrize("body", [PNG, JPEG, MP4, OGG])
def test_a_wrong_type_makes_no_page(body):
    """A picture stays one under the type of a page."""
    assert not is_error_page(body, content_type=HTML_TYPE, name="photo.jpg", is_document=False)


@pytest.mark.parametrize(
    ("body", "content_type", "name", "expected"),
    [
        pytest.param(PAGE, HTML_TYPE, "offer.pdf", True, id="page-for-pdf"),
        pytest.param(PAGE, ANY_TYPE, "offer.pdf", True, id="page-for-pdf-any-type"),
        pytest.param(JSON, "application/json", "offer.docx", True, id="json-for-docx"),
        pytest.param(XML, "application/xml", "offer.zip", True, id="xml-for-zip"),
        pytest.param(WORDS, "text/plain", "offer.pdf", True, id="words-for-pdf"),
        pytest.param(PAGE, HTML_TYPE, "offer", True, id="page-for-no-ending"),
        pytest.param(PAGE, HTML_TYPE, "drawing.dwg", True, id="page-for-unknown-ending"),
        pytest.param(PAGE, HTML_TYPE, "letter.html", False, id="html"),
        pytest.param(PAGE, HTML_TYPE, "LETTER.HTM", False, id="htm"),
        pytest.param(PAGE, HTML_TYPE, "report.xls", False, id="page-in-an-old-sheet"),
        pytest.param(PAGE, ANY_TYPE, "mystery", False, id="page-of-no-type"),
        pytest.param(JSON, "application/json", "data.json", False, id="json"),
        pytest.param(JSON, "application/json", "data", False, id="json-without-ending"),
        pytest.param(XML, "text/xml", "export.xml", False, id="xml"),
        pytest.param(WORDS, "text/plain", "notes.txt", False, id="text"),
        pytest.param(WORDS, HTML_TYPE, "notes", False, id="words"),
        pytest.param(SVG, "image/svg+xml", "logo.svg", False, id="svg"),
        pytest.param(PDF, HTML_TYPE, "offer.pdf", False, id="pdf-of-a-wrong-type"),
        pytest.param(ZIP, "text/plain", "offer.zip", False, id="zip-of-a-wrong-type"),
        pytest.param(PDF, "", "offer.pdf", False, id="pdf-of-no-type"),
    ],
)
def test_a_document_may_be_anything_but_an_error(body, content_type, name, expected):
    """What a file is by nature decides whether it may begin like a page."""
    found = is_error_page(body, content_type=content_type, name=name, is_document=True)
    assert found is expected


def test_a_drawing_is_a_picture():
    """SVG is written in a markup language, and still something to see."""
    assert not is_error_page(SVG, content_type="image/svg+xml", name="logo.svg", is_document=False)
