"""Options that commands share: settings, --json, --yes."""

import os
from pathlib import Path
from typing import Annotated

import typer

from bot.settings import Settings, load
from bot.settings.location import find_file

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON document and nothing else.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation.")]


def load_settings(context: typer.Context) -> Settings:
    """Load the settings that the command line names."""
    return load(settings_file(context), os.environ)


def settings_file(context: typer.Context) -> Path | None:
    """Return the settings file; None when all comes from the environment."""
    return find_file(context.obj, os.environ, Path.cwd())
