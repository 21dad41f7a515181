"""Why a connection failed, in words of its cause: a certificate, a name, a port (pure).

Libraries wrap what the socket said in errors of their own; the cause is looked for in their chain.
Reference: OpenSSL, X509_verify_cert_error_string (the numbers).
"""

import socket
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from bot.http.tunnels import ProxyError

EXPIRED, NOT_YET, SELF_SIGNED = 10, 9, 18
OWN_ROOT, NO_ISSUER, NO_CHAIN = 19, 20, 21
WRONG_NAME, WRONG_NUMBER = 62, 64

WORDS: Mapping[int, tuple[str, str]] = {
    EXPIRED: ("its certificate has expired", "renew the certificate of that server"),
    NOT_YET: (
        "its certificate is not valid yet",
        "check this machine's clock, then the certificate of that server",
    ),
    SELF_SIGNED: (
        "its certificate is self-signed",
        "take one of an authority that everybody knows, such as Let's Encrypt",
    ),
    OWN_ROOT: (
        "its certificate is of an unknown authority",
        "take one of an authority that everybody knows, such as Let's Encrypt; one of your own "
        "is named to this program in SSL_CERT_FILE, but Kommo does not know it",
    ),
    WRONG_NAME: (
        "its certificate is for another host name",
        "let the certificate name the host of this address, or correct the address",
    ),
}
SAME = {NO_ISSUER: OWN_ROOT, NO_CHAIN: OWN_ROOT, WRONG_NUMBER: WRONG_NAME}
CHAIN = "; or its server leaves the intermediate certificates out: give it the full chain"

NO_TLS = ("it speaks no TLS there", "pass port 443 to a server that has the certificate")
NO_NAME = ("its name is not known", "check the address, and the name's entry in the DNS")
REFUSED = ("nobody listens there", "start that server, or check host and port")
SOON_DAYS = 14


def why(error: BaseException) -> tuple[str, str]:
    """Return why a connection failed, and what to do; two empty texts where nobody knows."""
    for cause in _chain(error):
        if isinstance(cause, ProxyError):
            return str(cause), cause.remedy
        if isinstance(cause, ssl.SSLCertVerificationError):
            if hasattr(cause, "verify_code"):  # aiohttp's own of that kind has none
                return _of_certificate(cause)
        elif isinstance(cause, ssl.SSLError):
            return NO_TLS
        if isinstance(cause, socket.gaierror):
            return NO_NAME
        if isinstance(cause, ConnectionRefusedError):
            return REFUSED
    return "", ""


def is_distrust(error: BaseException) -> bool:
    """Tell whether a certificate is why a connection failed."""
    return any(isinstance(cause, ssl.SSLCertVerificationError) for cause in _chain(error))


def in_words(error: BaseException) -> str:
    """Return why there is no answer, or the name of the error where that is all that is known."""
    return why(error)[0] or type(error).__name__


def days_left(certificate: Mapping[str, object] | None, now: datetime) -> int | None:
    """Return for how many days a certificate is still good; None if it does not say."""
    until = (certificate or {}).get("notAfter")
    if not isinstance(until, str):
        return None
    return (datetime.fromtimestamp(ssl.cert_time_to_seconds(until), UTC) - now).days


def _of_certificate(error: ssl.SSLCertVerificationError) -> tuple[str, str]:
    number = error.verify_code
    known = WORDS.get(SAME.get(number, number))
    if known is None:
        return f"its certificate is not trusted ({error.verify_message})", WORDS[OWN_ROOT][1]
    what, remedy = known
    return what, f"{remedy}{CHAIN}" if number in {NO_ISSUER, NO_CHAIN} else remedy


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Return an error and what it came from, each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [getattr(one, "certificate_error", None), one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions
