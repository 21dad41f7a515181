"""Detect error pages with status 200 in place of a manager's file. Pure.

A proxy, a firewall or a storage that has trouble may answer so; a file that is written in a
markup language by nature is still a file.
Reference: Kommo, Receiving chat webhooks (type, file_name).
"""

import re
from pathlib import PurePosixPath

HEAD_BYTES = 1024
"""So much of a file is looked at."""

_WRITTEN = re.compile(
    r"\.(?:[xs]?html?|mht(?:ml)?|xml|xsl|xsd|svg|(?:geo)?json|txt|md|csv|log|eml|php|[jt]s|css|vue"
    r"|tpl|jsp|aspx?|kml|gpx|rss|fb2|plist|opml|har|ipynb|webmanifest|ya?ml|doc|xls|ppt|rtf)"
)
"""Endings of files that may begin like a page; old office files often are pages inside."""

_BINARY = re.compile(
    r"\.(?:pdf|docx|xlsx|pptx|od[tsp]|epub|zip|rar|7z|gz|apk|exe|dmg|psd|png|jpe?g|gif|webp|bmp"
    r"|tiff?|heic|mp[34]|mov|avi|mkv|webm|og[ga]|opus|m4a|wav|flac|aac|tgs)"
)
"""Endings of files that never do."""

_BEGINNINGS = (b"%PDF", b"RIFF", b"GIF8", b"OggS", b"PK", b"ID3", b"fLaC", b"BM", b"Rar!", b"8BPS")
"""How files begin whose first bytes are letters."""

_BLANK = b"\xef\xbb\xbf \t\r\n"
_COMMENTS = re.compile(rb"(?:<!--.*?-->\s*)+", re.DOTALL)
_PAGE = re.compile(
    rb"<(?:!doctype\s+html|html|head|body|title|meta|script|style|h\d|div|center|pre|p)[\s>/]",
    re.IGNORECASE,
)
_MARKUP = re.compile(rb"<[?!/a-z]", re.IGNORECASE)
_JSON = re.compile(rb'\{\s*["}]|\[\s*[\[{"]')
_FIRST_PRINTED = 0x20
_PAGE_TYPES = frozenset({"text/html", "application/xhtml+xml"})
_TEXT_TYPES = frozenset({*_PAGE_TYPES, "text/plain", "text/xml", "application/xml"})
_JSON_TYPES = frozenset({"application/json", "application/problem+json"})


def is_error_page(head: bytes, *, content_type: str, name: str, is_document: bool) -> bool:
    """Tell whether a body is a page or an error rather than the file that was promised.

    Args:
        head: how the body begins.
        content_type: what the answer says it is; storages often say nothing useful.
        name: the file's name.
        is_document: whether any file was promised, rather than something to see or hear.
    """
    ending = PurePosixPath(name).suffix.lower()
    text = _COMMENTS.sub(b"", head.lstrip(_BLANK), count=1)
    is_written = bool(_MARKUP.match(text) or _JSON.match(text))
    if is_document and not _BINARY.fullmatch(ending):
        is_page = content_type in _PAGE_TYPES and bool(_PAGE.match(text))
        return is_page and not _WRITTEN.fullmatch(ending)
    if ending == ".svg" and b"<svg" in head:
        return False
    says_text = content_type in (_TEXT_TYPES | _JSON_TYPES)
    return is_written or (says_text and _is_text(head))


def _is_text(head: bytes) -> bool:
    """Tell whether these are words rather than a picture, a film or a sound."""
    is_printed = not any(byte < _FIRST_PRINTED and byte not in b"\t\r\n\f\v" for byte in head)
    return is_printed and not head.startswith(_BEGINNINGS)
