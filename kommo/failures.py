"""What failed → which error: the one place that knows httpx's exceptions and Kommo's statuses."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from kommo.errors import (
    RateLimitedError,
    RejectedError,
    RequestError,
    ServerError,
    UnreachableError,
)

QUOTED_LENGTH = 300
"""How much of Kommo's own words an error repeats: their shape is not documented."""

LONGEST_WAIT_S = 86_400.0
"""A longer `Retry-After` is taken for a mistake."""

_READ_BYTES = 4096
_HEX_KEY = re.compile(r"(?i)\b[0-9a-f]{40}\b")
"""A channel secret or a signature, whoever's it is."""

_NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
)
_TOO_MANY_REQUESTS = 429
_REPEATABLE = frozenset({408, 425})
"""Request Timeout and Too Early (RFC 9110, RFC 8470): refusals of the moment, not of the call."""


def unreachable(
    what: str, error: httpx.HTTPError | httpx.InvalidURL, *, remedy: str = ""
) -> UnreachableError:
    """Return the error for a call that got no answer.

    Args:
        what: names the call.
        error: what httpx says of it.
        remedy: what a person can do about it.
    """
    was_sent = not isinstance(error, _NEVER_SENT)
    reason = f"{type(error).__name__} {error}".strip()
    message = f"{what}: no answer from Kommo: {reason}" + (f"; {remedy}" if remedy else "")
    return UnreachableError(message, was_sent=was_sent)


def refusal(
    what: str,
    response: httpx.Response,
    *,
    secret: str,
    now: datetime,
    remedy: str = "",
    others: Sequence[str] = (),
) -> RequestError:
    """Return the error for a call whose answer is not a success.

    Args:
        what: names the call.
        response: the answer, read to its end.
        secret: never repeated, whatever the answer says.
        now: the moment a date in `Retry-After` is compared with.
        remedy: what a person can do about it.
        others: more secrets.
    """
    status = response.status_code
    quoted = _quote(response.content, [secret, *others])
    message = f"{what}: Kommo answered {status}: {quoted}"
    message += f"; {remedy}" if remedy else ""
    if status == _TOO_MANY_REQUESTS:
        wait_s = retry_after_s(response.headers.get("Retry-After", ""), now=now)
        return RateLimitedError(message, status=status, retry_after_s=wait_s)
    if response.is_server_error or status in _REPEATABLE:
        return ServerError(message, status=status)
    return RejectedError(message, status=status)


def retry_after_s(header: str, *, now: datetime) -> float | None:
    """Return how long `Retry-After` asks to wait, in seconds or as a date (RFC 9110)."""
    if header.isascii() and header.isdigit():
        return min(float(header), LONGEST_WAIT_S)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((aware - now).total_seconds(), 0.0), LONGEST_WAIT_S)


def _quote(body: bytes, secrets: Sequence[str]) -> str:
    """Return the beginning of an answer in one line, without what must not be repeated."""
    text = body[:_READ_BYTES].decode(errors="replace")
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    printable = "".join(c if c.isprintable() else " " for c in _HEX_KEY.sub("***", text))
    line = " ".join(printable.split())
    return f"{line[: QUOTED_LENGTH - 1]}…" if len(line) > QUOTED_LENGTH else line or "(nothing)"
