"""`version`: which release this is."""

from importlib import metadata

import typer

from bot.cli.usage import PlainTyper

app = PlainTyper()


@app.command()
def version() -> None:
    """Print the version."""
    show()


def show() -> None:
    """Print the program's name and its version."""
    typer.echo(f"kommo-telegram {metadata.version('kommo-telegram')}")
