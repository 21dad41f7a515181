"""The layout of `--help`: plain text, the same on a terminal and in a pipe.

The library would print the types of a programming language (`<list[str]>`), boxes, and the first
words of what a command does. A person needs to know what to put there.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

Function = TypeVar("Function", bound=Callable[..., Any])

BRACES = {ord("{"): None, ord("}"): None}


class Command(TyperCommand):
    """A command with plain help."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return what the usage line names; what may be left out is in brackets."""
        return [piece.translate(BRACES) for piece in super().collect_usage_pieces(ctx)]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write what the command takes."""
        _write(formatter, self.get_params(ctx))


class Group(TyperGroup):
    """Commands under one name, with plain help."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the options, and the commands with all that their first line says."""
        _write(formatter, self.get_params(ctx))
        sections = self.sections()
        width = max(len(name) for rows in sections.values() for name, _about in rows)
        for heading, rows in sections.items():
            with formatter.section(heading):
                formatter.write_dl([(name.ljust(width), about) for name, about in rows])

    def sections(self) -> dict[str, list[tuple[str, str]]]:
        """Return the commands by heading, with what each says of itself."""
        rows = [(name, first_line(command.help)) for name, command in self.commands.items()]
        return {"Commands": rows}


class PlainTyper(typer.Typer):
    """One command, or several under one name, with plain help."""

    def __init__(self, **options: Any) -> None:
        usual: dict[str, Any] = {
            "cls": Group,
            "no_args_is_help": True,
            "add_completion": False,
            "pretty_exceptions_enable": False,
            "rich_markup_mode": None,
        }
        super().__init__(**{**usual, **options})

    def command(self, name: str | None = None, **options: Any) -> Callable[[Function], Function]:
        """Decorate a function that is a command."""
        return super().command(name, **{"cls": Command, **options})


def first_line(text: str | None) -> str:
    """Return what stands before the first empty line of a help text."""
    return (text or "").partition("\n\n")[0].replace("\n", " ")


def _write(formatter: Any, params: Iterable[Any]) -> None:
    shown = [param for param in params if not param.hidden]
    for title, kind in (("Arguments", TyperArgument), ("Options", TyperOption)):
        rows = [(names(param), about(param)) for param in shown if isinstance(param, kind)]
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def names(param: TyperArgument | TyperOption) -> str:
    """Return how a parameter is written on the command line."""
    if isinstance(param, TyperArgument):
        return f"{param.display_name_raw}..." if param.nargs != 1 else param.display_name_raw
    names = ", ".join(sorted(param.opts, key=len))
    return names if param.is_flag else f"{names} {param.metavar}"


def about(param: TyperArgument | TyperOption) -> str:
    """Return what a parameter is, with its default."""
    default = param.show_default if isinstance(param.show_default, str) else param.default
    notes = ["required"] if param.required and isinstance(param, TyperOption) else []
    if isinstance(default, str | int) and not isinstance(default, bool):
        notes.append(f"default: {default}")
    further = " ({})".format(", ".join(notes)) if notes else ""
    return f"{param.help or ''}{further}"
