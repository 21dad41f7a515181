"""aiogram's models: which of them are built, and that each can be."""

import json
import subprocess
import sys
from typing import get_type_hints

import pytest
from aiogram import types

from bot.translate.incoming.annotations import annotations_of

COUNT = """
import json
import bot.app
from aiogram import methods, types

models = [
    getattr(package, name)
    for package in (types, methods)
    for name in package.__all__
    if hasattr(getattr(package, name), "model_rebuild")
]
"""
BUILT = "built = [model.__name__ for model in models if model.__pydantic_complete__]\n"
BUILD = "for model in models: model.model_rebuild()\n"
TELL = "print(json.dumps({'all': len(models), 'built': built}))"

SURPRISES = {
    "aiogram calls it otherwise": "aiogram_models.PROBE = 'NoSuchType'",
    "pydantic does not take the names": "aiogram_models._is_built = lambda model: False",
}
SURPRISE = """
import sys
from bot import aiogram_models
{how}
"""
ANSWER = """
from aiogram.types import Update
chat = {"id": 5, "type": "private"}
message = {"message_id": 7, "date": 1, "chat": chat, "text": "Hi", "reply_to_message":
           {"message_id": 6, "date": 1, "chat": chat, "photo":
            [{"file_id": "a", "file_unique_id": "b", "width": 1, "height": 2}]}}
update = Update.model_validate({"update_id": 1, "message": message})
print(update.message.reply_to_message.photo[0].height)
"""


def told_by(*parts):
    """Return what a fresh process prints."""
    done = subprocess.run(
        [sys.executable, "-c", "\n".join(parts)], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_whole_bridge_is_imported_and_next_to_nothing_is_built():
    """Hundreds of models are there; who is imported has built a handful."""
    told = json.loads(told_by(COUNT, BUILT, TELL))
    assert told["all"] > 400
    assert len(told["built"]) < 10, told["built"]


def test_every_model_can_be_built_later():
    """No annotation is left that names something unknown."""
    told = json.loads(told_by(COUNT, BUILD, BUILT, TELL))
    assert len(told["built"]) == told["all"]


@pytest.mark.parametrize("how", SURPRISES.values(), ids=SURPRISES)
def test_a_surprise_is_an_import_as_usual(how):
    """All is built at once where something is not as it was."""
    told = json.loads(told_by(SURPRISE.format(how=how), COUNT, BUILT, TELL))
    assert len(told["built"]) == told["all"]


@pytest.mark.parametrize("first", ["import bot", ""], ids=["deferred", "as usual"])
def test_an_update_is_read_the_same_either_way(first):
    """What is in an update comes out, however deep."""
    assert told_by(first, ANSWER) == "2"


def test_the_first_messages_find_their_models_built():
    """The service builds what they need before there are any."""
    warmed = """
import asyncio
from bot.app.first_models import METHODS, build_first_models
asyncio.run(build_first_models())
from aiogram.types import Update
print(Update.__pydantic_complete__, all(m.__pydantic_complete__ for m in METHODS))
"""
    assert told_by(warmed) == "True True"


def test_annotations_are_those_of_the_built_models():
    """What is read without building a type is what building it gives."""
    for model in (getattr(types, name) for name in types.__all__):
        if isinstance(model, type) and issubclass(model, types.TelegramObject):
            model.model_rebuild()
            built = {name: info.annotation for name, info in model.model_fields.items()}
            plain = get_type_hints(type("Built", (), {"__annotations__": built}))
            assert annotations_of(model) == plain, model


OURS = """
import importlib
import pkgutil
import bot
from pydantic import BaseModel

for module in pkgutil.walk_packages(bot.__path__, "bot."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)

def below(model):
    for one in model.__subclasses__():
        yield one
        yield from below(one)

ours = {one for one in below(BaseModel) if one.__module__.partition(".")[0] in ("bot", "kommo")}
print(sorted(
    one.__name__ for one in ours
    if not one.__pydantic_complete__ and one.model_rebuild(raise_errors=False) is False
), len(ours) > 30)
"""


def test_each_model_of_ours_can_be_used_in_a_fresh_process():
    """Also one that holds a type of aiogram's which nobody has used yet."""
    assert told_by(OURS) == "[] True"
