"""Print for a terminal or a pipe: text is text, whoever wrote it.

A client's name may hold markup, escape sequences or a second line. Here nothing is markup, what
is not printable is shown as an escape, and ids are never shortened. On a terminal records stand in
columns; in a pipe each is one line, its fields separated by tabs.
"""

import json
import sys
import unicodedata
from collections.abc import Iterable, Sequence

import typer
from rich.cells import cell_len

JOINERS = "\u200c\u200d"
"""Invisible, harmless, and part of emoji and of some scripts."""

GAP = "  "


def plain(text: str) -> str:
    """Return a text in one line, with everything that is not printable shown as an escape."""
    return "".join(char if _is_harmless(char) else _escaped(char) for char in text)


def say(*lines: str, err: bool = False) -> None:
    """Print lines; whatever they hold, each stays one line."""
    for line in lines:
        typer.echo(plain(line), err=err)


def say_text(text: str, *, err: bool = False) -> None:
    """Print a text of ours that has several lines."""
    say(*text.split("\n"), err=err)


def show_json(document: object) -> None:
    """Print one JSON document, with everything that is not printable escaped."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    typer.echo("".join(c if c == "\n" or _is_harmless(c) else _in_json(c) for c in text))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print records: in columns on a terminal, one a line in a pipe."""
    shown = [[plain(cell) for cell in row] for row in rows]
    if not is_terminal():
        for row in shown:
            typer.echo("\t".join(row))
        return
    widths = [max(map(cell_len, column)) for column in zip(columns, *shown, strict=True)]
    for row in ([*columns], ["-" * width for width in widths], *shown):
        cells = zip(row, widths, strict=True)
        padded = (f"{cell}{' ' * (width - cell_len(cell))}" for cell, width in cells)
        typer.echo(GAP.join(padded).rstrip())


def show_record(lines: Sequence[str]) -> None:
    """Print one record: in several lines on a terminal, in one line in a pipe."""
    if is_terminal():
        say(*lines)
    else:
        typer.echo("\t".join(plain(line.strip()) for line in lines))


def confirm(question: str) -> None:
    """Ask; without a yes the command ends, and says that nothing was changed.

    Raises:
        Exit: there was no yes.
    """
    try:
        is_confirmed = typer.confirm(plain(question), err=True)
    except typer.Abort:
        say("", "There was no answer; --yes skips the question.", err=True)
        is_confirmed = False
    if not is_confirmed:
        say("Nothing was changed.", err=True)
        raise typer.Exit(1)


def is_terminal() -> bool:
    """Tell whether a person reads what is printed."""
    return sys.stdout.isatty()


def _is_harmless(char: str) -> bool:
    return char.isprintable() or char in JOINERS or unicodedata.category(char) == "Zs"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def _in_json(char: str) -> str:
    return json.dumps(char)[1:-1]
