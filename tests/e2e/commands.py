"""Commands, as a person gives them: inside the tests' process, or as one of their own."""

import asyncio
import contextlib
import io
import tempfile
from pathlib import Path

from bot import __main__ as main
from tests.e2e.lives import begin


async def run_command(*arguments, config=None):
    """Run a command inside this process; return its exit code, output and errors."""
    options = ["--config", str(config)] if config else []
    output, errors = io.StringIO(), io.StringIO()

    def run():
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            return main.run([*options, *arguments])

    code = await asyncio.to_thread(run)
    return code, output.getvalue(), errors.getvalue()


async def run_process(*arguments, config=None):
    """Run a command as a process of its own; return its exit code, output and errors."""
    options = ["--config", str(config)] if config else []
    with tempfile.TemporaryDirectory() as folder:
        output, errors = Path(folder, "output"), Path(folder, "errors")
        child = await begin([*options, *arguments], output=output, errors=errors)
        await asyncio.to_thread(child.join, 90)
        code = child.exitcode
        child.kill()
        child.join()
        said, warned = (file.read_text("utf-8") for file in (output, errors))
    assert code is not None, f"not ended:\n{said}{warned}"
    return code, said, warned
