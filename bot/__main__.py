"""The entry: `kommo-telegram`, or `python -m bot`.

Importing the program takes a moment, in which Ctrl-C has to be as quiet as later: so it is
imported in here, and not at the top.
"""

import sys

from bot import interrupts


def main() -> None:
    """Run the command line and exit with its code."""
    interrupts.be_quiet()
    from bot.cli.streams import prepare  # noqa: PLC0415 - see above

    prepare()
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; return its exit code."""
    with interrupts.unheard():
        from bot.cli.outcome import code_of  # noqa: PLC0415 - see above
    return code_of(arguments)


if __name__ == "__main__":
    main()
