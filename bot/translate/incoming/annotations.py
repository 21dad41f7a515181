"""The types of the fields of aiogram's types, read without building them."""

from collections.abc import Mapping
from functools import cache
from inspect import get_annotations
from typing import Any, get_type_hints

from aiogram import types
from aiogram.client.default import Default
from pydantic import BaseModel

NAMES = {**vars(types), "Default": Default}
"""What the annotations name across modules."""


@cache
def annotations_of(model: type[BaseModel]) -> Mapping[str, Any]:
    """Return the annotation of each field of a model."""
    written: dict[str, Any] = {}
    for owner in reversed(model.__mro__):
        written |= get_annotations(owner)
    fields = {name: written[name] for name in model.model_fields}
    holder = type(model.__name__, (), {"__annotations__": fields, "__module__": model.__module__})
    return get_type_hints(holder, localns=NAMES)
