"""`run`: the service, in the foreground, until SIGTERM or SIGINT."""

import typer

from bot.cli.options import load_settings, settings_file
from bot.cli.usage import PlainTyper

app = PlainTyper()


@app.command()
def run(context: typer.Context) -> None:
    """Run the service in the foreground until SIGTERM or SIGINT."""
    settings, file = load_settings(context), settings_file(context)
    from bot.cli.serve import serve  # noqa: PLC0415 - takes seconds: wrong settings are said first

    serve(settings, file)
