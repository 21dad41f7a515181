"""A pytest plugin that imports the large libraries before coverage begins to count.

Python 3.11 runs everything twice as slowly while it is counted, and building aiogram's types is
most of what a test process does before its first test: so that comes first, uncounted.
"""

import aiogram
import aiohttp.web
import apscheduler.schedulers.asyncio
import httpx
import hypothesis
import PIL.Image
import pydantic_settings
import rich.console
import typer
