"""The route to an address: direct, or through a proxy (pure)."""

import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import SplitResult, unquote, urlsplit

Kind = Literal["http", "socks5"]

KINDS: Mapping[str, Kind] = {"http": "http", "socks5": "socks5", "socks5h": "socks5"}
"""Both kinds of SOCKS5 leave the name to the proxy: where Telegram is blocked, its name is too."""

PORTS: Mapping[Kind, int] = {"http": 80, "socks5": 1080}
WEB_PORTS = {"http": 80, "https": 443}
NONE = "none"
"""The setting that wants no proxy, whatever the environment says."""

LONGEST_LOGIN = 255
"""Reference: RFC 1929, Username/Password Authentication for SOCKS V5."""

_EVERYTHING = "*"


@dataclass(frozen=True)
class Proxy:
    """A proxy; as a text it has no password."""

    kind: Kind
    host: str
    port: int
    user: str | None = None
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}://{host}:{self.port}"


@dataclass(frozen=True)
class Routes:
    """The way to each address.

    Args:
        proxies: by the scheme of an address.
        exceptions: what is reached directly, as `NO_PROXY` has it.
    """

    proxies: Mapping[str, Proxy]
    exceptions: Sequence[str] = ()

    def proxy_for(self, url: str) -> Proxy | None:
        """Return the proxy that leads to an address; None where the way is direct."""
        parts = urlsplit(url)
        proxy, host = self.proxies.get(parts.scheme), (parts.hostname or "").rstrip(".")
        if proxy is None or (is_loopback(host) and not is_loopback(proxy.host)):
            return None
        port = parts.port or WEB_PORTS.get(parts.scheme, 0)
        return None if any(_covers(one, host, port) for one in self.exceptions) else proxy

    def secrets(self) -> Iterator[str]:
        """Return the proxies' passwords, for the redaction of logs."""
        yield from {proxy.password for proxy in self.proxies.values() if proxy.password}


DIRECT = Routes({})
"""No proxy at all."""


def proxy_from(text: str) -> Proxy:
    """Return the proxy of an address such as socks5://user:password@host:1080.

    Raises:
        ValueError: it is none, in words that do not repeat it.
    """
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not the address of a proxy") from None
    kind = KINDS.get(parts.scheme)
    if kind is None:
        raise ValueError("is a proxy of a kind that the bridge does not know")
    is_more = parts.path not in ("", "/") or parts.query or parts.fragment
    if not host or port == 0 or is_more or not re.fullmatch(r"[!-~]+", text):
        raise ValueError("is not the address of a proxy")
    return Proxy(kind, host, port or PORTS[kind], *_login(parts))


def _login(parts: SplitResult) -> tuple[str | None, str]:
    if parts.username is None:
        return None, ""
    user, password = unquote(parts.username), unquote(parts.password or "")
    if not user or ":" in user:
        raise ValueError("holds a name for the proxy that cannot be one")
    if max(len(user.encode()), len(password.encode())) > LONGEST_LOGIN:
        raise ValueError("holds a name or password that is too long for a proxy")
    return user, password


def variable_of(scheme: str, environ: Mapping[str, str]) -> str | None:
    """Return the variable that names the proxy for a scheme: the small name before the large."""
    names = [f"{scheme}_proxy", f"{scheme}_proxy".upper()]
    given = next((name for name in names if name in environ), None)
    names = ["all_proxy", "ALL_PROXY"] if given is None else [given]
    return next((name for name in names if environ.get(name)), None)


def exceptions_in(environ: Mapping[str, str]) -> list[str]:
    """Return what `NO_PROXY` excepts."""
    text = environ.get("no_proxy", environ.get("NO_PROXY", ""))
    return [one for one in re.split(r"[\s,]+", text) if one]


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, whatever a name server says."""
    ip = _ip(host)
    if ip is None:
        return host == "localhost" or host.endswith(".localhost")
    return ip.is_loopback or ip.is_unspecified


def _covers(exception: str, host: str, port: int) -> bool:
    """Tell whether an exception is about a host: its name, a domain, an address, a network."""
    if exception == _EVERYTHING:
        return True
    ip = _ip(host)
    if ip is not None and (network := _network(exception)) is not None:
        return ip in network
    name, only_port = _split(exception.lower())
    if only_port is not None and only_port != port:
        return False
    if ip is not None:
        return _ip(name) == ip
    domain = name.removeprefix("*").removeprefix(".").rstrip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _split(exception: str) -> tuple[str, int | None]:
    """Return host and port of an exception; an IPv6 address may stand in brackets."""
    found = re.fullmatch(r"\[(.+)\](?::(\d+))?|([^:]+):(\d+)", exception)
    if found is None:
        return exception, None
    port = found[2] or found[4]
    return found[1] or found[3], int(port) if port else None


def _ip(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
