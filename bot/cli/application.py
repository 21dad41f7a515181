"""The command line: what commands there are. Each is a module of this package (`lazy`).

A new command is a new module, and its name in the table below.
"""

from collections.abc import MutableMapping
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from bot.cli.lazy import LazyCommands
from bot.cli.usage import Group, PlainTyper, first_line
from bot.cli.version import show

HELP = """A durable bridge between Telegram and the Kommo CRM.

Settings come from --config FILE, else $KOMMO_TELEGRAM_CONFIG, else ./config.toml, \
else /etc/kommo-telegram/config.toml.
"""

COMMANDS = {
    "Run": ("run", "healthcheck", "demo", "version"),
    "Set up": (
        "init",
        "check",
        "config",
        "connect",
        "disconnect",
        "widget",
        "sources",
        "templates",
        "invite",
        "completion",
    ),
    "Inspect": ("queue", "trace", "chats", "history"),
    "Maintain": ("backup", "restore", "import", "block", "unblock", "export", "forget"),
}
"""Every command, under its heading in `--help`."""

LAZY = LazyCommands(__package__, [name for names in COMMANDS.values() for name in names])


class Program(Group):
    """All commands, under their headings."""

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.commands = cast("MutableMapping[str, Any]", LAZY)

    def sections(self) -> dict[str, list[tuple[str, str]]]:
        """Return the commands with what each says of itself, none of them imported."""
        return {
            heading: [(name, first_line(LAZY.help_of(name))) for name in names]
            for heading, names in COMMANDS.items()
        }

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Return what a word may become; the names of commands without importing them."""
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        about: dict[str, Any] = {
            name: TyperCommand(name, help=first_line(LAZY.help_of(name))) for name in LAZY
        }
        names = TyperGroup(name=self.name, commands=about)
        return names.shell_complete(typer.Context(names), incomplete)


app = PlainTyper(
    name="kommo-telegram",
    help=HELP,
    cls=Program,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(is_wanted: bool) -> None:
    if is_wanted:
        show()
        raise typer.Exit


@app.callback()
def remember_config(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", "-c", metavar="FILE", readable=False, help="The settings file."),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Keep what stands before the command for the command."""
    context.obj = config
