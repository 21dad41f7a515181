"""Write the pages of docs/reference, and the files in share, from the program itself.

Usage: python -m scripts.reference, or `make docs`. A test says when they are stale.
"""

import re
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from bot.cli.application import app
from bot.cli.completion import Shell, script_for
from bot.settings import Settings
from scripts import manual

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs/reference"
WIDTH = 96

SETTINGS = """# Settings

This page is generated from the program and `config.example.toml` (`make docs`).

The settings are one TOML file: `--config FILE`, else `$KOMMO_TELEGRAM_CONFIG`, else
`./config.toml`, else `/etc/kommo-telegram/config.toml`. Start from
[config.example.toml](../../config.example.toml), or let `kommo-telegram init` write it.

- Every key can come from the environment instead, for example
  `KOMMO_TELEGRAM__KOMMO__CHANNEL_SECRET`, or `KOMMO_TELEGRAM__TELEGRAM__BOTS__0__TOKEN` for
  the first bot.
- Every secret can come from a file in `$CREDENTIALS_DIRECTORY`, named like
  `kommo.channel_secret` or `telegram.bots.0.token`.
- The environment takes precedence over credentials, and credentials over the file.
- An unknown key is an error, which names the nearest known key.

`kommo-telegram config show` prints the settings in effect, with the origin of each; secrets are
masked. `kommo-telegram check` says what is wrong with them.
"""
COMMANDS = """# Commands

This page is generated from the program (`make docs`); `kommo-telegram COMMAND --help` prints the
same.

Exit codes: 0 done; 1 failed, and a line on standard error says what happened and why; 2 wrong
usage or settings; 130 ended by Ctrl-C.
"""


def tables(model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel], bool]]:
    """Yield each table of the settings file: its path, its model, whether it may be repeated."""
    yield "", model, False
    yield from _tables_below(model, "")


def _tables_below(
    model: type[BaseModel], prefix: str
) -> Iterator[tuple[str, type[BaseModel], bool]]:
    for attribute, field in model.model_fields.items():
        table = _table(field)
        if table is not None:
            path = f"{prefix}{field.alias or attribute}"
            is_list = "tuple" in str(field.annotation)
            yield path, table, is_list
            yield from _tables_below(table, f"{path}{'[]' if is_list else ''}.")


def _table(field: FieldInfo) -> type[BaseModel] | None:
    """Return the table that a key holds; None for a plain value."""
    parts = [field.annotation, *getattr(field.annotation, "__args__", ())]
    return next((it for it in parts if isinstance(it, type) and issubclass(it, BaseModel)), None)


def explanations(example: str) -> dict[str, str]:
    """Return what the example file says above each key and each table, by their paths."""
    found: dict[str, str] = {}
    table = ""
    for paragraph in example.split("\n\n"):
        said: list[str] = []
        is_used = False
        for line in paragraph.strip().splitlines():
            head = re.match(r"(?:# )?\[\[?([\w.]+)\]\]?$", line)
            key = re.match(r"(?:# )?([a-z_]+) = ", line)
            if head:
                table = head[1]
                found.setdefault(table, _prose(said))
                said = []
            elif key:
                found.setdefault(f"{table}.{key[1]}".lstrip("."), _prose(said))
                is_used = True
            else:
                said = [line] if is_used else [*said, line]
                is_used = False
    return found


def _prose(lines: list[str]) -> str:
    text = " ".join(line.removeprefix("#").strip() for line in lines)
    return re.sub(r"^REQUIRED\. ", "", text).replace("REQUIRED", "Required")


def settings_page() -> str:
    """Return the page of the settings."""
    said = explanations((ROOT / "config.example.toml").read_text(encoding="utf-8"))
    parts = [SETTINGS]
    for path, table, is_list in tables(Settings):
        rows = "".join(_row(path, is_list, name, field, said) for name, field in _plain(table))
        head = f"[[{path}]]" if is_list else f"[{path}]"
        title = f"`{head}`" if path else "Top of the file"
        parts.append(
            "\n\n".join(filter(None, [f"## {title}", _wrapped(said.get(path, "")), rows]))
        )
    return "\n".join(parts)


def _plain(table: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Yield the keys of a table that hold no table."""
    for attribute, field in table.model_fields.items():
        if _table(field) is None:
            yield field.alias or attribute, field


def _row(path: str, is_list: bool, name: str, field: FieldInfo, said: dict[str, str]) -> str:
    full = f"{path}{'[]' if is_list else ''}.{name}".lstrip(".")
    head = f"- **`{full}`** ({_default(field)}): {field.description}."
    about = said.get(f"{path}.{name}".lstrip("."), "")
    return f"{_wrapped(head, '  ')[2:]}\n{_wrapped(about, '  ')}".rstrip() + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    return "optional" if field.default is None else f"default `{_toml(field.default)}`"


def _toml(value: object) -> str:
    """Return a default as it is written in the settings file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:g}"
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, tuple):
        return "[]"
    return f'"{value}"'


def _wrapped(text: str, indent: str = "") -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip


def commands_page() -> str:
    """Return the page of the commands."""
    parts = [COMMANDS]
    for name, text in helps():
        parts.append(f"## `{name}`\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def helps() -> Iterator[tuple[str, str]]:
    """Yield each command as it is typed, with its help."""
    for name, command, context in commands():
        yield name, command.get_help(context).rstrip()


def commands() -> Iterator[tuple[str, Any, Any]]:
    """Yield each command as it is typed, and its context."""
    return _commands(typer.main.get_command(app), "kommo-telegram")


def _commands(command: Any, name: str, parent: Any = None) -> Iterator[tuple[str, Any, Any]]:
    """Yield a command and those below it."""
    context = command.make_context(
        name.rpartition(" ")[2], [], parent=parent, resilient_parsing=True, terminal_width=WIDTH,
        max_content_width=WIDTH,
    )  # fmt: skip
    yield name, command, context
    if hasattr(command, "list_commands"):
        for below in command.list_commands(context):
            yield from _commands(command.get_command(context, below), f"{name} {below}", context)


PAGES = {"settings.md": settings_page, "commands.md": commands_page}


SHARED: dict[str, Callable[[], str]] = {
    "man/man1/kommo-telegram.1": lambda: manual.page(commands()),
    "bash-completion/completions/kommo-telegram": lambda: script_for(Shell.BASH) + "\n",
    "zsh/site-functions/_kommo-telegram": lambda: script_for(Shell.ZSH) + "\n",
    "fish/vendor_completions.d/kommo-telegram.fish": lambda: script_for(Shell.FISH) + "\n",
}
"""What a system keeps for its users, by the place below its `share` folder."""


def main() -> None:
    """Write the pages, and what is shared."""
    for name, page in PAGES.items():
        (FOLDER / name).write_text(page(), encoding="utf-8")
    for name, text in SHARED.items():
        path = ROOT / "share" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text(), encoding="utf-8")


if __name__ == "__main__":
    main()
