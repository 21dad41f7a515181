"""The settings file: where it is looked for, and who may read it."""

from collections.abc import Mapping
from pathlib import Path

from bot.errors import ConfigError, Problem
from bot.settings.sources import (
    PREFIX,
)

SYSTEM_FILE = Path("/etc/kommo-telegram/config.toml")


FILE_VARIABLE = "KOMMO_TELEGRAM_CONFIG"


def find_file(
    option: Path | None,
    environ: Mapping[str, str],
    cwd: Path,
    *,
    system_file: Path = SYSTEM_FILE,
) -> Path | None:
    """Return the settings file to read; None when all comes from the environment.

    Args:
        option: what `--config` says.
        environ: the environment's variables.
        cwd: the folder that relative paths start from.
        system_file: where to look last.

    Raises:
        ConfigError: there is none.
    """
    named = option or (Path(environ[FILE_VARIABLE]) if environ.get(FILE_VARIABLE) else None)
    places = [cwd / named] if named else [cwd / "config.toml", system_file]
    for place in places:
        if is_there(place):
            return place
    if not named and any(name.upper().startswith(PREFIX) for name in environ):
        return None
    origin = f"${FILE_VARIABLE}" if named and not option else None
    looked = " and ".join(map(str, places))
    raise ConfigError(
        [
            Problem(
                looked,
                "there is no settings file here",
                "a file made by `kommo-telegram init`, or named with --config FILE",
                origin,
            )
        ]
    )


def readable_by_others(path: Path) -> str | None:
    """Return a warning when other users of the machine can read the settings file."""
    if path.stat().st_mode & 0o077 == 0:
        return None
    return (
        f"{path} holds secrets, and is readable by other users of this machine; "
        f"run: chmod 600 {path}"
    )


def is_there(path: Path) -> bool:
    """Tell whether there is a file; whoever reads one that is out of reach says what is wrong."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
