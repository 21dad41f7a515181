"""`completion`: the script by which a shell completes the command line."""

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import get_completion_script  # type: ignore[attr-defined] # has no other name

from bot.cli.usage import PlainTyper

app = PlainTyper()

PROGRAM = "kommo-telegram"
VARIABLE = "_KOMMO_TELEGRAM_COMPLETE"
"""What a shell asks the program with; the name is the library's rule."""


class Shell(StrEnum):
    """A shell that can complete."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


AUTOLOADED = """
# a file of zsh's function path is first called to complete, and only then known
if [[ ${funcstack[1]} == _kommo-telegram ]]; then _kommo_telegram_completion "$@"; fi"""


@app.command()
def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print the script that completes commands and options in a shell.

    `make install` has put it in its place. Elsewhere, for bash, put into ~/.bashrc:
    eval "$(kommo-telegram completion bash)"
    """
    typer.echo(script_for(shell))


def script_for(shell: Shell) -> str:
    """Return the script of a shell."""
    script = get_completion_script(prog_name=PROGRAM, complete_var=VARIABLE, shell=shell.value)
    return f"{script}{AUTOLOADED if shell is Shell.ZSH else ''}"
