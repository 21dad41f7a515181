"""How far this machine's clock is from that of a server (pure)."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def skew_s(date_header: str | None, now: datetime) -> float | None:
    """Return by how many seconds our clock is ahead of a `Date` header; None without one."""
    if not date_header:
        return None
    try:
        theirs = parsedate_to_datetime(date_header)
    except (ValueError, OverflowError):
        return None
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=UTC)
    return (now - theirs).total_seconds()
