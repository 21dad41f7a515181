"""Sign calls to the Chats API, and verify what claims to be a webhook of Kommo.

References: Kommo, Chats API authorization and headers; Kommo, Receiving chat webhooks.
"""

import hashlib
import hmac
import re

from kommo.errors import SignatureError

_SIGNATURE = re.compile(r"[0-9a-f]{40}")
"""HMAC-SHA1 in lower-case hex."""


def content_md5(body: bytes) -> str:
    """Return the `Content-MD5` of a body: hex, unlike the Base64 of RFC 1864."""
    return hashlib.md5(body, usedforsecurity=False).hexdigest()


def sign(  # noqa: PLR0917 - in the order in which Kommo joins them
    secret: str, method: str, md5: str, content_type: str, date: str, path: str
) -> str:
    """Return the `X-Signature` of a call.

    Args:
        secret: the channel secret, as text.
        method: in upper case.
        md5: the `Content-MD5` header, as sent.
        content_type: the `Content-Type` header, as sent.
        date: the `Date` header, as sent.
        path: without scheme, host and query string.
    """
    return _hmac(secret, "\n".join((method, md5, content_type, date, path)).encode())


def webhook_signature(secret: str, body: bytes) -> str:
    """Return the `X-Signature` of a webhook: of its body and nothing else."""
    return _hmac(secret, body)


def well_formed(header: str | None) -> str:
    """Return a webhook's signature if it can be one, which is known before the body is read.

    Args:
        header: the `X-Signature` header; None when there was none.

    Raises:
        SignatureError: it is missing, or not 40 hex digits.
    """
    if not header:
        raise SignatureError("the webhook carries no signature")
    if not _SIGNATURE.fullmatch(header):
        raise SignatureError("the webhook's signature is wrong")
    return header


def verify_webhook(secret: str, body: bytes, header: str | None) -> None:
    """Accept a webhook that Kommo signed.

    Live webhooks end with a line feed that is not part of what was signed, while the documentation
    hashes the raw body: both are accepted.

    Args:
        secret: the channel secret.
        body: the bytes as they came.
        header: the `X-Signature` header; None when there was none.

    Raises:
        SignatureError: the signature is missing or wrong.
    """
    given = well_formed(header).encode()
    is_bare = hmac.compare_digest(webhook_signature(secret, body.rstrip(b"\r\n")).encode(), given)
    is_whole = hmac.compare_digest(webhook_signature(secret, body).encode(), given)
    if not (is_bare or is_whole):
        raise SignatureError("the webhook's signature is wrong")


def _hmac(secret: str, message: bytes) -> str:
    return hmac.digest(secret.encode(), message, "sha1").hex()
