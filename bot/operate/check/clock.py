"""The difference between this machine's clock and a server's (pure)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

WHOLE_SECOND_S = 1.0
"""A `Date` header cuts off the fraction. Reference: RFC 9110, Date."""


def skew_s(date_header: str | None, *, asked_at: datetime, now: datetime) -> float | None:
    """Return by how many seconds our clock is ahead, by the `Date` header of an answer.

    The answer may have been made at any moment since it was asked for. Of the differences that are
    possible, the smallest is returned: a slow answer says nothing about a clock.

    Args:
        date_header: what the answer says; None or nonsense tells nothing.
        asked_at: when the request began, by our clock.
        now: when the answer was there, by our clock.
    """
    if not date_header:
        return None
    try:
        theirs = parsedate_to_datetime(date_header)
    except (ValueError, OverflowError):
        return None
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    most = (now - theirs).total_seconds()
    least = (asked_at - theirs).total_seconds() - WHOLE_SECOND_S
    return min(max(least, 0.0), most)
