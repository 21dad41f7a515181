"""On which line of the settings file each key stands (pure); the parsers do not tell."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.settings.sources import KeyPath

_HEADER = re.compile(r"\s*(\[{1,2})\s*([^\[\]]+?)\s*\]{1,2}\s*(?:#.*)?$")
_KEY = re.compile(
    r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*="""
)
_QUOTES = re.compile(r'"""|\'\'\'')


def lines_of(text: str) -> dict[KeyPath, int]:
    """Return the line of each table and key of a TOML document that can be parsed."""
    found: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in _outside_texts(text):
        header = _HEADER.match(line)
        if header:
            table = _entered(header[1], _steps(header[2]), counts)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault((*table, *_steps(key[1])), number)
    return found


def line_of(place: KeyPath, lines: Mapping[KeyPath, int]) -> int | None:
    """Return the line of a setting, or of the whole that it stands in."""
    wholes = (place[:length] for length in range(len(place), 0, -1))
    return next((lines[whole] for whole in wholes if whole in lines), None)


def is_in(data: Any, place: KeyPath) -> bool:
    """Tell whether a document has a setting at a place."""
    for step in place:
        if isinstance(step, int):
            if not isinstance(data, list) or step >= len(data):
                return False
        elif not isinstance(data, dict) or step not in data:
            return False
        data = data[step]
    return True


def _outside_texts(text: str) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines that no text of several lines holds."""
    closing: str | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if closing is None:
            yield number, line
        for quotes in _QUOTES.findall(line):
            if closing is None:
                closing = quotes
            elif closing == quotes:
                closing = None


def _steps(name: str) -> tuple[str, ...]:
    return tuple(step.strip().strip("\"'") for step in name.split("."))


def _entered(bracket: str, steps: tuple[str, ...], counts: dict[KeyPath, int]) -> KeyPath:
    """Return the place of a table; an entry of a list is numbered, and so are its own tables."""
    place: KeyPath = ()
    for step in steps[:-1]:
        place = (*place, step)
        if place in counts:
            place = (*place, counts[place])
    place = (*place, steps[-1])
    if bracket == "[[":
        counts[place] = counts.get(place, -1) + 1
        place = (*place, counts[place])
    return place
