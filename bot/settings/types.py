"""Kinds of settings: what a text must look like. No message quotes the text itself."""

import ipaddress
import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{3,}")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _matches(pattern: str | re.Pattern[str], what: str) -> AfterValidator:
    """Return a validator that wants the whole text to match."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError("is empty" if not value else what)
        return value

    return AfterValidator(check)


def _secret(pattern: str | re.Pattern[str], what: str) -> AfterValidator:
    """Return the same for a secret."""

    def check(value: SecretStr) -> SecretStr:
        text = value.get_secret_value()
        if not re.fullmatch(pattern, text):
            raise ValueError("is empty" if not text else what)
        return value

    return AfterValidator(check)


def _is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(value: str) -> str:
    """Return a web address without the slash at its end."""
    # What urlsplit says of a bad address quotes it, so its words are not passed on.
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is not a web address") from None
    if parts.scheme not in ("http", "https") or not host or not re.fullmatch(r"[!-~]+", value):
        raise ValueError("is not a web address")
    if parts.username is not None or "?" in value or "#" in value:
        raise ValueError("contains more than host, port and path")
    return value.rstrip("/")


def safe_address(value: str) -> str:
    """Return a web address that is https, or http on this very machine."""
    address = _address(value)
    parts = urlsplit(address)
    if parts.scheme == "http" and not _is_loopback(parts.hostname or ""):
        raise ValueError("is http; only https is safe")
    return address


def post_address(value: str) -> str:
    """Return the whole address of somebody who takes a POST; its query may be a key to it."""
    whole, mark, query = value.partition("?")
    if not re.fullmatch(r"[!-~]*", query) or "#" in query:
        raise ValueError("is not a web address")
    safe_address(whole)
    return f"{whole}{mark}{query}"


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


Address = Annotated[str, AfterValidator(_address)]
PostAddress = Annotated[str, AfterValidator(post_address)]
SafeAddress = Annotated[str, AfterValidator(safe_address)]
Uuid = Annotated[str, _matches(_UUID, "is not a UUID"), AfterValidator(str.lower)]
Text = Annotated[str, _matches(r"(?s).*\S.*", "is blank")]
Word = Annotated[str, _matches(r"[!-~]+", "holds spaces or letters with accents")]
Secret = Annotated[SecretStr, _secret(r"[!-~]+", "holds spaces, line breaks or accents")]
Token = Annotated[SecretStr, _secret(_TOKEN, "does not look like a bot token")]
Source = Annotated[str, _matches(r"[ -~]{1,36}", "is too long or holds accents")]
Label = Annotated[str, _matches(r"[a-zA-Z0-9-]{1,63}", "is not the first part of the address")]
Level = Annotated[
    Literal["debug", "info", "warning", "error", "critical"], BeforeValidator(_lower)
]
Port = Annotated[int, Field(ge=0, le=65535)]
