"""`widget`: writes the archive that Kommo wants before it lets an integration have sources."""

import contextlib
import os
import re
from importlib import metadata
from pathlib import Path
from typing import Annotated

import typer

from bot.account.widget import Widget, archive
from bot.cli.options import YesOption
from bot.cli.terminal import confirm, say_text
from bot.cli.usage import PlainTyper
from bot.errors import BridgeError
from storage.reasons import reason

app = PlainTyper()

NEXT = """\
Written: {file}
1. In Kommo, open your integration (Settings, Integrations, Private integrations) and upload this
   file there; tick "multiple sources". Kommo then shows the widget's code.
2. Tell Kommo support the widget's code and the integration's id, for your chat channel.
3. Then: kommo-telegram sources sync
Kommo wants a higher version with each upload: give one with --version."""


class WidgetError(BridgeError):
    """The archive cannot be written."""


@app.command("widget")
def write(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.zip", readable=False, help="The archive to write.")
    ],
    code: Annotated[
        str | None,
        typer.Option("--code", metavar="CODE", help="The widget's code, if Kommo has given one."),
    ] = None,
    number: Annotated[
        str | None,
        typer.Option(
            "--version",
            metavar="N.N.N",
            help="The widget's version: higher with each upload.",
            show_default="the program's",
        ),
    ] = None,
    yes: YesOption = False,
) -> None:
    """Write the widget archive that Kommo requires before bots can have sources."""
    widget = _widget(number, code)
    if file.exists() and not yes:
        confirm(f"{file} exists already. Replace it?")
    draft = file.with_name(f".{file.name}.new")
    try:
        draft.unlink(missing_ok=True)
        draft.write_bytes(archive(widget))
        draft.replace(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise WidgetError(f"cannot write {file}: {reason(error)}") from error
    say_text(NEXT.format(file=os.fspath(file)))


def _widget(number: str | None, code: str | None) -> Widget:
    if number is not None and not re.fullmatch(r"[0-9]{1,5}(\.[0-9]{1,5}){1,3}", number):
        raise typer.BadParameter("numbers with dots, such as 0.2.0", param_hint="--version")
    if code is not None and not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", code):
        raise typer.BadParameter(
            "letters, digits, _ and -, as Kommo shows it", param_hint="--code"
        )
    return Widget(number or metadata.version("kommo-telegram"), code)
