"""Each row of the tables of what crosses is played by a test that exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs/reference/what-crosses.md").read_text(encoding="utf-8")
NAMED = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)


def rows() -> list[list[str]]:
    """Return the cells of each row, without the heads of the tables."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[-1] not in {"test", "---"}]


def test_both_directions_have_rows():
    """The page is read as it is written."""
    assert {len(row) for row in rows()} == {3, 4}
    assert len(rows()) > 40


@pytest.mark.parametrize("row", rows(), ids=lambda row: row[0] or row[1])
def test_every_row_names_a_test(row):
    """Nothing is said to cross that no test plays, except where nobody can play it."""
    assert "::" in row[-1] or row[-1].startswith("none: ")


@pytest.mark.parametrize(("file", "test"), sorted(set(NAMED)))
def test_the_test_of_a_row_exists(file, test):
    """A test that was renamed or removed is found out; it goes through the whole bridge."""
    assert file.startswith("e2e/")
    assert f"def {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")
