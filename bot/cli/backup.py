"""`backup FILE`: a consistent copy of the database while the service runs."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from bot.account.existing import open_existing
from bot.cli.options import load_settings, settings_file
from bot.cli.terminal import say
from bot.cli.usage import PlainTyper
from bot.errors import BridgeError
from bot.operate.backup import note_backup
from bot.settings import Settings
from storage.new_files import create_part, flush, refuse_existing
from storage.reasons import reason

app = PlainTyper()


class SettingsNotSavedError(BridgeError):
    """The settings cannot be put beside the copy."""


@app.command()
def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", readable=False, help="A new file.")],
    with_settings: Annotated[
        bool,
        typer.Option("--with-settings", help="Save the settings too, as FILE.toml beside it."),
    ] = False,
) -> None:
    """Write a consistent, verified copy of the database while the service runs.

    Only you can read the copy. `--with-settings` saves the settings with their secrets beside it.
    """
    settings = load_settings(context)
    beside = settings_beside(file) if with_settings else None
    if beside is not None:
        refuse_existing(file)
        _copy_settings(settings_file(context), beside)
    try:
        asyncio.run(_copy(settings, file))
    except BaseException:
        if beside is not None:
            beside.unlink(missing_ok=True)
        raise
    size_kib = -(-file.stat().st_size // 1024)
    say(f"{file}: {size_kib} KiB, verified")
    if beside is not None:
        say(f"{beside}: the settings, with their secrets; keep both where only you can read them")


def settings_beside(target: Path) -> Path:
    """Return where the settings are that are saved with a copy."""
    return target.with_name(f"{target.name}.toml")


async def _copy(settings: Settings, target: Path) -> None:
    async with open_existing(settings) as database:
        await database.backup(target)
        await note_backup(database, now=datetime.now(UTC))


def _copy_settings(source: Path | None, beside: Path) -> None:
    """Copy the settings file as it is, for its owner only."""
    if source is None:
        raise SettingsNotSavedError(
            "there is no settings file to save: all comes from the environment; give the command "
            "without --with-settings, and keep the environment yourself"
        )
    part = beside.with_name(f"{beside.name}.part")
    create_part(beside, part)
    try:
        part.write_bytes(source.read_bytes())
        flush(part)
        part.rename(beside)
        flush(beside.parent)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise SettingsNotSavedError(
            f"cannot save {source} as {beside}: {reason(error)}"
        ) from error
