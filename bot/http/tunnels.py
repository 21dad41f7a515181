"""Opens tunnels through proxies: CONNECT of HTTP, and SOCKS5.

Reference: RFC 9110, 9.3.6 (CONNECT); RFC 7617 (Basic); RFC 1928 (SOCKS5); RFC 1929 (its login).
"""

import asyncio
import base64
import errno
import ipaddress
import os
import socket
from collections.abc import Callable, Mapping

import aiohttp

from bot.http.routes import Proxy

HEAD_BYTES = 16 * 1024
"""A proxy's answer to CONNECT is not longer."""

UNAUTHORIZED = frozenset({401, 407})
"""tinyproxy answers 401 to a wrong password."""

GATEWAY_ERRORS = frozenset({502, 503, 504})
CONNECTED = range(200, 300)

VERSION, LOGIN_VERSION, BY_CONNECT = 5, 1, 1
NO_LOGIN, WITH_LOGIN, NO_METHOD = 0, 2, 0xFF
IPV4, NAME, IPV6 = 1, 3, 4
ADDRESS_BYTES = {IPV4: 4, IPV6: 16}
BY_RULE = 2
UNREACHABLE: Mapping[int, str] = {
    1: "general failure",
    3: "network unreachable",
    4: "host unreachable",
    5: "connection refused",
    6: "TTL expired",
}
"""SOCKS5's replies that are about the server behind the proxy."""

REMEDY_DOWN = "start the proxy, or correct network.proxy (or HTTPS_PROXY)"
REMEDY_LOGIN = "correct the name and password in network.proxy (or HTTPS_PROXY)"
REMEDY_RULES = "let the proxy's rules allow this server, or name it in NO_PROXY"
REMEDY_BEHIND = "see the proxy's log; name a server that needs no proxy in NO_PROXY"
REMEDY_KIND = (
    "correct network.proxy (or HTTPS_PROXY): its http:// or socks5://, its host, its port"
)

SocketFactory = Callable[[aiohttp.AddrInfoType], socket.socket]


class ProxyError(OSError):
    """A proxy opens no tunnel, so nothing was sent to the server behind it.

    Args:
        proxy: which one.
        what: why.
        remedy: what a person can do about it.
    """

    def __init__(self, proxy: Proxy, what: str, remedy: str) -> None:
        super().__init__(errno.ECONNABORTED, f"the proxy {proxy} {what}")
        self.remedy = remedy

    def __str__(self) -> str:
        return str(self.strerror)


class _NonsenseError(Exception):
    """An answer that is not in the protocol."""


def plain_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """Return a socket as the system makes it."""
    family, kind, protocol, _name, _address = address
    return socket.socket(family, kind, protocol)


async def open_tunnel(
    proxy: Proxy,
    host: str,
    port: int,
    *,
    within_s: float,
    new_socket: SocketFactory = plain_socket,
) -> socket.socket:
    """Return a socket that is connected to a host by way of a proxy.

    Raises:
        ProxyError: there is none.
    """
    try:
        async with asyncio.timeout(within_s):
            made = await _connect(proxy, new_socket)
            try:
                await _ask(_Line(made), proxy, host, port)
            except BaseException:
                made.close()
                raise
            return made
    except TimeoutError:
        what = f"did not answer within {within_s:g} s"
        raise ProxyError(proxy, what, REMEDY_DOWN) from None


async def _connect(proxy: Proxy, new_socket: SocketFactory) -> socket.socket:
    """Return a socket that is connected to the proxy itself."""
    loop = asyncio.get_running_loop()
    failure: OSError | None = None
    try:
        found = await loop.getaddrinfo(proxy.host, proxy.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        what = "cannot be reached (its name is not known)"
        raise ProxyError(proxy, what, REMEDY_DOWN) from error
    for address in found:
        made = new_socket(address)
        try:
            made.setblocking(False)
            await loop.sock_connect(made, address[4])
        except OSError as error:
            made.close()
            failure = error
        except BaseException:
            made.close()
            raise
        else:
            return made
    why = os.strerror(failure.errno or 0) if failure else "it has no address"
    what = f"cannot be reached ({why})"
    raise ProxyError(proxy, what, REMEDY_DOWN) from failure


class _Line:
    """Bytes to a proxy and back."""

    def __init__(self, made: socket.socket) -> None:
        self._socket = made
        self._loop = asyncio.get_running_loop()

    async def write(self, data: bytes) -> None:
        await self._loop.sock_sendall(self._socket, data)

    async def some(self, most: int) -> bytes:
        data = await self._loop.sock_recv(self._socket, most)
        if not data:
            raise _NonsenseError
        return data

    async def exactly(self, count: int) -> bytes:
        data = b""
        while len(data) < count:
            data += await self.some(count - len(data))
        return data


async def _ask(line: _Line, proxy: Proxy, host: str, port: int) -> None:
    """Have the proxy connect to a host."""
    ask = _connect_by_http if proxy.kind == "http" else _connect_by_socks
    try:
        await ask(line, proxy, host, port)
    except _NonsenseError:
        what = f"does not answer as {'an HTTP' if proxy.kind == 'http' else 'a SOCKS5'} proxy does"
        raise ProxyError(proxy, what, REMEDY_KIND) from None
    except ProxyError:
        raise
    except OSError as error:
        raise ProxyError(proxy, f"broke off ({error.strerror})", REMEDY_KIND) from error


def _place(host: str, port: int) -> str:
    """Return where a tunnel leads; an IPv6 address stands in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


async def _connect_by_http(line: _Line, proxy: Proxy, host: str, port: int) -> None:
    place = _place(host, port)
    head = [f"CONNECT {place} HTTP/1.1", f"Host: {place}"]
    if proxy.user is not None:
        login = base64.b64encode(f"{proxy.user}:{proxy.password}".encode()).decode()
        head.append(f"Proxy-Authorization: Basic {login}")
    await line.write("\r\n".join([*head, "", ""]).encode())
    status = _status(await _head(line))
    if status in CONNECTED:
        return
    if status in UNAUTHORIZED:
        raise _login_refused(proxy, f" ({status})")
    if status in GATEWAY_ERRORS:
        raise ProxyError(proxy, f"does not reach {place} ({status})", REMEDY_BEHIND)
    raise ProxyError(proxy, f"refuses to connect to {place} ({status})", REMEDY_RULES)


async def _head(line: _Line) -> bytes:
    """Return the head of an answer; nothing of the server can be behind it yet."""
    head = b""
    while b"\r\n\r\n" not in head:
        if len(head) > HEAD_BYTES or not b"HTTP/".startswith(head[:5]):
            raise _NonsenseError
        head += await line.some(HEAD_BYTES)
    return head


def _status(head: bytes) -> int:
    words = head.partition(b"\r\n")[0].split()
    is_answer = len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit()
    if not is_answer:
        raise _NonsenseError
    status = int(words[1][:4])
    if status in CONNECTED and not head.endswith(b"\r\n\r\n"):
        raise _NonsenseError  # a body is no tunnel
    return status


async def _connect_by_socks(line: _Line, proxy: Proxy, host: str, port: int) -> None:
    await _log_in(line, proxy)
    request = bytes([VERSION, BY_CONNECT, 0]) + _destination(host)
    await line.write(request + port.to_bytes(2, "big"))
    version, reply, _reserved, kind = await line.exactly(4)
    if version != VERSION:
        raise _NonsenseError
    if reply in UNREACHABLE:
        what = f"does not reach {_place(host, port)} ({UNREACHABLE[reply]})"
        raise ProxyError(proxy, what, REMEDY_BEHIND)
    if reply:
        why = "its rules" if reply == BY_RULE else f"reply {reply}"
        what = f"refuses to connect to {_place(host, port)} ({why})"
        raise ProxyError(proxy, what, REMEDY_RULES)
    length = (await line.exactly(1))[0] if kind == NAME else ADDRESS_BYTES.get(kind)
    if length is None:
        raise _NonsenseError
    await line.exactly(length + 2)


async def _log_in(line: _Line, proxy: Proxy) -> None:
    methods = [NO_LOGIN] if proxy.user is None else [NO_LOGIN, WITH_LOGIN]
    await line.write(bytes([VERSION, len(methods), *methods]))
    version, method = await line.exactly(2)
    if version != VERSION or method not in (*methods, NO_METHOD):
        raise _NonsenseError
    if method == NO_METHOD:
        raise _login_refused(proxy)
    if method == NO_LOGIN:
        return
    user, password = (proxy.user or "").encode(), proxy.password.encode()
    await line.write(bytes([LOGIN_VERSION, len(user)]) + user + bytes([len(password)]) + password)
    _version, refused = await line.exactly(2)
    if refused:
        raise _login_refused(proxy)


def _login_refused(proxy: Proxy, status: str = "") -> ProxyError:
    what = "wants" if proxy.user is None else "does not accept the"
    name = "a name and a password" if proxy.user is None else "name and password"
    return ProxyError(proxy, f"{what} {name}{status}", REMEDY_LOGIN)


def _destination(host: str) -> bytes:
    """Return a host as SOCKS5 has it."""
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode()[:255]
        return bytes([NAME, len(name)]) + name
    return bytes([IPV4 if ip.version == 4 else IPV6]) + ip.packed  # noqa: PLR2004
