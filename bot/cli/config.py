"""`config show`: the settings that are in effect, and where each came from."""

import os
from dataclasses import asdict

import typer

from bot.cli.options import JsonOption, settings_file
from bot.cli.terminal import show_json, show_table
from bot.cli.usage import PlainTyper
from bot.settings.effective import effective, in_words

app = PlainTyper()


@app.callback()
def config() -> None:
    """Settings in effect."""


@app.command("show")
def show(context: typer.Context, as_json: JsonOption = False) -> None:
    """Show every setting in effect with its origin; secrets are masked."""
    found = effective(settings_file(context), os.environ)
    if as_json:
        show_json([asdict(one) for one in found])
        return
    rows = [(one.name, in_words(one.value), one.origin) for one in found]
    show_table(("setting", "value", "origin"), rows)
