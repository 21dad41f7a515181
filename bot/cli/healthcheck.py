"""`healthcheck`: asks the running service, for scripts and container runtimes."""

import asyncio

import typer

from bot.cli.options import load_settings
from bot.cli.terminal import say
from bot.cli.usage import PlainTyper
from bot.errors import BridgeError
from bot.operate.service.running import NotRunningError, OtherProgramError, ask

app = PlainTyper()


class UnwellError(BridgeError):
    """The service does not do its work; the text says why."""


@app.command()
def healthcheck(context: typer.Context) -> None:
    """Ask the running service for its health: exit code 0, or 1 with the reason."""
    try:
        told = asyncio.run(ask(load_settings(context)))
    except NotRunningError as error:
        raise UnwellError(f"the service is not running: {error}") from error
    except OtherProgramError as error:
        raise UnwellError(f"another program answers: {error}") from error
    if told.problems:
        raise UnwellError("; ".join(told.problems))
    say("ok")
