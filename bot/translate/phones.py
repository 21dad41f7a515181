"""Phone numbers as people and programs write them → the international form. Pure.

Telegram and Kommo's webhooks give a client's number with or without a plus, and contacts hold
whatever somebody typed. Reference: Kommo, Receiving chat webhooks (`receiver.phone`).
"""

from collections.abc import Iterator

import phonenumbers
from phonenumbers import MatchType, NumberParseException, PhoneNumber, PhoneNumberFormat

SHORTEST = 7
"""Fewer digits are no number that could be called from everywhere."""

SAME = (MatchType.EXACT_MATCH, MatchType.NSN_MATCH)


def international(text: str, region: str | None = None) -> str | None:
    """Return a number as +digits; None when the text is not one.

    Args:
        text: as somebody wrote it.
        region: the country of numbers without a plus, such as US; None: they are taken for
            international ones whose plus was left out.
    """
    found = [
        number for number in _readings(text, region) if phonenumbers.is_possible_number(number)
    ]
    found.sort(key=phonenumbers.is_valid_number, reverse=True)
    if found:
        return phonenumbers.format_number(found[0], PhoneNumberFormat.E164)
    digits = _digits(text)
    return f"+{digits}" if len(digits) >= SHORTEST else None


def is_same(known: str, text: str, region: str | None = None) -> bool:
    """Tell whether a text means a known number, given as +digits.

    Without a region, a number without a plus may also be of the known one's own country.
    """
    if international(text, region) == known:
        return True
    if region is not None or text.strip().startswith("+"):
        return False
    return phonenumbers.is_number_match(known, text) in SAME


def search_words(known: str) -> str:
    """Return the digits that every way to write a number has in common."""
    number = _parsed(known, None)
    if number is None:
        return _digits(known)
    return phonenumbers.national_significant_number(number)


def is_region(code: str) -> bool:
    """Tell whether a code, such as US, is a country's."""
    return code in phonenumbers.SUPPORTED_REGIONS


def _readings(text: str, region: str | None) -> Iterator[PhoneNumber]:
    """Return what a text may mean, the likeliest first."""
    has_plus = text.strip().startswith("+")
    readings = [] if has_plus or region is None else [_parsed(text, region)]
    readings.append(_parsed(f"+{_digits(text)}", None))
    yield from (number for number in readings if number is not None)


def _parsed(text: str, region: str | None) -> PhoneNumber | None:
    try:
        return phonenumbers.parse(text, region)
    except NumberParseException:
        return None


def _digits(text: str) -> str:
    return "".join(char for char in text if char in "0123456789")
