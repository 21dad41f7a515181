"""Addresses of files, asked for as they are written: a signed link is good in one spelling only.

An HTTP library tidies an address up before it asks (`%26` in a path becomes `&`, `%40` in a query
`@`), and the server that signed it then refuses. Here whom to ask is parsed, because it has to be
checked; what to ask for stays as it is, byte for byte, also behind redirects.
References: RFC 3986, sections 3 and 5.2; RFC 9110, Location. Pure.
"""

import re
from dataclasses import dataclass
from urllib.parse import urljoin

from yarl import URL

_WHOLE = re.compile(r"(https?)://([^/?#\\]*)([^#]*)", re.IGNORECASE | re.DOTALL)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_FIRST, _LAST = "!", "~"
"""What a request line can hold; all else is written in percent, like spaces and letters."""


@dataclass(frozen=True)
class WebAddress:
    """An address of a file.

    Args:
        origin: whom to ask: scheme, host and port, and nothing else.
        target: what to ask for: path and query, as written.
    """

    origin: URL
    target: str

    @property
    def url(self) -> URL:
        """Return what aiohttp asks for without a change."""
        return URL.build(
            scheme=self.origin.scheme,
            authority=self.origin.raw_authority,
            path=self.target,
            encoded=True,
        )

    def join(self, location: str) -> "WebAddress":
        """Return where a redirect leads, which may be told from here.

        Raises:
            ValueError: it leads to no web address.
        """
        location = location.strip().partition("#")[0]
        if _SCHEME.match(location):
            return web_address(location)
        if location.startswith("//"):
            return web_address(f"{self.origin.scheme}:{location}")
        path = self.target.partition("?")[0]
        if not location:
            return self
        if location.startswith("?"):
            return WebAddress(self.origin, _target(path + location))
        absolute = location if location.startswith("/") else urljoin(path, location)
        return WebAddress(self.origin, _target(absolute))


def web_address(text: str) -> WebAddress:
    """Return an address that came from outside.

    Raises:
        ValueError: it is no plain web address.
    """
    found = _WHOLE.match(text.strip())
    if found is None:
        raise ValueError("not a valid URL")
    scheme, authority, target = found.groups()
    origin = URL(f"{scheme.lower()}://{authority}/")
    if origin.user is not None or origin.password is not None or not origin.host:
        raise ValueError("the address is not a plain web address")
    return WebAddress(origin, _target(target))


def _target(written: str) -> str:
    """Return path and query as a request line takes them.

    Raises:
        ValueError: they do not begin like either.
    """
    if written[:1] not in {"", "/", "?"}:
        raise ValueError("not a valid URL")
    whole = written if written.startswith("/") else f"/{written}"
    return "".join(char if _FIRST <= char <= _LAST else _quoted(char) for char in whole)


def _quoted(char: str) -> str:
    """Return a character in percent; bytes that are no UTF-8 stay the bytes that they are."""
    try:
        encoded = char.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        encoded = char.encode("utf-8", "replace")
    return "".join(f"%{byte:02X}" for byte in encoded)
