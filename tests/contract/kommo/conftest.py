"""The documented bodies, one per file."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SAMPLES = Path(__file__).parent / "samples"


@pytest.fixture
def sample() -> Callable[[str], Any]:
    """Return what reads a sample by its name, such as `typing.hook`."""
    return lambda name: json.loads((SAMPLES / f"{name}.json").read_text())
