"""Each row of the README's table of what crosses is played by a test that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/reference/what-crosses.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
UNTOLD = "(nothing more)"
"""The row that says what follows from the one above it."""


def rows():
    """Return what the README's tables say that somebody does, row by row."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    chapter = readme.partition("## What crosses the bridge")[2].partition("\n## ")[0]
    firsts = [line.split("|")[1].strip() for line in chapter.splitlines() if line.startswith("|")]
    heads = ("the client in Telegram", "the manager in Kommo", "---")
    return [first or UNTOLD for first in firsts if first not in heads]


def test_every_row_has_its_line():
    """The page has the README's rows, in their order, each with a test or the reason for none."""
    lines = re.findall(r"^- (.+)$", PAGE, re.MULTILINE)
    assert [line.partition(": no test")[0] for line in lines] == rows()
    for block in PAGE.split("\n- ")[1:]:
        assert "::" in block or ": no test, for " in block


@pytest.mark.parametrize(("file", "test"), sorted(set(NAMED)))
def test_the_test_of_a_row_exists(file, test):
    """A test that was renamed or removed is found out; it goes through the whole bridge."""
    assert file.startswith("e2e/")
    assert f"def {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")
