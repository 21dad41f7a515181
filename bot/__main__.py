"""The entry: `kommo-telegram`, or `python -m bot`. Turns errors into exit codes, and nothing else.

Exit codes: 0 done, 1 it failed, 2 wrong usage or settings. What a user, a server or a network can
cause is a readable line on standard error, never a traceback.
"""

import sys

from bot.cli.application import app
from bot.errors import BridgeError, ConfigError
from kommo.errors import KommoError
from storage.errors import StorageError

DONE, FAILED, WRONG_USAGE = 0, 1, 2


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code."""
    try:
        app(arguments, prog_name="kommo-telegram")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else FAILED
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - this is the command line's own output
        return WRONG_USAGE
    except (BridgeError, KommoError, StorageError) as error:
        print(f"kommo-telegram: {error}", file=sys.stderr)  # noqa: T201 - as above
        return FAILED
    except KeyboardInterrupt:
        return FAILED
    return DONE


if __name__ == "__main__":
    main()
