"""The dates and the time zone on the command line of `import`."""

from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer


def zone_named(name: str | None) -> tzinfo | None:
    """Return the time zone of a name; None if there is no name."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter(
            "a time zone such as Europe/Berlin or UTC", param_hint="--timezone"
        ) from None


def moment(
    text: str | None, zone: tzinfo | None, option: str, *, whole_day: bool
) -> datetime | None:
    """Return the moment that a date on the command line means."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
        found = found if found.tzinfo else _in_zone(found, zone)
        is_day = len(text) <= len("2024-01-31")
        return found + timedelta(days=1) if whole_day and is_day else found
    except (ValueError, OverflowError):
        raise typer.BadParameter("a date such as 2024-01-31", param_hint=option) from None


def _in_zone(local: datetime, zone: tzinfo | None) -> datetime:
    return local.replace(tzinfo=zone) if zone else local.astimezone()
