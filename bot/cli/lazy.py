"""Commands that are imported when they are called: each is a module with its options and its help.

Importing all of them would take seconds. The list of commands in `--help` needs no more than their
docstrings, which are read from the modules' source.
"""

import ast
import importlib
import keyword
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

import typer

from bot import interrupts


class LazyCommands(Mapping[str, Any]):
    """Commands by name; the module of the same name has a Typer called `app`.

    Where Python has taken the name, the module's has an underscore: `import` is in `import_`.
    """

    def __init__(self, package: str, names: Sequence[str]) -> None:
        self._package = package
        self._modules = {name: f"{name}_" if keyword.iskeyword(name) else name for name in names}

    def __getitem__(self, name: str) -> Any:
        with interrupts.unheard():
            module = importlib.import_module(f"{self._package}.{self._modules[name]}")
        command = typer.main.get_command(module.app)
        command.name = name
        return command

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __len__(self) -> int:
        return len(self._modules)

    def help_of(self, name: str) -> str:
        """Return a command's help without importing the command."""
        source = resources.files(self._package).joinpath(f"{self._modules[name]}.py")
        return _help_in(source.read_text(encoding="utf-8"))


def _help_in(source: str) -> str:
    """Return the docstring of the first function that is decorated with `app`."""
    return next(
        ast.get_docstring(node) or ""
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and any(map(_is_apps, node.decorator_list))
    )


def _is_apps(decorator: ast.expr) -> bool:
    return ast.unparse(decorator).startswith("app.")
