"""The imports point one way; this reads them all and says which does not."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cli.application import COMMANDS

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "kommo", "storage", "sandbox")

FLOORS = (
    ("bot.__main__",),
    ("bot.cli",),
    ("bot.app",),
    ("bot.operate",),
    ("bot.account", "bot.deliver", "bot.imports"),
    ("bot.receive", "bot.media", "bot.settings"),
    ("bot.conversations",),
    ("bot.translate", "bot.queue", "bot.http"),
    (
        "kommo",
        "storage",
        "sandbox",
        "bot.errors",
        "bot.health",
        "bot.logs",
        "bot.words",
        "bot.background",
        "bot.interrupts",
        "bot.aiogram_models",
    ),
)
"""The house from the top: a module may import its own room, and the rooms of the floors below."""

APART = (
    ("bot.deliver.kommo", "bot.deliver.telegram"),
    ("bot.translate.incoming", "bot.translate.outgoing"),
    ("bot.translate.incoming", "bot.translate.exports"),
    ("bot.translate.outgoing", "bot.translate.exports"),
)
"""Rooms within a room, which know nothing of each other."""

FOREIGN = {
    "kommo": ("aiogram", "aiohttp"),
    "storage": ("aiogram", "aiohttp", "httpx"),
    "sandbox": ("aiogram",),
    "bot.translate": ("httpx", "aiohttp", "asyncio", "aiosqlite", "storage"),
    "bot": ("sqlite3", "aiosqlite"),
    "bot.receive": ("kommo.chats",),
    "bot.deliver": ("kommo.signature",),
}
"""What a room may not import though its floor would allow it, or though it is not ours."""

ONLY = {
    "storage.sqlite": ("storage.sqlite", "storage.engines"),
    "storage.engines": ("storage.engines", "storage.database", "bot.cli"),
    "bot.app": ("bot.app", "bot.cli.serve"),
    "sandbox": ("sandbox", "bot.cli.demo"),
}
"""Who alone may import a room."""


def _name(module: Path) -> str:
    parts = module.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _source(module: Path) -> str:
    return module.read_text(encoding="utf-8")


MODULES = {
    _name(module): module
    for package in PACKAGES
    for module in sorted((ROOT / package).rglob("*.py"))
}


def _imported(source: str) -> Iterator[str]:
    """Return the names that a module imports; `from a import b` may be a module `a.b`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _ours(name: str) -> str | None:
    """Return the module of ours that an imported name is, or is in."""
    if name in MODULES:
        return name
    parent = name.rpartition(".")[0]
    return parent if parent in MODULES else None


IMPORTS = {name: {*_imported(_source(module))} for name, module in MODULES.items()}
GRAPH = {
    name: {ours for one in imports if (ours := _ours(one)) and ours != name}
    for name, imports in IMPORTS.items()
}


def _is_in(name: str, room: str) -> bool:
    return name == room or name.startswith(room + ".")


def _room(name: str) -> tuple[int, str]:
    """Return the floor that a module is on, counted from the top, and its room."""
    return next(
        (floor, room) for floor, rooms in enumerate(FLOORS) for room in rooms if _is_in(name, room)
    )


CLIENTS = ("AsyncClient", "Client", "TCPConnector", "urlopen", "open_connection")
"""What would decide for itself which way leads out, or whom to trust."""


def _calls(source: str) -> Iterator[tuple[str, set[str | None]]]:
    """Return what a module calls, by the last part of its name, with the keywords it gives."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id
            yield name, {keyword.arg for keyword in node.keywords}


def test_one_room_makes_the_clients_of_http():
    """Which way leads out is decided in one place, so that nothing goes past the proxy."""
    strays = [
        (module, name)
        for module, path in MODULES.items()
        if _is_in(module, "bot") and module != "bot.http.clients"
        for name, keywords in _calls(_source(path))
        if name in CLIENTS or (name == "ClientSession" and "connector" not in keywords)
    ]
    assert strays == []


def test_every_module_has_a_room():
    """Nothing lies loose: what is at the root of `bot` is shared by all."""
    homeless = [
        name
        for name in MODULES
        if name != "bot" and not any(_is_in(name, room) for rooms in FLOORS for room in rooms)
    ]
    assert homeless == []


def test_imports_lead_down():
    """A module imports its own room and lower floors, never upwards and never the next door."""
    wrong = [
        f"{name} imports {other}"
        for name, others in GRAPH.items()
        if name != "bot"
        for other in others
        if _room(name)[1] != _room(other)[1] and _room(name)[0] >= _room(other)[0]
    ]
    assert wrong == []


def test_rooms_that_know_nothing_of_each_other():
    """The two directions meet only in what they share."""
    pairs = [pair for one, other in APART for pair in ((one, other), (other, one))]
    wrong = [
        f"{name} imports {other}"
        for name, others in GRAPH.items()
        for other in others
        if any(_is_in(name, one) and _is_in(other, two) for one, two in pairs)
    ]
    assert wrong == []


@pytest.mark.parametrize("room", FOREIGN)
def test_a_room_imports_nothing_that_it_may_not(room):
    """What is pure stays pure, and each library stays where it belongs."""
    wrong = [
        f"{name} imports {imported}"
        for name, imports in IMPORTS.items()
        if _is_in(name, room)
        for imported in imports
        if any(_is_in(imported, foreign) for foreign in FOREIGN[room])
    ]
    assert wrong == []


@pytest.mark.parametrize("room", ONLY)
def test_some_rooms_have_one_door(room):
    """What owns resources is put together in one place, and started from one."""
    importers = [
        name
        for name, others in GRAPH.items()
        if any(_is_in(other, room) for other in others)
        and not any(_is_in(name, allowed) for allowed in ONLY[room])
    ]
    assert importers == []


def test_nothing_hides_imports_from_this_test():
    """No TYPE_CHECKING tricks get around the direction of imports."""
    assert [name for name, module in MODULES.items() if "TYPE_CHECKING" in _source(module)] == []


def test_imports_have_no_cycles():
    """No module needs itself, however far around."""
    assert _cycle(GRAPH) is None


def test_a_cycle_through_a_package_is_seen():
    """A package's `__init__` counts as a module like any other."""
    planted = {**GRAPH, "bot.app.context": {*GRAPH["bot.app.context"], "bot.app"}}
    assert _cycle(planted) is not None


def _cycle(graph: dict[str, set[str]]) -> list[str] | None:
    """Return modules that import each other in a circle."""
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> list[str] | None:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return None
        for other in graph[name]:
            if found := visit(other, (*path, name)):
                return found
        done.add(name)
        return None

    return next((found for name in graph if (found := visit(name, ()))), None)


@pytest.mark.parametrize("name", ["", *(name for names in COMMANDS.values() for name in names)])
def test_commands_start_without_telegrams_types(name):
    """Building aiogram's types takes seconds: no command's options, help or errors cost that."""
    look = (
        "import sys; from bot.__main__ import run; "
        f"run({[*name.split(), '--help']}); sys.exit('aiogram' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=False, capture_output=True)
    assert done.returncode == 0


def test_the_list_of_commands_imports_none_of_them():
    """Importing all commands takes seconds too."""
    look = (
        "import sys; from bot.cli.outcome import code_of as run; "
        "before = {*sys.modules}; run(['--help']); "
        "sys.exit(str([name for name in {*sys.modules} - before if name.startswith('bot.')]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", look], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.stderr.strip() == "[]"
