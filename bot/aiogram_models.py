"""aiogram's models are built when they are first used, not all of them when it is imported.

aiogram asks pydantic to build its types on first use (`defer_build`), and then builds all of them
at its import, because their annotations name each other across modules. Here each type keeps these
names instead. An aiogram or a pydantic that does not take them is imported as it always was.

A model of our own finds the names of aiogram's in the same way only if it is one of their classes:
where it merely has one as a field, that one is built at our import.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

PROBE = "UserProfilePhotos"
"""A small type whose annotations name another one."""


def install() -> None:
    """Have aiogram's models built on first use, if it is not imported yet."""
    if "aiogram" not in sys.modules:
        sys.meta_path.insert(0, DeferredModels())


class DeferredModels(MetaPathFinder):
    """Sees four of aiogram's modules being imported, and takes a step after each."""

    def __init__(self) -> None:
        self._names: dict[str, Any] = {}
        self._steps: dict[str, Callable[[ModuleType], None]] = {
            "aiogram.types.base": self._keep_names,
            "aiogram.types": self._build_unless_kept,
            "aiogram.methods.base": self._defer_methods,
            "aiogram.methods": self._name_for_methods,
        }

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one of the four; its step follows when it has been executed."""
        if fullname not in self._steps:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Followed(spec.loader, self._steps.pop(fullname))
        return spec

    def _keep_names(self, base: ModuleType) -> None:
        """Take the names that aiogram's types need, where it would build one."""
        usual = base.TelegramObject.model_rebuild.__func__

        def model_rebuild(cls: Any, /, **given: Any) -> Any:
            names = given.get("_types_namespace")
            if names is None:
                return usual(cls, **given)
            self._names.update(names)
            cls.__pydantic_parent_namespace__ = self._names
            return None

        base.TelegramObject.model_rebuild = classmethod(model_rebuild)

    def _build_unless_kept(self, types: ModuleType) -> None:
        """Go back to pydantic's own way of building; use it at once where names are not kept."""
        if "model_rebuild" in vars(types.TelegramObject):
            del types.TelegramObject.model_rebuild
        if self._names and not _is_built(getattr(types, PROBE, None)):
            for model in _models(types):
                model.model_rebuild(_types_namespace=self._names)
            self._names.clear()

    def _defer_methods(self, base: ModuleType) -> None:
        if self._names:
            base.TelegramMethod.model_config["defer_build"] = True

    def _name_for_methods(self, methods: ModuleType) -> None:
        for model in _models(methods) if self._names else ():
            model.__pydantic_parent_namespace__ = self._names


class _Followed(Loader):
    """Loads a module as its own loader does, and takes a step after it."""

    def __init__(self, loader: Loader, step: Callable[[ModuleType], None]) -> None:
        self._loader = loader
        self._step = step

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        module.__loader__ = self._loader
        if module.__spec__ is not None:
            module.__spec__.loader = self._loader
        self._loader.exec_module(module)
        self._step(module)


def _is_built(model: Any) -> bool:
    """Try to build a model from the names it keeps."""
    return getattr(model, "model_rebuild", lambda **_: False)(raise_errors=False) is not False


def _models(package: ModuleType) -> Iterator[Any]:
    """Yield the models that a package offers."""
    for name in package.__all__:
        model = getattr(package, name)
        if hasattr(model, "model_rebuild"):
            yield model
