"""One request and its answer, within a time and a size: whatever a server sends, it ends.

What an answer does wrong is told in httpx's exceptions, like every other failure of the network.
"""

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import httpx

from kommo.errors import NoAnswerError

_GZIP, _ZLIB, _BARE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
_FORMATS = {"gzip": (_GZIP,), "x-gzip": (_GZIP,), "deflate": (_ZLIB, _BARE)}
"""How each content coding may be packed; some servers leave deflate's frame out (RFC 9110)."""

_OF_THE_PACKED = ("content-encoding", "content-length", "transfer-encoding")


@dataclass(frozen=True)
class Limits:
    """What an answer may cost.

    Args:
        total_s: from the first byte of the request to the last of the answer.
        most_bytes: of the answer, as it comes and unpacked.
    """

    total_s: float = 60.0
    most_bytes: int = 8 << 20


LIMITS = Limits()
"""A page of history takes some hundred kilobytes at most; an answer comes within seconds."""

NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)


@dataclass(frozen=True)
class Reply:
    """An answer, read to its end and unpacked.

    Args:
        headers: found by name in whatever case.
    """

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def is_success(self) -> bool:
        """Tell whether the status says so."""
        return self.status_code in range(200, 300)


class Wire(Protocol):
    """What carries signed calls to Kommo, whose address it knows."""

    async def send(
        self, method: str, target: str, *, body: bytes, headers: Mapping[str, str], limits: Limits
    ) -> Reply:
        """Make a call and return its answer.

        Args:
            method: of HTTP.
            target: path and query.
            body: the very bytes.
            headers: the call's own.
            limits: what the answer may cost.

        Raises:
            NoAnswerError: there is none, or none within the limits.
        """
        ...


class OverHttpx:
    """A wire over httpx's client."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def send(
        self, method: str, target: str, *, body: bytes, headers: Mapping[str, str], limits: Limits
    ) -> Reply:
        """Make a call and return its answer.

        Raises:
            NoAnswerError: there is none, or none within the limits.
        """
        try:
            request = self._http.build_request(method, target, content=body, headers=headers)
            response = await exchange(self._http, request, limits=limits)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = f"{type(error).__name__} {error}".strip()
            raise NoAnswerError(reason, was_sent=not isinstance(error, NEVER_SENT)) from error
        return Reply(response.status_code, response.headers, response.content)


async def exchange(
    http: httpx.AsyncClient, request: httpx.Request, *, limits: Limits = LIMITS
) -> httpx.Response:
    """Make a request; return its answer, read to its end and unpacked.

    Raises:
        httpx.HTTPError: there is no answer, or none within the limits.
    """
    try:
        async with asyncio.timeout(limits.total_s):
            response = await http.send(request, stream=True, follow_redirects=False)
            try:
                packed = await _read(response, limits.most_bytes)
            finally:
                await response.aclose()
    except TimeoutError as error:
        reason = f"the answer was not complete within {limits.total_s:g} s"
        raise httpx.ReadTimeout(reason, request=request) from error
    headers = [(k, v) for k, v in response.headers.multi_items() if k not in _OF_THE_PACKED]
    coding = response.headers.get("Content-Encoding", "")
    content = unpacked(coding, packed, limits.most_bytes)
    return httpx.Response(response.status_code, headers=headers, content=content, request=request)


async def _read(response: httpx.Response, most_bytes: int) -> bytes:
    content = bytearray()
    async for chunk in response.aiter_raw():
        content += chunk
        if len(content) > most_bytes:
            raise _too_big(most_bytes)
    return bytes(content)


def unpacked(codings: str, content: bytes, most_bytes: int) -> bytes:
    """Return an answer's body without its content codings; unknown ones are left as they are.

    Raises:
        httpx.HTTPError: it is not packed as it says, or too big.
    """
    for coding in reversed(codings.lower().split(",") if codings else ()):
        formats = _FORMATS.get(coding.strip())
        if formats is not None and content:
            content = _inflated(content, formats, most_bytes)
    return content


def _inflated(content: bytes, formats: tuple[int, ...], most_bytes: int) -> bytes:
    for window in formats:
        unpacker = zlib.decompressobj(window)
        try:
            plain = unpacker.decompress(content, most_bytes + 1)
        except zlib.error:
            continue
        if len(plain) > most_bytes:
            raise _too_big(most_bytes)
        if unpacker.eof:
            return plain
    raise httpx.DecodingError("the answer's Content-Encoding is not what it says")


def _too_big(most_bytes: int) -> httpx.ReadError:
    return httpx.ReadError(f"the answer is bigger than {most_bytes} bytes")
