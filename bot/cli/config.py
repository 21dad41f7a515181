"""`config show`: the settings that are in effect, and where each came from."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from bot.cli.terminal import show_json, show_table
from bot.settings.effective import effective, in_words


def show(file: Path | None, environ: Mapping[str, str], *, as_json: bool) -> None:
    """Print every setting with its origin; secrets are masked."""
    found = effective(file, environ)
    if as_json:
        show_json([asdict(one) for one in found])
        return
    rows = [(one.name, in_words(one.value), one.origin) for one in found]
    show_table(("setting", "value", "origin"), rows)
