"""Map failures to errors: the one place that knows httpx's exceptions and Kommo's statuses."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from kommo.errors import (
    CHANNEL_STATUSES,
    NoAnswerError,
    PayloadError,
    RateLimitedError,
    RejectedError,
    RequestError,
    ServerError,
    UnreachableError,
)
from kommo.exchange import NEVER_SENT, Reply
from kommo.wire import Fields, decode

QUOTED_LENGTH = 300
"""How much of Kommo's own words an error repeats: their shape is not documented."""

LONGEST_WAIT_S = 86_400.0
"""A longer `Retry-After` is taken for a mistake."""

_READ_BYTES = 4096
_HEX_KEY = re.compile(r"(?i)\b[0-9a-f]{40}\b")
"""A channel secret or a signature, whoever's it is."""

_TOO_MANY_REQUESTS = 429
_REPEATABLE = frozenset({408, 425})
"""Request Timeout and Too Early (RFC 9110, RFC 8470): refusals of the moment, not of the call."""


_OF_THE_CHANNEL = CHANNEL_STATUSES | {404}
_ERRORS = range(400, 600)
_OWN_FIELDS = ("error_code", "error_type", "error_description", "title", "detail")
"""What Kommo's own errors name. Reference: Kommo, HTTP codes; Response codes."""

_STATUS_NAMES = ("status_code", "delivery_status")
"""What tells a delivery status from an error. Reference: Kommo, Update message delivery status."""

_FAILED = frozenset({"error", "fail", "failed", "failure"})

_LISTS = ("errors", "validation-errors")


@dataclass(frozen=True)
class ToldError:
    """What the body of an answer says of an error.

    Args:
        status: the status that it names; None when it names none.
        error_type: Kommo's name of the error, or nothing.
        retry_after_s: how long to wait; None when it does not say.
        is_kommos: whether it looks like Kommo's, and not like a page of somebody in between.
        is_error: whether it speaks of an error at all.
    """

    status: int | None = None
    error_type: str = ""
    retry_after_s: float | None = None
    is_kommos: bool = False
    is_error: bool = False


def told_error(body: bytes) -> ToldError:
    """Return what a body says of an error; nothing where it is no JSON object."""
    try:
        fields = decode(body)
    except PayloadError:
        return ToldError()
    status, error_type = _told_status(fields), fields.text("error_type")
    lists = any(fields.data.get(name) for name in _LISTS)
    return ToldError(
        status=status,
        error_type=error_type,
        retry_after_s=_told_wait_s(fields),
        is_kommos=any(name in fields.data for name in _OWN_FIELDS) or lists,
        is_error=status is not None or bool(error_type) or lists or _is_failure(fields),
    )


def _is_failure(fields: Fields) -> bool:
    """Tell whether a body says in words that a call failed; a delivery status may be echoed."""
    is_echo = any(name in fields.data for name in _STATUS_NAMES)
    said = any(fields.data.get(name) for name in ("error", "error_description", "detail"))
    denied = any(fields.data.get(name) is False for name in ("ok", "success"))
    is_named = fields.text("status").lower() in _FAILED
    return denied or is_named or (said and not is_echo)


def _told_status(fields: Fields) -> int | None:
    numbers = (fields.integer(name) for name in ("error_code", "status"))
    return next((number for number in numbers if number in _ERRORS), None)


def _told_wait_s(fields: Fields) -> float | None:
    """Return `retry_after` of a body. Reference: Kommo, HTTP codes (429)."""
    wait_s = fields.decimal("retry_after")
    return None if wait_s is None or wait_s < 0 else min(wait_s, LONGEST_WAIT_S)


def unreachable(
    what: str, error: httpx.HTTPError | httpx.InvalidURL, *, remedy: str = ""
) -> UnreachableError:
    """Return the error for a call that got no answer.

    Args:
        what: names the call.
        error: what httpx says of it.
        remedy: what a person can do about it.
    """
    was_sent = not isinstance(error, NEVER_SENT)
    reason = f"{type(error).__name__} {error}".strip()
    message = f"{what}: no answer from Kommo: {reason}" + (f"; {remedy}" if remedy else "")
    return UnreachableError(message, was_sent=was_sent)


def no_answer(what: str, error: NoAnswerError) -> UnreachableError:
    """Return the error for a call of the Chats API that got no answer."""
    return UnreachableError(f"{what}: no answer from Kommo: {error}", was_sent=error.was_sent)


def refusal(
    what: str,
    response: httpx.Response | Reply,
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
    status, quoted = response.status_code, _quote(response.content, [secret, *others])
    message = f"{what}: Kommo answered {status}: {quoted}"
    message += f"; {remedy}" if remedy else ""
    told = told_error(response.content)
    kind = _kind(response, told)
    header_s = retry_after_s(response.headers.get("Retry-After", ""), now=now)
    return kind(
        message,
        status=_status(response, told),
        error_type=told.error_type,
        is_kommos=told.is_kommos,
        retry_after_s=max(filter(None, (header_s, told.retry_after_s)), default=header_s),
    )


def _status(response: httpx.Response | Reply, told: ToldError) -> int:
    """Return an answer's status; of a success that is none, the one that its body names."""
    return (told.status if response.is_success else None) or response.status_code


def _kind(response: httpx.Response | Reply, told: ToldError) -> type[RequestError]:
    """Return what a caller can do; an answer that contradicts itself refuses no content."""
    status = _status(response, told)
    if status == _TOO_MANY_REQUESTS:
        return RateLimitedError
    is_passing = status in _REPEATABLE or status not in range(300, 500)
    is_doubtful = response.is_success and status not in _OF_THE_CHANNEL
    return ServerError if is_passing or is_doubtful else RejectedError


def retry_after_s(header: str, *, now: datetime) -> float | None:
    """Return how long `Retry-After` asks to wait, in seconds or as a date (RFC 9110)."""
    if header.isascii() and header.isdigit():
        return min(float(header), LONGEST_WAIT_S)
    try:
        moment = parsedate_to_datetime(header)
    except (ValueError, OverflowError):
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
