"""A pytest plugin that imports the large libraries before coverage begins to count.

Python 3.11 runs everything twice as slowly while it is counted, and building aiogram's types is
most of what a test process does before its first test: so that comes first, uncounted. The process
that only hands out tests to others has no use for them.
"""

import gc
import importlib
import os
import sys

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

if "PYTEST_XDIST_WORKER" in os.environ or "-n" not in sys.argv:
    gc.disable()  # so many new types are looked through again and again, and none is garbage
    for name in LIBRARIES:
        importlib.import_module(name)
    gc.enable()
