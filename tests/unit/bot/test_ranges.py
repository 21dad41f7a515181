"""Which part of a file a request asks for."""

import pytest

from bot.media.byte_ranges import Part, UnsatisfiableError, part_of


@pytest.mark.parametrize(
    ("header", "part"),
    [
        pytest.param(None, None, id="none"),
        pytest.param("bytes=0-99", Part(0, 100), id="all"),
        pytest.param("bytes=0-0", Part(0, 1), id="first-byte"),
        pytest.param("bytes=10-", Part(10, 100), id="to-the-end"),
        pytest.param("bytes=10-1000", Part(10, 100), id="beyond-the-end"),
        pytest.param("bytes=-10", Part(90, 100), id="the-last"),
        pytest.param("bytes=-1000", Part(0, 100), id="more-than-there-is"),
        pytest.param("BYTES= 5-6 ", Part(5, 7), id="written-otherwise"),
        pytest.param("bytes=-", None, id="nothing-named"),
        pytest.param("bytes=9-5", None, id="backwards"),
        pytest.param("bytes=0-1,5-6", None, id="several"),
        pytest.param("items=0-1", None, id="another-unit"),
        pytest.param("bytes=٣-٤", None, id="other-digits"),
    ],
)
def test_a_range_is_understood_or_ignored(header, part):
    """A single range is honoured; anything else gets the whole file."""
    assert part_of(header, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=-0"])
def test_a_part_outside_of_the_file_is_refused(header):
    """Nothing can be sent of what is not there."""
    with pytest.raises(UnsatisfiableError):
        part_of(header, 100)


def test_a_part_knows_its_length():
    """The end is not part of it."""
    assert Part(5, 7).length == 2
