"""Nothing in the program is too big to be read at once; what is says why, beside it."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("bot", "kommo", "storage", "sandbox")

MODULE_LINES, FUNCTION_LINES = 300, 40
ARGUMENTS, PUBLIC_METHODS, NESTING = 7, 15, 4

REASON = re.compile(
    r"^ *# Over the limit of (lines|arguments|methods|nesting): \w+ \w+", re.MULTILINE
)
"""What a reason begins with: above what is too big, or in it; a module's is at its own level."""

COMMENTS = 4
"""So many lines above a definition its reason may begin."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
BLOCKS = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.With, ast.AsyncWith, ast.Try, ast.Match)


@dataclass(frozen=True)
class Excess:
    """Something that is over a limit."""

    what: str
    line: int
    limit: str
    is_explained: bool


def _length(node: Function) -> int:
    """Return a function's lines without its docstring."""
    lines = (node.end_lineno or 0) - node.lineno + 1
    if ast.get_docstring(node) is None:
        return lines
    docstring = node.body[0]
    return lines - ((docstring.end_lineno or 0) - docstring.lineno + 1)


def _arguments(node: Function) -> int:
    """Return how many arguments a caller gives."""
    given = node.args
    names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return len([name for name in names if name not in {"self", "cls"}])


def _nesting(node: ast.AST, depth: int = 0) -> int:
    """Return how deep the blocks in a function stand in each other; `elif` is no deeper."""
    deepest = depth
    for name, value in ast.iter_fields(node):
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, (*_DEFINITIONS,)):
                continue
            is_elif = name == "orelse" and isinstance(child, ast.If) and len(value) == 1
            inner = isinstance(child, BLOCKS) and not is_elif
            deepest = max(deepest, _nesting(child, depth + inner))
    return deepest


_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def _methods(node: ast.ClassDef) -> int:
    """Return how many public methods a class defines."""
    own = [one.name for one in node.body if isinstance(one, Function)]
    return len([name for name in own if not name.startswith("_")])


def _sizes(node: ast.AST) -> Iterator[tuple[str, int, int]]:
    """Return what is measured of a definition: the limit's name, the size, the limit."""
    if isinstance(node, Function):
        yield "lines", _length(node), FUNCTION_LINES
        yield "arguments", _arguments(node), ARGUMENTS
        yield "nesting", _nesting(node), NESTING
    elif isinstance(node, ast.ClassDef):
        yield "methods", _methods(node), PUBLIC_METHODS


def excesses(source: str) -> Iterator[Excess]:
    """Return everything in a module that is over a limit."""
    lines = source.splitlines()
    if len(lines) > MODULE_LINES:
        own = "\n".join(line for line in lines if not line.startswith(" "))
        yield Excess("module", len(lines), "lines", "lines" in REASON.findall(own))
    for node in ast.walk(ast.parse(source)):
        for limit, size, most in _sizes(node):
            if size > most and isinstance(node, _DEFINITIONS):
                near = "\n".join(lines[max(0, node.lineno - 1 - COMMENTS) : node.end_lineno])
                yield Excess(node.name, node.lineno, limit, limit in REASON.findall(near))


MODULES = [
    path.relative_to(ROOT)
    for package in PACKAGES
    for path in sorted((ROOT / package).rglob("*.py"))
]


def test_what_is_too_big_says_why():
    """No module, function or class is over a limit without a comment that gives the reason."""
    silent = [
        f"{path}:{found.line} {found.what}: too many {found.limit}"
        for path in MODULES
        for found in excesses((ROOT / path).read_text(encoding="utf-8"))
        if not found.is_explained
    ]
    assert silent == []


NESTED = (
    "def f():\n" + "".join(f"{'    ' * n}if {n}:\n" for n in range(1, 6)) + " " * 24 + "pass\n"
)


@pytest.mark.parametrize(
    ("source", "limit"),
    [
        pytest.param("x = 1\n" * 301, "lines", id="module"),
        pytest.param("def f():\n" + "    x = 1\n" * 40, "lines", id="function"),
        pytest.param("async def f(a, b, c, d, *, e, f, g, h): ...\n", "arguments", id="arguments"),
        pytest.param(
            "class A:\n" + "".join(f"    def m{n}(self): ...\n" for n in range(16)),
            "methods",
            id="class",
        ),
        pytest.param(NESTED, "nesting", id="nesting"),
    ],
)
def test_a_limit_is_one(source, limit):
    """What is over a limit is found; a reason beside it is read, and only one for that limit."""
    other = "arguments" if limit == "lines" else "lines"
    assert [(one.limit, one.is_explained) for one in excesses(source)] == [(limit, False)]
    for word, is_explained in ((limit, True), (other, False)):
        explained = f"# Over the limit of {word}: a reason.\n{source}"
        assert [one.is_explained for one in excesses(explained)] == [is_explained]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("x = 1\n" * 300, id="module"),
        pytest.param(
            'def f():\n    """A.\n\n    B\n    """\n' + "    x = 1\n" * 39, id="function"
        ),
        pytest.param("def f(self, a, b, c, d, e, f, g): ...\n", id="arguments"),
        pytest.param(
            "class A:\n"
            + "".join(f"    def m{n}(self): ...\n" for n in range(15))
            + "    def _p(self): ...\n",
            id="class",
        ),
        pytest.param(
            "def f():\n    if 1:\n        pass\n" + "    elif 2:\n        pass\n" * 6, id="elif"
        ),
    ],
)
def test_what_is_within_the_limits_is_not_found(source):
    """Docstrings, `self`, private methods and further branches count nothing."""
    assert list(excesses(source)) == []
