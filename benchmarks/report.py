"""What was measured, as rows: medians, spread, and whether each target is met."""

import json
import os
import platform
import sqlite3
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Row:
    """One figure.

    Args:
        name: what was measured, with its unit.
        target: what it should be, in words.
        bridge: a value for each round.
        bare: the reference's values, where there is one.
        limit: the target as a number for `value`.
        is_least: whether the target is the least that it should be, not the most.
        is_ratio: whether the target is about the ratio of bridge and bare, not their values.
        is_difference: whether the target is about what the bridge adds.
    """

    name: str
    target: str
    bridge: tuple[float, ...]
    limit: float
    bare: tuple[float, ...] = ()
    is_least: bool = False
    is_ratio: bool = True
    is_difference: bool = False

    @property
    def value(self) -> float:
        """Return what the target is about: of each round, and then the median."""
        if not self.bare:
            return median(self.bridge)
        if self.is_difference:
            return median(self.bridge) - median(self.bare)
        if not self.is_ratio:
            return median(self.bridge)
        pairs = zip(self.bridge, self.bare, strict=True)
        return median(ours / theirs for ours, theirs in pairs)

    @property
    def is_met(self) -> bool:
        """Tell whether the target is met."""
        return self.value >= self.limit if self.is_least else self.value <= self.limit

    def as_json(self) -> dict[str, object]:
        """Return all of it, for programs."""
        return {
            "name": self.name,
            "target": self.target,
            "bare": list(self.bare),
            "bridge": list(self.bridge),
            "value": self.value,
            "is_met": self.is_met,
        }


def machine() -> dict[str, str]:
    """Return what it was measured on."""
    return {
        "cores": str(os.cpu_count()),
        "machine": platform.machine(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def document(rows: list[Row], notes: list[str]) -> str:
    """Return one JSON document."""
    content = {"machine": machine(), "rows": [row.as_json() for row in rows], "notes": notes}
    return json.dumps(content, indent=2)


def table(rows: list[Row], notes: list[str]) -> str:
    """Return a table for people, in Markdown."""
    lines = [
        "| figure | bare | bridge | value | target | |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_line(row) for row in rows),
        "",
        "Medians; in brackets the least and the most of all rounds.",
        *(f"- {note}" for note in notes),
        "- " + ", ".join(f"{name} {value}" for name, value in machine().items()),
    ]
    return "\n".join(lines)


def _line(row: Row) -> str:
    mark = "met" if row.is_met else "missed"
    unit = " ×" if row.bare and row.is_ratio and not row.is_difference else ""
    cells = (
        row.name,
        _spread(row.bare),
        _spread(row.bridge),
        f"{_number(row.value)}{unit}",
        row.target,
        mark,
    )
    return f"| {' | '.join(cells)} |"


def _spread(values: tuple[float, ...]) -> str:
    if not values:
        return "–"
    middle = _number(median(values))
    if len(values) == 1:
        return middle
    return f"{middle} [{_number(min(values))}–{_number(max(values))}]"


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
