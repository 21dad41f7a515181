"""Load settings from the TOML file, credentials and the environment, and merge them."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from bot.errors import ConfigError, Problem

PREFIX = "KOMMO_TELEGRAM__"
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
CREDENTIAL_TABLES = ("kommo", "network", "telegram")
"""Tables that hold secrets; credentials of other names are none of ours."""

_POSITION = re.compile(r"\(at (?:line (\d+), column (\d+)|end of document)\)")

_INDEX = re.compile(r"[0-9]{1,3}")

_TOML_WORDS = {
    "Invalid value": "a value is not written right here: texts stand in quotes",
    "Expected '=' after a key": "a name without = and value",
    "Cannot ": "the same name or table appears twice",
    "Duplicate ": "the same name or table appears twice",
    "Unescaped '\\'": "a backslash in a text must be doubled",
    "Unclosed ": "a list or table is not closed here",
    "Unterminated ": "a text is not closed here",
    'Expected "\'"': "a text is not closed here",
    "Illegal character '\\n'": "a text is not closed on its line",
    "Found invalid character '\\n'": "a text is not closed on its line",
}

KeyPath = tuple[int | str, ...]
"""The way to a setting: ("telegram", "bots", 0, "token")."""


@dataclass(frozen=True)
class Given:
    """One setting from outside the file; a value that could not be read has a problem instead."""

    place: KeyPath
    value: Any
    origin: str
    problem: tuple[str, str] | None = None
    """What is wrong, what is expected."""


Layer = Sequence[Given]


def dotted(place: KeyPath) -> str:
    """Return a place as people write it: telegram.bots[0].token."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return text.removeprefix(".")


def variable(place: KeyPath) -> str:
    """Return the name of the variable that holds a setting."""
    return PREFIX + "__".join(str(step).upper() for step in place)


def fields_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the settings of a table by the names that people write."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def kind_at(model: type[BaseModel], place: KeyPath) -> Any:
    """Return the plain type of the setting at a place; None if there is no such setting."""
    kind: Any = model
    for step in place:
        if isinstance(step, int):
            kind = _plain(get_args(kind)[0]) if get_origin(kind) is tuple else None
        elif isinstance(kind, type) and issubclass(kind, BaseModel):
            field = fields_of(kind).get(step)
            kind = _plain(field.annotation) if field else None
        else:
            return None
    return kind


def read_toml(path: Path) -> dict[str, Any]:
    """Read the settings file.

    Raises:
        ConfigError: it cannot be read, or is not TOML; with line and column.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise ConfigError([_unreadable(path, error)]) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        what = f"line {line} is not in UTF-8"
        raise ConfigError([Problem(str(path), what, "a text file saved as UTF-8")]) from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_malformed(path, text, str(error))]) from None
    except RecursionError:
        what = "brackets are nested too deeply"
        raise ConfigError([Problem(str(path), what, "settings in TOML")]) from None


def read_environment(environ: Mapping[str, str], model: type[BaseModel]) -> Layer:
    """Return the settings in variables such as KOMMO_TELEGRAM__KOMMO__CHANNEL_SECRET."""
    return [
        _given(_place(name[len(PREFIX) :].lower().split("__"), model), value, f"${name}", model)
        for name, value in environ.items()
        if name.upper().startswith(PREFIX)
    ]


def read_credentials(environ: Mapping[str, str], model: type[BaseModel]) -> Layer:
    """Return the settings in files such as $CREDENTIALS_DIRECTORY/kommo.channel_secret.

    Raises:
        ConfigError: the folder cannot be read.
    """
    folder = environ.get(CREDENTIALS_VARIABLE)
    if not folder:
        return []
    try:
        files = sorted(Path(folder).iterdir())
    except OSError as error:
        problem = _unreadable(Path(folder), error)
        raise ConfigError([problem]) from error
    return list(_read_files(files, model))


def merge(
    base: Mapping[str, Any], layers: Sequence[Layer]
) -> tuple[dict[str, Any], dict[KeyPath, str], list[Problem]]:
    """Put layers over a base, later ones over earlier ones; entries of lists merge by number.

    Returns:
        The data, where what is not from the base came from, and what could not be placed.
    """
    data: dict[str, Any] = deepcopy(dict(base))
    origins: dict[KeyPath, str] = {}
    problems: list[Problem] = []
    for layer in layers:
        for given in sorted(layer, key=_wholes_first):
            problem = given.problem or _put(data, given)
            if problem:
                problems.append(Problem(dotted(given.place), *problem, given.origin))
            else:
                origins[given.place] = given.origin
    return data, origins, problems


def _plain(annotation: Any) -> Any:
    """Return a type without its constraints and without None."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif get_origin(annotation) in (Union, UnionType):
            annotation = next(kind for kind in get_args(annotation) if kind is not NoneType)
        else:
            return annotation


def _place(steps: Iterable[str], model: type[BaseModel]) -> KeyPath:
    """Return the place that steps lead to; only a list has numbered entries."""
    place: KeyPath = ()
    for step in steps:
        is_entry = _INDEX.fullmatch(step) and get_origin(kind_at(model, place)) is tuple
        place = (*place, int(step) if is_entry else step)
    return place


def _read_files(files: Sequence[Path], model: type[BaseModel]) -> Iterator[Given]:
    for file in files:
        place = _place(file.name.split("."), model)
        if place[0] not in CREDENTIAL_TABLES:
            continue
        origin = f"the credential {file.name}"
        try:
            text = file.read_text("utf-8").rstrip("\r\n")
        except OSError as error:
            problem = (f"cannot be read: {error.strerror}", "a file that this user may read")
            yield Given(place, None, origin, problem)
        except UnicodeDecodeError:
            yield Given(place, None, origin, ("is not in UTF-8", "a text file saved as UTF-8"))
        else:
            yield _given(place, text, origin, model)


def _given(place: KeyPath, text: str, origin: str, model: type[BaseModel]) -> Given:
    """Return a setting from a text, as the type of the setting has it."""
    kind = kind_at(model, place)
    if kind in (bool, int, float):
        try:
            return Given(place, TypeAdapter(kind).validate_strings(text), origin)
        except ValidationError:
            return Given(place, text, origin)  # validation says what is wrong with it
    is_composite = get_origin(kind) in {tuple, dict} or (
        isinstance(kind, type) and issubclass(kind, BaseModel)
    )
    if not is_composite:
        return Given(place, text, origin)
    try:
        return Given(place, json.loads(text), origin)
    except (ValueError, RecursionError):
        return Given(place, None, origin, ("is not valid JSON", "a list or an object in JSON"))


def _wholes_first(given: Given) -> list[str]:
    """Order settings so that a whole list comes before its entries, and these by number."""
    return [str(step).zfill(4) for step in given.place]


_NO_PLACE = ("has no place", "the name of a setting; entries of a list are numbered 0, 1, 2 …")


def _put(data: Any, given: Given) -> tuple[str, str] | None:
    """Put a setting into the data; return what is wrong and expected when it does not fit."""
    for step, after in pairwise(given.place):
        data = _enter(data, step, [] if isinstance(after, int) else {})
    last = given.place[-1]
    if isinstance(data, list) and isinstance(last, int) and last <= len(data):
        data[last : last + 1] = [given.value]
    elif isinstance(data, dict):
        data[str(last)] = given.value
    else:
        return _NO_PLACE
    return None


def _enter(data: Any, step: int | str, empty: Any) -> Any:
    """Return what is at a step, made when there is nothing yet; None when there can be nothing."""
    if isinstance(data, dict):
        return data.setdefault(str(step), empty)
    if isinstance(data, list) and isinstance(step, int) and step <= len(data):
        if step == len(data):
            data.append(empty)
        return data[step]
    return None


def _unreadable(path: Path, error: OSError) -> Problem:
    expected = "a file that this user may read"
    if isinstance(error, PermissionError):
        expected += "; settings of the service are for root: begin the command with sudo"
    return Problem(str(path), f"cannot be read: {error.strerror}", expected)


def _malformed(path: Path, text: str, message: str) -> Problem:
    """Return what is wrong with the TOML; the parser's own words may quote what stands there."""
    position = _POSITION.search(message)
    if position and position[1]:
        where = f"line {position[1]}, column {position[2]}"
    else:
        lines = text.split("\n")
        where = f"line {len(lines)}, column {len(lines[-1]) + 1}"
    words = next((words for start, words in _TOML_WORDS.items() if message.startswith(start)), "")
    return Problem(f"{path}, {where}", words or "this is not TOML", 'lines like name = "value"')
