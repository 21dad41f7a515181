"""Phone numbers as people write them."""

import pytest

from bot.translate.phones import international, is_region, is_same, search_words


@pytest.mark.parametrize(
    ("text", "region", "expected"),
    [
        pytest.param("+1 (415) 555-01-23", None, "+14155550123", id="international"),
        pytest.param("14155550123", None, "+14155550123", id="without-plus"),
        pytest.param("(415) 555-0123", "US", "+14155550123", id="national"),
        pytest.param("14155550123", "US", "+14155550123", id="region-and-code"),
        pytest.param("33612345678", "US", "+33612345678", id="another-country"),
        pytest.param("8 916 123-45-67", "RU", "+79161234567", id="national-prefix"),
        pytest.param("+999 123 456 789", None, "+999123456789", id="no-such-country"),
        pytest.param("112", None, None, id="too-short"),
        pytest.param("call me", "US", None, id="no-number"),
        pytest.param("", None, None, id="nothing"),
    ],
)
def test_the_international_form(text, region, expected):
    """Brackets, spaces and a missing plus change nothing."""
    assert international(text, region) == expected


@pytest.mark.parametrize(
    ("text", "region", "is_it"),
    [
        pytest.param("+14155550123", None, True, id="as-it-is"),
        pytest.param("14155550123", None, True, id="without-plus"),
        pytest.param("(415) 555-0123", None, True, id="of-its-own-country"),
        pytest.param("(415) 555-0123", "US", True, id="of-the-region"),
        pytest.param("(415) 555-0123", "RU", False, id="of-another-region"),
        pytest.param("555-0123", None, False, id="only-the-end"),
        pytest.param("+44 4155550123", None, False, id="of-another-country"),
        pytest.param("", None, False, id="nothing"),
    ],
)
def test_whether_it_is_the_same_number(text, region, is_it):
    """The end of a number alone is no match: nobody is guessed."""
    assert is_same("+14155550123", text, region) is is_it


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ("+14155550123", "4155550123"),
        ("+79161234567", "9161234567"),
        ("+9991234567", "9991234567"),
    ],
)
def test_what_to_search_for(known, words):
    """The digits that are in every way to write the number."""
    assert search_words(known) == words


def test_regions():
    """A country's code, in capitals."""
    assert [is_region(code) for code in ("US", "us", "XX")] == [True, False, False]
