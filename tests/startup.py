"""A pytest plugin for a short way to the first test: coverage counts nothing before it in vain.

Python 3.11 runs everything twice as slowly while it is counted. Building aiogram's types and
reading the tests is most of what a test process does before its first test, and neither is of the
program: the libraries are imported before the counting begins, the whole program while it is on,
and the tests while it is off. The process that only hands out tests to others does none of this.
"""

import gc
import importlib
import os
import pkgutil
import sys
from collections.abc import Generator

import coverage
import pytest

LIBRARIES = (
    "aiogram",
    "aiohttp.web",
    "apscheduler.schedulers.asyncio",
    "httpx",
    "hypothesis",
    "PIL.Image",
    "pydantic_settings",
    "rich.console",
    "typer",
)
PACKAGES = ("bot", "kommo", "storage", "sandbox")

runs_tests = "PYTEST_XDIST_WORKER" in os.environ or "-n" not in sys.argv

if runs_tests:
    gc.disable()  # so many new types are looked through again and again, and none is garbage
    for library in LIBRARIES:
        importlib.import_module(library)
    gc.enable()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection() -> Generator[None, object, object]:
    """Import the program counted, and read the tests uncounted."""
    counting = coverage.Coverage.current() if runs_tests else None
    if counting is None:
        return (yield)
    for package in PACKAGES:
        import_all(package)
    counting.stop()
    try:
        return (yield)
    finally:
        counting.start()


def import_all(package: str) -> None:
    """Import a package and everything in it."""
    path = importlib.import_module(package).__path__
    for module in pkgutil.walk_packages(path, prefix=f"{package}."):
        importlib.import_module(module.name)
