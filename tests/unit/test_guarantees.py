"""The promises are kept by tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
NAMED = re.findall(
    r"`([\w/]+\.py)::(\w+)`", (ROOT / "docs/explain/guarantees.md").read_text(encoding="utf-8")
)


@pytest.mark.parametrize(("file", "test"), NAMED)
def test_the_test_that_keeps_a_promise_exists(file, test):
    """A promise whose test was renamed or removed is found out."""
    assert f"def {test}(" in (ROOT / "tests" / file).read_text(encoding="utf-8")


def test_there_are_promises():
    """The page is read as it is written."""
    assert len(NAMED) > 20
