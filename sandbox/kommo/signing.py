"""Signatures of the Chats API, made and checked from its documentation alone.

Reference: Kommo, Authorization and headers (Chats API); Kommo, Receiving chat webhooks.
"""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

CONTENT_TYPE = "application/json"  # the only accepted one, without a charset
LIFETIME = timedelta(minutes=15)  # a signature lives this long from its Date


@dataclass(frozen=True, slots=True)
class SignedHeaders:
    """The four headers of a call; an absent or doubled one is None."""

    date: str | None
    content_type: str | None
    content_md5: str | None
    signature: str | None

    @classmethod
    def of(cls, values_of: Callable[[str], Sequence[str]]) -> "SignedHeaders":
        """Take the four headers, given what returns all values of a name."""

        def single(name: str) -> str | None:
            values = values_of(name)
            return values[0] if len(values) == 1 else None

        return cls(
            date=single("Date"),
            content_type=single("Content-Type"),
            content_md5=single("Content-MD5"),
            signature=single("X-Signature"),
        )


def content_md5(body: bytes) -> str:
    """Return the lower-case hexadecimal MD5 of the very bytes sent."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def call_signature(
    secret: str, *, method: str, md5: str, content_type: str, date: str, path: str
) -> str:
    """Return the signature of a call: five lines, the path without its query."""
    lines = "\n".join((method.upper(), md5, content_type, date, path))
    return hmac.digest(secret.encode(), lines.encode(errors="surrogateescape"), "sha1").hex()


def hook_signature(secret: str, body: bytes) -> str:
    """Return the signature of a webhook: of its body and nothing else."""
    return hmac.digest(secret.encode(), body, "sha1").hex()


def refusal(
    secret: str, *, method: str, path: str, headers: SignedHeaders, body: bytes, now: datetime
) -> str | None:
    """Say why a call is not properly signed; None when it is."""
    if headers.content_type != CONTENT_TYPE:
        return f"Content-Type has to be exactly {CONTENT_TYPE}, once"
    if headers.date is None:
        return "Date is missing or doubled"
    if not _is_current(headers.date, now):
        return "Date is not RFC 2822 or the signature has expired"
    if headers.content_md5 != content_md5(body):
        return "Content-MD5 is not the hexadecimal MD5 of the body"
    expected = call_signature(
        secret,
        method=method,
        md5=headers.content_md5,
        content_type=headers.content_type,
        date=headers.date,
        path=path,
    )
    given = (headers.signature or "").encode(errors="surrogateescape")
    if not hmac.compare_digest(given, expected.encode()):
        return "X-Signature is missing or wrong"
    return None


def _is_current(date: str, now: datetime) -> bool:
    at = _moment(date)
    return at is not None and abs(now - at) <= LIFETIME


@lru_cache(maxsize=64)  # thousands of calls share a second
def _moment(date: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(date)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
