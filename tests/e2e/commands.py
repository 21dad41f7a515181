"""Commands, as a person gives them: inside the tests' process, or as one of their own."""

import asyncio
import contextlib
import io
import sys

from bot import __main__ as main


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
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bot",
        *options,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await asyncio.wait_for(child.communicate(), 90)
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return child.returncode, output.decode(), errors.decode()
