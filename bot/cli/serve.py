"""The service as a process: its log, its signals, its end."""

import asyncio
import gc
import logging
import os
import signal
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from bot.app import open_app
from bot.app.first_consent import wait_for_consent
from bot.errors import BridgeError
from bot.logs import Redactor, configure
from bot.settings import BotSettings, Settings
from bot.settings.location import readable_by_others
from kommo.errors import KommoError
from storage.engines import backend_of
from storage.errors import StorageError
from storage.location import Location

SWITCH_S = 0.0005
"""How long the loop keeps the interpreter while the database's thread waits for it.

Python's own 5 ms would be added to each commit of a busy bridge, twice.
"""


NAMED_BOTS = 10
"""So many bots are named in the line of the start."""

log = logging.getLogger(__name__)


class WrongUserError(BridgeError):
    """The service is to be run by the owner of its database."""


def serve(settings: Settings, file: Path | None) -> None:
    """Run until a signal; an error that ended the service is raised as itself.

    Args:
        settings: what the file and the environment say.
        file: where they were read; None when all comes from the environment.
    """
    refuse_root(settings.location)
    redact = Redactor(settings.secrets())
    configure(settings.logging.level, settings.logging.format, sys.stderr, redact, os.environ)
    version = metadata.version("kommo-telegram")
    log.info("kommo-telegram %s started", version, extra=_whole(settings, file))
    _warn_of_readers(file)
    sys.setswitchinterval(SWITCH_S)
    try:
        asyncio.run(_serve(settings, redact))
    except* (BridgeError, KommoError, StorageError) as group:
        raise _first(group) from group
    finally:
        log.info("kommo-telegram %s stopped", version)


def _whole(settings: Settings, file: Path | None) -> dict[str, str]:
    """Return what a start is with: the settings file, and the bots."""
    bots = [
        f"{bot.bot_id} ({bot.name})" if bot.name else str(bot.bot_id) for bot in _bots(settings)
    ]
    more = len(settings.telegram.bots) - len(bots)
    named = ", ".join([*bots, f"and {more} more"] if more else bots)
    return {"settings": str(file) if file else "the environment", "bots": named}


def _bots(settings: Settings) -> Sequence[BotSettings]:
    return settings.telegram.bots[:NAMED_BOTS]


def refuse_root(location: Location) -> None:
    """Refuse to run as root on what is somebody else's: the service could not go on with it.

    Raises:
        WrongUserError: with the remedy.
    """
    owner = backend_of(location).owner_kept_from(location)
    if owner is not None:
        raise WrongUserError(
            f"{location.path} belongs to {owner}, and this is root: files that root makes there "
            "would stop the service. Start the service: sudo systemctl start kommo-telegram; or "
            f"run as its owner: sudo -u '{owner}' kommo-telegram run"
        )


def _warn_of_readers(file: Path | None) -> None:
    """Warn when others may read the settings; systemd's own copy is for the service alone."""
    credentials = os.environ.get("CREDENTIALS_DIRECTORY")
    if file is None or (credentials and file.is_relative_to(credentials)):
        return
    warning = readable_by_others(file)
    if warning is not None:
        log.warning("%s", warning)


async def _serve(settings: Settings, redact: Redactor) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await wait_for_consent(settings, stop)
    if stop.is_set():
        return
    async with open_app(settings, redact=redact) as app:
        gc.freeze()  # what was made until now stays: the collector need not look at it again
        await app.run(stop)


def _first(group: BaseExceptionGroup[Exception]) -> BaseException:
    """Return the first error inside nested groups."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
