"""The outgoing proxy: from the settings, or from the usual variables (pure)."""

from collections.abc import Mapping, Sequence

from bot.errors import ConfigError, Problem
from bot.http.routes import (
    DIRECT,
    NONE,
    WEB_PORTS,
    Proxy,
    Routes,
    exceptions_in,
    proxy_from,
    variable_of,
)

EXPECTED = "http://host:3128 or socks5://user:password@host:1080; or network.proxy in the settings"


def routes_from(
    environ: Mapping[str, str], proxy: str = "", no_proxy: Sequence[str] | None = None
) -> Routes:
    """Return the way to each address.

    Args:
        environ: the environment's variables: `HTTPS_PROXY` and its like count without a setting.
        proxy: the setting `network.proxy`.
        no_proxy: the setting `network.no_proxy`, instead of `NO_PROXY`.

    Raises:
        ConfigError: a variable names no proxy.
    """
    if proxy == NONE:
        return DIRECT
    exceptions = exceptions_in(environ) if no_proxy is None else no_proxy
    if proxy:
        return Routes(dict.fromkeys(WEB_PORTS, proxy_from(proxy)), exceptions)
    named = {scheme: variable_of(scheme, environ) for scheme in WEB_PORTS}
    return Routes(
        {scheme: _proxy_in(environ, name) for scheme, name in named.items() if name}, exceptions
    )


def _proxy_in(environ: Mapping[str, str], name: str) -> Proxy:
    try:
        return proxy_from(environ[name])
    except ValueError as error:
        raise ConfigError([Problem("network.proxy", str(error), EXPECTED, f"${name}")]) from None
