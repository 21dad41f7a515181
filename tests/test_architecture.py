"""The imports point one way; this reads them all and says which does not."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "kommo", "storage", "sandbox")

FORBIDDEN = {
    "kommo": ("bot", "storage", "sandbox", "aiogram", "aiohttp"),
    "storage": ("bot", "kommo", "sandbox", "aiogram", "aiohttp"),
    "sandbox": ("bot", "kommo", "storage"),
    "bot/translate": (
        "storage",
        "httpx",
        "aiohttp",
        "asyncio",
        "aiosqlite",
        "bot.deliver",
        "bot.receive",
    ),
    "bot/receive": ("bot.deliver", "bot.app", "kommo.chats"),
    "bot/deliver": ("bot.receive", "bot.app", "kommo.signature"),
}

MAY_IMPORT_APP = ("bot/cli/run.py",)


def _modules(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def _imports(module: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("folder", FORBIDDEN)
def test_a_package_imports_nothing_it_may_not(folder):
    """Each package stays ignorant of what the layout keeps from it."""
    wrong = [
        f"{module.relative_to(ROOT)} imports {name}"
        for module in _modules(folder)
        for name in _imports(module)
        for forbidden in FORBIDDEN[folder]
        if name == forbidden or name.startswith(forbidden + ".")
    ]
    assert wrong == []


def test_only_the_run_command_imports_the_composition_root():
    """What owns resources is put together in one place, and started from one."""
    importers = [
        str(module.relative_to(ROOT))
        for package in PACKAGES
        for module in _modules(package)
        if module.parent.name != "app"
        and any(name.startswith("bot.app") for name in _imports(module))
    ]
    assert importers == list(MAY_IMPORT_APP)


def test_nothing_hides_imports_from_this_test():
    """No TYPE_CHECKING tricks get around the direction of imports."""
    hidden = [
        str(module.relative_to(ROOT))
        for package in PACKAGES
        for module in _modules(package)
        if "TYPE_CHECKING" in module.read_text(encoding="utf-8")
    ]
    assert hidden == []


def test_imports_have_no_cycles():
    """No module needs itself, however far around."""
    graph = {
        ".".join(module.relative_to(ROOT).with_suffix("").parts): {*_imports(module)}
        for package in PACKAGES
        for module in _modules(package)
    }
    edges = {
        name: {
            other
            for other in graph
            if any(imported == other or imported.startswith(other + ".") for imported in imports)
            and other != name
        }
        for name, imports in graph.items()
    }
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join([*path[path.index(name) :], name])
        if name in done:
            return
        for other in edges[name]:
            visit(other, (*path, name))
        done.add(name)

    for name in edges:
        visit(name, ())


@pytest.mark.parametrize(
    "command",
    ["chats", "queue", "trace", "backup", "sources", "templates", "invite", "connect"],
)
def test_commands_start_without_telegrams_types(command):
    """Building aiogram's types takes seconds, which a command that needs none must not cost."""
    look = f"import bot.cli.{command}, sys; sys.exit('aiogram' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=False).returncode == 0
