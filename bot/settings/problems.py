"""Describe pydantic's findings in our own words, without any value."""

import difflib
from collections.abc import Iterator, Mapping, Sequence

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.errors import Problem
from bot.settings.sources import KeyPath, dotted, fields_of, kind_at, variable

_WORDS = {
    "missing": "is missing",
    "bool_type": "is neither true nor false",
    "int_type": "is not a whole number",
    "float_type": "is not a number",
    "string_type": "is not a text in quotes",
    "path_type": "is not a text in quotes",
    "literal_error": "is not one of the possible values",
    "tuple_type": "is not a list",
    "model_type": "is not a table",
    "model_attributes_type": "is not a table",
    "dict_type": "is not a table",
    "greater_than": "is too small",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "finite_number": "is not a number",
}


class MismatchError(ValueError):
    """Settings of one table that do not go together; paths are relative to the table."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = problems
        super().__init__("settings do not go together")


def problems_in(
    error: ValidationError, model: type[BaseModel], origins: Mapping[KeyPath, str]
) -> list[Problem]:
    """Return what is wrong, one problem per setting.

    Args:
        error: what validation said; its own text would quote values.
        model: the settings' model, for what is expected and what names there are.
        origins: where values that are not from the file came from.
    """
    return [
        problem
        for details in error.errors(include_url=False, include_input=False)
        for problem in _problems(details, model, origins)
    ]


def unknown(place: KeyPath, model: type[BaseModel], origins: Mapping[KeyPath, str]) -> Problem:
    """Return the problem of a setting that does not exist, with the one that was meant."""
    origin = _origin(place, origins)
    expected = _nearest(place, model, is_variable=(origin or "").startswith("$"))
    return Problem(dotted(place), "is not a setting of this release", expected, origin)


def known_names(model: type[BaseModel], place: KeyPath = ()) -> Iterator[KeyPath]:
    """Return the place of every setting and table of a model; 0 stands for any entry of a list."""
    for name in fields_of(model):
        here = (*place, name)
        yield here
        kind = kind_at(model, (name,))
        entry = kind_at(model, (name, 0)) or kind
        if isinstance(entry, type) and issubclass(entry, BaseModel):
            inner = here if entry is kind else (*here, 0)
            yield from known_names(entry, inner)


def _problems(
    details: ErrorDetails, model: type[BaseModel], origins: Mapping[KeyPath, str]
) -> Iterator[Problem]:
    place = details["loc"]
    cause = details.get("ctx", {}).get("error")
    if isinstance(cause, MismatchError):
        prefix = f"{dotted(place)}." if place else ""
        names = {dotted(given): origin for given, origin in origins.items()}
        for problem in cause.problems:
            path = prefix + problem.path
            yield Problem(path, problem.what, problem.expected, names.get(path))
        return
    origin = _origin(place, origins)
    if details["type"] == "extra_forbidden":
        yield unknown(place, model, origins)
        return
    what = str(cause) if cause else _WORDS.get(details["type"], "is not valid")
    yield Problem(dotted(place), what, _description(place, model), origin)


def _origin(place: KeyPath, origins: Mapping[KeyPath, str]) -> str | None:
    """Return where a value or the whole that it is part of came from."""
    wholes = (place[:length] for length in range(len(place), 0, -1))
    return next((origins[whole] for whole in wholes if whole in origins), None)


def _description(place: KeyPath, model: type[BaseModel]) -> str:
    """Return what a setting's field says of itself; an entry of a list has its list's words."""
    while place and isinstance(place[-1], int):
        place = place[:-1]
    table = kind_at(model, place[:-1])
    is_table = isinstance(table, type) and issubclass(table, BaseModel)
    fields = fields_of(table) if is_table else {}
    field = fields.get(str(place[-1])) if place else None
    return (field and field.description) or "another value"


def _nearest(place: KeyPath, model: type[BaseModel], *, is_variable: bool) -> str:
    """Return the known setting that was probably meant."""
    pattern = tuple(0 if isinstance(step, int) else step for step in place)
    names = list(known_names(model))
    siblings = {str(name[-1]): name for name in names if name[:-1] == pattern[:-1]}
    leaves = {str(name[-1]): name for name in reversed(names)}
    for choice, cutoff in ((siblings, 0.6), (leaves, 0.85)):
        found = difflib.get_close_matches(str(place[-1]), choice, n=1, cutoff=cutoff)
        if found:
            meant = choice[found[0]]
            if choice is siblings:
                meant = (*place[:-1], meant[-1])
            return variable(meant) if is_variable else dotted(meant)
    return "one of " + ", ".join(siblings)
