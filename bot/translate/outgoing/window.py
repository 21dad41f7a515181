"""The channel's time window: how long after a client's message a manager may answer. Pure.

Reference: Kommo, Registration of a channel; Kommo, Connect a channel to an account. Kommo tells
neither its length nor its end, so the settings declare it.
"""

import re
from datetime import datetime, timedelta

from kommo.events import LegacyMessage, ManagerMessage

FORM = re.compile(r"([1-9][0-9]{0,6})\s*(s|min|m|h|d)")
_UNITS_S = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def length(text: str) -> timedelta | None:
    """Return a length such as 24h, 90min, 3600s or 7d; None when it is not one."""
    found = FORM.fullmatch(text.strip().lower())
    if found is None:
        return None
    return timedelta(seconds=int(found[1]) * _UNITS_S[found[2]])


def is_late(
    event: ManagerMessage | LegacyMessage, heard_at: datetime | None, window: timedelta | None
) -> bool:
    """Tell whether a manager answered after the window; a template may always be sent.

    What counts is when the manager wrote, not when it is delivered.
    """
    if window is None or not isinstance(event, ManagerMessage) or event.template is not None:
        return False
    return heard_at is None or event.at - heard_at > window
