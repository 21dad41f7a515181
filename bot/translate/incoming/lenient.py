"""Telegram's plain objects → aiogram's models, with as much as can be read. Pure.

Telegram adds fields and kinds before the library knows them, and an older Bot API server lacks
some that the library demands. What is missing gets a neutral value, what has a wrong type or an
unknown kind is left out, and only what stays unreadable is an error: see decisions 0046 and 0052.
Reference: Bot API, Update (objects may get new fields at any time).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin

from aiogram.types import InaccessibleMessage, InlineKeyboardMarkup
from pydantic import BaseModel, TypeAdapter, ValidationError

from bot.translate.ids import ID_LIMIT
from bot.translate.incoming.annotations import annotations_of
from bot.translate.incoming.neutral import (
    BESIDE,
    DATED,
    ESSENTIAL,
    FILE_ID,
    FILE_UNIQUE_ID,
    NEUTRAL,
    NEUTRAL_LEAVES,
)

DEPTH = 24
"""Models within models; Telegram itself nests a dozen at most."""


WHOLE = (InlineKeyboardMarkup,)
"""Models that are shown to the client again: as they are, or not at all."""

CUT = "is_cut"
"""Marks such a model of which something was left out."""

LEAVES: Mapping[Any, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (bool, int, float, str, datetime)
}
ODD = re.compile(
    r'[-\d.]{16}|\d[eE]\+?\d\d|\b(?:NaN|Infinity)\b|"(?:\w+_)?id": (?:true|false)|"file_id": ""'
)
"""What the library takes and no database keeps: numbers beyond 52 bits, ids that are none."""


EPOCH = datetime.fromtimestamp(0, UTC)

NOTHING: Any = object()
"""Stands for what cannot be read."""

Model = TypeVar("Model", bound=BaseModel)
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Reading(Generic[Model]):
    """An object as far as it could be read.

    Args:
        model: the object; None when too little of it can be read.
        left_out: where there was something that could not be read.
    """

    model: Model | None
    left_out: tuple[Path, ...] = ()


def reading(model: type[Model], raw: Any, *, now: datetime = EPOCH) -> Reading[Model]:
    """Return an object with all of it that can be read.

    Args:
        model: what it is.
        raw: plain objects.
        now: the moment of receipt, at which what tells no moment happened.
    """
    if not isinstance(raw, Mapping):
        return Reading(None)
    if not ODD.search(json.dumps(raw)):
        try:
            return Reading(model.model_validate(raw))
        except ValidationError:
            pass
    reader = _Reader(now)
    mended = reader.object(model, raw, ())
    try:
        return Reading(model.model_validate(mended), tuple(reader.left_out))
    except ValidationError:
        return Reading(None)


def read(model: type[Model], raw: Any) -> Model | None:
    """Return an object with all of it that can be read; None when that is too little."""
    return reading(model, raw).model


@dataclass
class _Reader:
    """Mends one object before it is validated again; notes the places that it left out."""

    now: datetime
    left_out: list[Path] = field(default_factory=list)

    def value(self, annotation: Any, value: Any, path: Path) -> Any:
        """Return a value as far as it fits its type; `NOTHING` when it does not."""
        origin = get_origin(annotation)
        if origin in (Union, UnionType):
            return self._member(get_args(annotation), value, path)
        if origin is Literal:
            return value if value in get_args(annotation) else NOTHING
        if origin is list:
            return self._list(get_args(annotation)[0], value, path)
        if _is_model(annotation):
            return self.object(annotation, value, path)
        return _leaf(annotation, value)

    def object(self, model: type[BaseModel], raw: Any, path: Path) -> Any:
        """Return an object with the readable of its fields, and with those that it must have."""
        if not isinstance(raw, Mapping) or len(path) > DEPTH:
            return NOTHING
        result, kept = dict(raw), 0
        if issubclass(model, WHOLE) and not _is_valid(model, raw):
            result[CUT] = True
        kinds = annotations_of(model)
        for name, info in model.model_fields.items():
            key = info.alias if info.alias in raw else name
            if key in raw:
                result[key] = self.value(kinds[name], raw[key], (*path, name))
                if result[key] is not NOTHING and (name != FILE_ID or raw[key]):
                    kept += 1
                    continue
                del result[key]
                self.left_out.append((*path, name))
            if info.is_required():
                result[key] = self._neutral(model, name, raw)
                if result[key] is NOTHING:
                    return NOTHING
        return result if kept or not _must(model) else NOTHING

    def _member(self, members: tuple[Any, ...], value: Any, path: Path) -> Any:
        """Return a value as that member of a union which it is."""
        if value is None:
            return None if NoneType in members else NOTHING
        fitting = (self.value(one, value, path) for one in members if _may_be(one, value))
        found = next((found for found in fitting if found is not NOTHING), NOTHING)
        if found is NOTHING and isinstance(value, Mapping):
            return self._unnamed(members, value, path)
        return found

    def _unnamed(self, members: tuple[Any, ...], value: Mapping[str, Any], path: Path) -> Any:
        """Return an object of no known kind as that member which alone has what it holds."""
        if InaccessibleMessage in members:
            return self.object(InaccessibleMessage, {**value, "date": 0}, path)
        for one in members:
            kind = _kind_field(one)
            if kind is not None and any(
                value.get(name) is not None for name in _own(one, members)
            ):
                named = {**value, kind: get_args(annotations_of(one)[kind])[0]}
                return self.object(one, named, path)
        return NOTHING

    def _list(self, kind: Any, values: Any, path: Path) -> Any:
        """Return the readable members of a list."""
        if not isinstance(values, list):
            return NOTHING
        found = [self.value(kind, one, (*path, number)) for number, one in enumerate(values)]
        self.left_out += [(*path, at) for at, one in enumerate(found) if one is NOTHING]
        return [one for one in found if one is not NOTHING]

    def _neutral(self, model: type[BaseModel], name: str, raw: Mapping[str, Any]) -> Any:
        """Return what says nothing in a required field; `NOTHING` where everything would."""
        owner = model.__name__
        if (owner, name) == ("Chat", "type"):
            return _kind_of_chat(raw.get("id"))
        if name == FILE_ID:
            return "" if any(raw.get(other) for other in BESIDE.get(owner, ())) else NOTHING
        if name == FILE_UNIQUE_ID:
            return str(raw.get(FILE_ID) or "")
        if name in ESSENTIAL.get(owner, ()):
            return NOTHING
        if name == "date" and owner in DATED:
            return self.now
        return NEUTRAL.get((owner, name), _neutral_of(annotations_of(model)[name]))


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _may_be(member: Any, value: Any) -> bool:
    """Tell whether a value can be a member of a union, by the kinds that it names."""
    if not _is_model(member):
        return member is not NoneType
    return isinstance(value, Mapping) and all(
        value.get(name) in get_args(kind)
        for name, kind in annotations_of(member).items()
        if get_origin(kind) is Literal
    )


def _kind_field(member: Any) -> str | None:
    """Return the field that names a member's kind, where what else it holds tells it as well.

    What became of a member of a chat is never guessed.
    """
    if not _is_model(member):
        return None
    fields = annotations_of(member).items()
    kinds = (name for name, kind in fields if get_origin(kind) is Literal)
    return next((name for name in kinds if name != "status"), None)


def _own(member: Any, members: tuple[Any, ...]) -> list[str]:
    """Return the required fields that one member of a union has, and no other."""
    others = {
        name for one in members if one is not member and _is_model(one) for name in _must(one)
    }
    return [name for name in _must(member) if name not in others]


def _must(model: type[BaseModel]) -> list[str]:
    return [name for name, info in model.model_fields.items() if info.is_required()]


def _leaf(kind: Any, value: Any) -> Any:
    """Return a plain value if it fits; types that are none of JSON's fit nothing."""
    adapter = LEAVES.get(kind)
    if adapter is None:
        return value if kind is Any else NOTHING
    if isinstance(value, bool) and kind is not bool:
        return NOTHING
    try:
        found = adapter.validate_python(value)
    except ValidationError:
        return NOTHING
    is_number = isinstance(found, int | float)
    return value if not is_number or abs(found) < ID_LIMIT else NOTHING


def _neutral_of(annotation: Any) -> Any:
    """Return what says nothing, of a type."""
    if get_origin(annotation) is list:
        return []
    if NoneType in get_args(annotation):
        return None
    return NEUTRAL_LEAVES.get(annotation, NOTHING)


def _kind_of_chat(chat_id: Any) -> Any:
    """Return the kind of a chat by its id: only people have positive ones."""
    return "private" if _leaf(int, chat_id) is not NOTHING and int(chat_id) > 0 else ""


def _is_valid(model: type[BaseModel], raw: Any) -> bool:
    try:
        model.model_validate(raw)
    except ValidationError:
        return False
    return True
