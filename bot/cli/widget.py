"""`widget`: writes the archive that Kommo wants before it lets an integration have sources."""

import os
from pathlib import Path

from bot.account.widget import Widget, archive
from bot.cli.terminal import confirm, say_text
from bot.errors import BridgeError

NEXT = """\
Written: {file}
1. In Kommo, open your integration (Settings, Integrations, Private integrations) and upload this
   file there; tick "multiple sources". Kommo then shows the widget's code.
2. Tell Kommo support the widget's code and the integration's id, for your chat channel.
3. Then: kommo-telegram sources sync
Kommo wants a higher version with each upload: give one with --version."""


class WidgetError(BridgeError):
    """The archive cannot be written."""


def write(file: Path, widget: Widget, *, is_confirmed: bool) -> None:
    """Write the archive as a whole, over an earlier one only when told to."""
    if file.exists() and not is_confirmed:
        confirm(f"{file} is there already. Replace it?")
    draft = file.with_name(f".{file.name}.new")
    try:
        draft.unlink(missing_ok=True)
        draft.write_bytes(archive(widget))
        draft.replace(file)
    except OSError as error:
        raise WidgetError(f"cannot write {file}: {error.strerror or error}") from error
    say_text(NEXT.format(file=os.fspath(file)))
