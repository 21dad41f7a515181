"""`healthcheck`: asks the running service, for scripts and container runtimes."""

import asyncio

from bot.cli.terminal import say
from bot.errors import BridgeError
from bot.operate.service.running import NotRunningError, OtherProgramError, ask
from bot.settings import Settings


class UnwellError(BridgeError):
    """The service does not do its work; the text says why."""


def healthcheck(settings: Settings) -> None:
    """Say that the service is well.

    Raises:
        UnwellError: it is not.
    """
    try:
        told = asyncio.run(ask(settings))
    except NotRunningError as error:
        raise UnwellError(f"the service does not run: {error}") from error
    except OtherProgramError as error:
        raise UnwellError(f"another program answers: {error}") from error
    if told.problems:
        raise UnwellError("; ".join(told.problems))
    say("ok")
