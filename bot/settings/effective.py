"""The settings as they are in effect, with the origin of each; no secret is among them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr

from bot.errors import ConfigError
from bot.settings import load_with_origins, not_told, with_stand_ins
from bot.settings.lines import is_in, line_of, lines_of
from bot.settings.sources import KeyPath, dotted, fields_of, read_toml

MASK = "********"
"""Of the same length for every secret."""

WAITING = "not set yet: Kommo support tells it"
_LOGIN = re.compile(r"://[^/\s]*@")
_PATH = re.compile(r"(://[^/?\s]+)[/?].+")


@dataclass(frozen=True)
class Effective:
    """One setting: its value, masked where it is secret, and where it came from."""

    name: str
    value: Any
    origin: str


@dataclass(frozen=True)
class Origins:
    """Where settings came from."""

    file: Path | None
    data: Mapping[str, Any]
    lines: Mapping[KeyPath, int]
    others: Mapping[KeyPath, str]
    missing: tuple[str, ...]

    def of(self, place: KeyPath) -> str:
        """Return a setting's origin: what comes before the file, the file, or nothing."""
        if dotted(place) in self.missing:
            return WAITING
        wholes = (place[:length] for length in range(len(place), 0, -1))
        other = next((self.others[whole] for whole in wholes if whole in self.others), None)
        if other is not None:
            return other
        if self.file is None or not is_in(self.data, place):
            return "default"
        line = line_of(place, self.lines)
        return f"{self.file}, line {line}" if line else str(self.file)


def effective(file: Path | None, environ: Mapping[str, str]) -> list[Effective]:
    """Return every setting.

    Raises:
        ConfigError: they cannot be used; that support has not answered yet is no reason.
    """
    missing: tuple[str, ...] = ()
    try:
        settings, others = load_with_origins(file, environ)
    except ConfigError as error:
        missing = not_told(error, file)
        if not missing:
            raise
        settings, others = load_with_origins(file, with_stand_ins(environ, missing))
    text = file.read_bytes().decode("utf-8-sig") if file else ""
    data = read_toml(file) if file else {}
    origins = Origins(file, data, lines_of(text), others, missing)
    return list(_walk(settings, (), origins))


def _walk(model: BaseModel, place: KeyPath, origins: Origins) -> Iterator[Effective]:
    for name, (_, value) in zip(fields_of(type(model)), model, strict=True):
        here = (*place, name)
        if isinstance(value, BaseModel):
            yield from _walk(value, here, origins)
        elif isinstance(value, tuple) and value and isinstance(value[0], BaseModel):
            for number, entry in enumerate(value):
                yield from _walk(entry, (*here, number), origins)
        else:
            is_missing = dotted(here) in origins.missing
            shown = None if is_missing else _shown(name, value)
            yield Effective(dotted(here), shown, origins.of(here))


def _shown(name: str, value: Any) -> Any:
    """Return a value as JSON has it, without what is secret in it."""
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, str):
        text = _LOGIN.sub(f"://{MASK}@", value)
        return _PATH.sub(rf"\1/{MASK}", text) if name.endswith("webhook_url") else text
    if isinstance(value, dict):
        return {str(key): one for key, one in value.items()}
    return list(value) if isinstance(value, tuple) else value


def in_words(value: Any) -> str:
    """Return a value for people."""
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
