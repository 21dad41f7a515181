"""Fetches what managers sent: from the internet and from Kommo, never from a private network.

An address comes from a webhook, and a name may mean any machine, so what a name resolves to is
checked at the moment of connecting, and every redirect is checked like the first address.
Reference: Kommo, Receiving chat webhooks (media).
"""

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from bot.deliver.telegram.urls import web_address
from bot.http.connector import Connector
from bot.http.routes import DIRECT, Routes
from bot.http.tunnels import ProxyError
from bot.settings.account_hosts import end_of
from bot.translate.outgoing import refusals
from bot.translate.outgoing.error_pages import HEAD_BYTES, is_error_page
from bot.translate.outgoing.files import UPLOAD_LIMIT_BYTES
from bot.translate.outgoing.refusals import Verdict

CHUNK_BYTES = 64 * 1024
MAX_REDIRECTS = 10
REDIRECTS = frozenset({301, 302, 303, 307, 308})
COMES_LATER = frozenset({408, 425, 429})
"""Answers of 4xx that say nothing about the file itself."""

TIMEOUT = aiohttp.ClientTimeout(total=300, connect=20, sock_connect=10, sock_read=30)
AS_IT_IS = {"Accept-Encoding": "identity"}

NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

HostAndPort = tuple[str, int]
"""A host and a port."""


NOT_OPEN = tuple(
    ipaddress.ip_network(text)
    for text in ("64:ff9b:1::/48", "fec0::/10", "::/96", "192.88.99.0/24")
)
"""Local translation, old site-local and IPv4-compatible addresses, and the 6to4 relay: some
of them count as global in the standard library; none is where a file of Kommo would be."""


class FetchError(Exception):
    """A file that could not be had; the verdict says whether to try again, and what to tell."""

    def __init__(self, verdict: Verdict, reason: str) -> None:
        super().__init__(reason)
        self.verdict = verdict


class PrivateAddressError(OSError):
    """A name means a machine that nothing may be fetched from."""


def is_public(address: str) -> bool:
    """Tell whether an IP address is one of the open internet."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address) and (inner := _inner(ip)) is not None:
        return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not any(ip in net for net in NOT_OPEN)


def _inner(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address stands for, if it does."""
    if ip in NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


class GuardedResolver(AbstractResolver):
    """Resolves names to public addresses only; one place is trusted whatever its address.

    Args:
        inner: what asks the name servers.
        trusted: host and port of the Chats API.
    """

    def __init__(self, inner: AbstractResolver, trusted: HostAndPort) -> None:
        self._inner = inner
        self._trusted = trusted

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        """Return the addresses that may be connected to."""
        found = await self._inner.resolve(host, port, family)  # type: ignore[arg-type]
        if (host, port) == self._trusted:
            return found
        return self._public(found)

    async def handed_over(self, host: str, port: int) -> Sequence[str]:
        """Return what a proxy may be told: addresses that were checked here, never a foreign name.

        Kommo's own names are the exception, where this machine's name servers know none of the
        internet: nobody else decides what they mean.
        """
        if (host, port) == self._trusted:
            return [host]
        try:
            found = await self._inner.resolve(host, port)
        except OSError:
            if end_of(host):
                return [host]
            raise
        return [result["host"] for result in self._public(found)]

    @staticmethod
    def _public(found: Sequence[ResolveResult]) -> list[ResolveResult]:
        public = [result for result in found if is_public(result["host"])]
        if not public:
            raise PrivateAddressError("the host name has no public IP address")
        return public

    async def close(self) -> None:
        """Close what asks the name servers."""
        await self._inner.close()


def guarded_session(trusted: HostAndPort, routes: Routes = DIRECT) -> aiohttp.ClientSession:
    """Return a session that reaches public addresses and one trusted place."""
    resolver = GuardedResolver(aiohttp.ThreadedResolver(), trusted)
    return aiohttp.ClientSession(
        connector=Connector(routes, resolver=resolver, handed_over=resolver.handed_over),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=TIMEOUT,
    )


def host_and_port(address: str) -> HostAndPort:
    """Return host and port of an address."""
    url = URL(address)
    return url.host or "", url.port or 0


@dataclass(frozen=True)
class Promised:
    """A file as a webhook promises it.

    Args:
        name: the file's name, as far as it is known.
        is_document: whether it may be any file, rather than something to see or hear.
    """

    name: str = ""
    is_document: bool = True

    def is_belied(self, head: bytes, content_type: str) -> bool:
        """Tell whether what came is not it, but a page in its place."""
        return is_error_page(
            head, content_type=content_type, name=self.name, is_document=self.is_document
        )


ANY_FILE = Promised()


class Fetcher:
    """Fetches files into files.

    Args:
        session: one that `guarded_session` made.
        trusted: host and port of the Chats API.
        limit_bytes: no larger file is fetched.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        trusted: HostAndPort,
        *,
        limit_bytes: int = UPLOAD_LIMIT_BYTES,
    ) -> None:
        self._session = session
        self._trusted = trusted
        self._limit_bytes = limit_bytes

    async def fetch(self, address: str, target: BinaryIO, promised: Promised = ANY_FILE) -> int:
        """Write a file's bytes; return how many there are.

        Raises:
            FetchError: it cannot be had, now or ever; the address is in no message.
        """
        try:
            return await self._follow(address, target, promised)
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, PrivateAddressError):
                raise FetchError(refusals.FILE_FORBIDDEN, str(error.os_error)) from error
            raise _unreachable(error) from error
        except ValueError as error:  # names that are none are noticed as late as that
            raise FetchError(refusals.FILE_FORBIDDEN, "not a valid URL") from error
        except (aiohttp.ClientError, OSError) as error:  # among them a disk that is full
            raise _unreachable(error) from error

    async def _follow(self, written: str, target: BinaryIO, promised: Promised) -> int:
        address = web_address(written)
        for _redirect in range(MAX_REDIRECTS + 1):
            self._check(address.origin)
            async with self._session.get(
                address.url, allow_redirects=False, headers=AS_IT_IS
            ) as answer:
                location = answer.headers.get("Location")
                if answer.status not in REDIRECTS or location is None:
                    return await self._save(answer, target, promised)
                address = address.join(location)
        raise FetchError(refusals.FILE_GONE, "too many redirects")

    def _check(self, origin: URL) -> None:
        """Refuse what must not be connected to; names are checked as they are resolved."""
        host = origin.host or ""
        is_literal = ":" in host or host.replace(".", "").isdigit()
        if is_literal and (host, origin.port) != self._trusted and not is_public(host):
            raise FetchError(refusals.FILE_FORBIDDEN, "the address is not public")

    async def _save(
        self, answer: aiohttp.ClientResponse, target: BinaryIO, promised: Promised
    ) -> int:
        if answer.status >= 500 or answer.status in COMES_LATER:  # noqa: PLR2004
            raise FetchError(refusals.FILE_UNREACHABLE, f"the file's server said {answer.status}")
        if answer.status != 200:  # noqa: PLR2004
            raise FetchError(refusals.FILE_GONE, f"the file's server said {answer.status}")
        if (answer.content_length or 0) > self._limit_bytes:
            raise FetchError(refusals.FILE_TOO_BIG, f"the file has {answer.content_length} bytes")
        size, head = 0, b""
        async for chunk in answer.content.iter_chunked(CHUNK_BYTES):
            size += len(chunk)
            head += chunk[: HEAD_BYTES - len(head)]
            if size > self._limit_bytes:
                raise FetchError(refusals.FILE_TOO_BIG, f"the file has more than {size} bytes")
            await asyncio.to_thread(target.write, chunk)
        if size == 0:
            raise FetchError(refusals.FILE_EMPTY, "the file is empty")
        if promised.is_belied(head, answer.content_type):
            reason = f"the file's server answered with a page ({answer.content_type})"
            raise FetchError(refusals.FILE_UNREACHABLE, reason)
        await asyncio.to_thread(target.flush)
        return size


def _unreachable(error: Exception) -> FetchError:
    cause = error.__cause__
    reason = str(cause) if isinstance(cause, ProxyError) else type(error).__name__
    return FetchError(refusals.FILE_UNREACHABLE, f"the file could not be fetched ({reason})")
