"""`restore FILE`: a backup in the database's place, while the service is stopped."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.cli.backup import settings_beside
from bot.cli.options import YesOption, load_settings, settings_file
from bot.cli.terminal import confirm, say
from bot.cli.usage import PlainTyper
from bot.errors import BridgeError
from bot.settings import Settings
from bot.words import counted
from storage.backups import Backup, Since
from storage.engines import backend_of
from storage.errors import DatabaseBusyError
from storage.location import Location
from storage.reasons import reason

app = PlainTyper()


class ServiceRunsError(BridgeError):
    """The database is in use."""


@app.command()
def restore(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", readable=False, help="What `backup` wrote.")
    ],
    yes: YesOption = False,
) -> None:
    """Replace the database with a backup, while the service is stopped.

    It verifies the backup first, says what was written since, and keeps the old database aside.
    """
    settings, present = load_settings(context), settings_file(context)
    location, database = settings.location, settings.database
    backend = backend_of(location)
    backup = backend.inspect(file, location)
    _make_folder(database.parent)
    try:
        with backend.lock(location):
            _say_what_is_lost(backup, location)
            if not yes:
                confirm(f"Replace {database} with {file}?")
            restoring = backend.restoring(backup, location, datetime.now(UTC))
            has_kept = restoring.run()
    except DatabaseBusyError as error:
        raise ServiceRunsError(
            f"{error}; nothing was changed. The service: sudo systemctl stop kommo-telegram"
        ) from error
    say(f"{database}: restored from {file}, verified")
    if has_kept:
        say(
            f"The old database is kept: {restoring.aside}, and the files beside it that begin "
            "with this name. Remove them when all is well: they contain clients' messages."
        )
    _say_what_comes(settings, present, file)


def _make_folder(folder: Path) -> None:
    """Make the database's folder where the service has not been started yet."""
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise BridgeError(
            f"cannot make the folder {folder}: {reason(error, 'make it, or change storage.path')}"
        ) from error


def _say_what_is_lost(backup: Backup, location: Location) -> None:
    """Tell how old the backup is, and what only the present database has."""
    at = backup.latest_at
    until = f"up to {at:%Y-%m-%d %H:%M:%S} UTC" if at else "without any message"
    say(f"The backup holds {counted(backup.conversations, 'conversation')}, {until}.")
    if not os.path.lexists(location.path):  # a link that leads nowhere is there, too
        say(f"There is no database at {location.path} yet.")
        return
    lacking = backend_of(location).since(backup, location)
    if lacking is None:
        say("The present database is damaged: it is unknown what was written since the backup.")
        return
    say(*lines_about(lacking))


def lines_about(lacking: Since) -> list[str]:
    """Return in words what was written since a backup was made."""
    if lacking == Since(0, 0, 0, 0, 0):
        return [
            "Nothing was written since: the backup contains everything in the present database."
        ]
    lines = [
        f"Since then: {counted(lacking.incoming, 'message')} from clients, "
        f"{counted(lacking.outgoing, 'message')} to clients, "
        f"{counted(lacking.conversations, 'new conversation')}."
    ]
    if lacking.to_kommo:
        lines.append(
            f"{counted(lacking.to_kommo, 'item')} for Kommo "
            f"{'is' if lacking.to_kommo == 1 else 'are'} not delivered yet: only "
            "the present database has them, and Telegram does not send them again. To keep "
            "them, start the service, wait until `kommo-telegram queue list` is empty, and make "
            "a new backup."
        )
    if lacking.to_telegram:
        lines.append(
            f"{counted(lacking.to_telegram, 'item')} for Telegram "
            f"{'is' if lacking.to_telegram == 1 else 'are'} not delivered yet."
        )
    return lines


def _say_what_comes(settings: Settings, settings_file: Path | None, file: Path) -> None:
    """Tell what the next start does, and where the settings are."""
    say(
        "The next start sees that the database is a copy. What clients wrote while the service "
        "was stopped arrives then. What managers wrote since the backup is read back from "
        "Kommo's history, and not sent, as it may have been delivered already: "
        "`kommo-telegram queue list` shows it; look into the chat, then `queue retry` or "
        "`queue drop` it."
    )
    if settings.kommo.oauth is not None:
        say(
            "The backup's access to Kommo's REST API has expired: open the link that "
            "`kommo-telegram check` shows."
        )
    beside = settings_beside(file)
    if beside.exists():
        place = settings_file or "the settings file"
        say(f"The settings saved with it are in {beside}; {place} stays as it is.")
