"""The ground the payloads stand on."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from kommo.wire import Fields, clean, decode, encode, milliseconds, moment_of


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        pytest.param("Привет 👋", "Привет 👋", id="nothing-to-do"),
        pytest.param("a\0b", "ab", id="nul"),
        pytest.param("a\ud83d", "a\ufffd", id="first-half"),
        pytest.param("\udc4b!", "\ufffd!", id="second-half"),
        pytest.param("\ud83d\udc4b", "👋", id="two-halves"),
    ],
)
def test_clean_text_is_utf_8(text: str, cleaned: str) -> None:
    """Whatever somebody wrote can be sent."""
    assert clean(text) == cleaned
    assert encode({"text": clean(text)}).decode() == f'{{"text":"{cleaned}"}}'


def test_moments_are_exact() -> None:
    """A moment is the same millisecond on both sides, in whatever time zone it was told."""
    at = datetime(2026, 1, 2, 12, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))
    assert milliseconds(at) == 1_767_348_000_123
    assert moment_of(1_767_348_000_123) == datetime(2026, 1, 2, 10, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize("unix_ms", [0, -1, 253_402_300_800_000, 10**40])
def test_no_moment_is_none(unix_ms: int) -> None:
    """A number that names no moment is not made into one."""
    assert moment_of(unix_ms) is None


@pytest.mark.parametrize(
    ("given", "read"),
    [
        pytest.param(0, 0.0, id="zero"),
        pytest.param("37.5", 37.5, id="string"),
        pytest.param("north", None, id="word"),
        pytest.param(10**400, None, id="too-big"),
        pytest.param("inf", None, id="infinite"),
        pytest.param(float("inf"), None, id="infinite-float"),
        pytest.param(True, None, id="boolean"),
        pytest.param(None, None, id="null"),
        pytest.param([1], None, id="list"),
    ],
)
def test_decimals_are_numbers(given: Any, read: float | None) -> None:
    """A coordinate is a finite number, 0 included."""
    assert Fields({"lon": given}).decimal("lon") == read


def test_body_may_start_with_a_mark() -> None:
    """A byte order mark in front of JSON does no harm."""
    assert decode(b'\xef\xbb\xbf{"a":"b"}').text("a") == "b"


def test_numbers_that_json_does_not_know_are_not_sent() -> None:
    """NaN never leaves: Kommo could not read the call."""
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode({"lon": float("nan")})
