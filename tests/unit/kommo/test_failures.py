"""What failed → which error."""

from datetime import UTC, datetime

import httpx
import pytest

from kommo.errors import RateLimitedError, RejectedError, RequestError, ServerError
from kommo.failures import LONGEST_WAIT_S, refusal, retry_after_s, unreachable

NOW = datetime(2026, 1, 2, 10, 0, tzinfo=UTC)
SECRET = "channel-secret-for-tests"


def refused(status: int, body: bytes = b"", retry_after: str = "") -> RequestError:
    """Return the error for an answer."""
    response = httpx.Response(status, content=body, headers={"Retry-After": retry_after})
    return refusal("POST /x", response, secret=SECRET, now=NOW)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        pytest.param(302, RejectedError, id="redirect"),
        pytest.param(400, RejectedError, id="bad-data"),
        pytest.param(403, RejectedError, id="signature"),
        pytest.param(404, RejectedError, id="unknown"),
        pytest.param(408, ServerError, id="timeout"),
        pytest.param(425, ServerError, id="too-early"),
        pytest.param(429, RateLimitedError, id="too-many"),
        pytest.param(500, ServerError, id="failed"),
        pytest.param(503, ServerError, id="unavailable"),
        pytest.param(599, ServerError, id="odd"),
    ],
)
def test_status_decides(status: int, kind: type[RequestError]) -> None:
    """A caller learns from the error whether to repeat the call."""
    error = refused(status, b"why")
    assert type(error) is kind
    assert error.status == status
    assert str(error) == f"POST /x: Kommo answered {status}: why"


@pytest.mark.parametrize(
    ("body", "quoted"),
    [
        pytest.param(b"", "(nothing)", id="empty"),
        pytest.param(b'{\n  "a":\t1\x1b}\n', '{ "a": 1 }', id="one-line"),
        pytest.param(b"x" * 1000, "x" * 299 + "…", id="cut"),
        pytest.param(b"\xff!", "\ufffd!", id="not-utf-8"),
        pytest.param(b"sign with " + SECRET.encode(), "sign with ***", id="secret"),
        pytest.param(b"want " + b"0aF9" * 10 + b".", "want ***.", id="signature"),
    ],
)
def test_kommos_words_are_repeated_safely(body: bytes, quoted: str) -> None:
    """An error says what Kommo said, in one short line, without secrets and signatures."""
    assert str(refused(400, body)) == f"POST /x: Kommo answered 400: {quoted}"


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        pytest.param("7", 7.0, id="seconds"),
        pytest.param("0", 0.0, id="at-once"),
        pytest.param("Fri, 02 Jan 2026 10:00:30 GMT", 30.0, id="date"),
        pytest.param("Fri, 02 Jan 2026 10:00:30 -0000", 30.0, id="date-without-zone"),
        pytest.param("Fri, 02 Jan 2026 09:00:00 GMT", 0.0, id="past"),
        pytest.param("9" * 400, LONGEST_WAIT_S, id="endless"),
        pytest.param("Fri, 02 Jan 2099 10:00:30 GMT", LONGEST_WAIT_S, id="far-date"),
        pytest.param("Fri, 31 Dec 10000000000 23:59:59 GMT", None, id="year"),
        pytest.param("Fri, 31 Dec 2100 23:59:59 +" + "9" * 20, None, id="zone"),
        pytest.param("Fri, 31 Dec 2100 " + "9" * 30 + ":00:00 GMT", None, id="hour"),
        pytest.param("", None, id="absent"),
        pytest.param("soon", None, id="word"),
        pytest.param("-5", None, id="negative"),
        pytest.param("٣", None, id="other-digits"),
    ],
)
def test_wait_is_what_kommo_asks_for(header: str, wait_s: float | None) -> None:
    """The pause after 429 is Kommo's, as far as it makes sense."""
    assert retry_after_s(header, now=NOW) == wait_s


def test_rate_limit_carries_its_wait() -> None:
    """A caller that is too fast learns how long to wait."""
    error = refused(429, retry_after="7")
    assert isinstance(error, RateLimitedError)
    assert error.retry_after_s == 7.0


@pytest.mark.parametrize(
    ("error", "was_sent"),
    [
        pytest.param(httpx.ConnectError("refused"), False, id="refused"),
        pytest.param(httpx.ConnectTimeout(""), False, id="connect-timeout"),
        pytest.param(httpx.PoolTimeout(""), False, id="busy"),
        pytest.param(httpx.UnsupportedProtocol("x"), False, id="protocol"),
        pytest.param(httpx.InvalidURL("x"), False, id="address"),
        pytest.param(httpx.ReadTimeout(""), True, id="read-timeout"),
        pytest.param(httpx.WriteError(""), True, id="write"),
        pytest.param(httpx.RemoteProtocolError("cut"), True, id="cut"),
    ],
)
def test_silence_says_whether_anything_left(
    error: httpx.HTTPError | httpx.InvalidURL, was_sent: bool
) -> None:
    """A call that certainly never left may be repeated without a doubt."""
    told = unreachable("POST /x", error)
    assert told.was_sent is was_sent
    assert told.status is None
    assert str(told).startswith(f"POST /x: no answer from Kommo: {type(error).__name__}")
