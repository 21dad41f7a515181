"""Moments are aware UTC datetimes in the API, and integer Unix milliseconds in the tables."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)


def utc_now() -> datetime:
    """Return the time, as an aware UTC datetime."""
    return datetime.now(UTC)


def to_ms(moment: datetime) -> int:
    """Return Unix milliseconds."""
    return (moment - EPOCH) // MILLISECOND


def from_ms(ms: int) -> datetime:
    """Return an aware UTC datetime."""
    return EPOCH + ms * MILLISECOND


def optional_ms(moment: datetime | None) -> int | None:
    """Return Unix milliseconds, or None for None."""
    return None if moment is None else to_ms(moment)


def optional_moment(ms: int | None) -> datetime | None:
    """Return an aware UTC datetime, or None for None."""
    return None if ms is None else from_ms(ms)
