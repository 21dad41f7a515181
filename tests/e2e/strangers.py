"""Commands of an ordinary user, who has no rights but those of everybody.

The tests' Python may lie in a home that nobody else may enter. So the commands are run in a mount
namespace of their own, where the way to it is open. This is a program: it reads a list of command
lines, as JSON, and prints the exit code, the output and the errors of each.
Reference: mount_namespaces(7), unshare(1), mount(8).
"""

import importlib
import json
import os
import pkgutil
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import bot
import kommo
import storage
from bot.__main__ import run

ROOT = Path(__file__).parents[2]
USER = 65534
NEEDED = ("unshare", "mount")
LONGEST_S = 60


def is_possible() -> bool:
    """Tell whether this user may be another one, in a namespace of mounts."""
    if os.geteuid() or not all(map(shutil.which, NEEDED)):
        return False
    return (
        subprocess.run(["unshare", "--mount", "true"], check=False, capture_output=True).returncode
        == 0
    )


def as_stranger(commands: list[list[str]]) -> list[tuple[int, str, str]]:
    """Run commands as an ordinary user; return exit code, output and errors of each."""
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, "-m", "tests.e2e.strangers"],
        cwd=ROOT,
        input=json.dumps(commands),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=LONGEST_S * 3,
    )
    return [tuple(one) for one in json.loads(done.stdout)]


def _open_way_to(base: Path) -> None:
    """Let everybody enter the folders above a folder, in this namespace only."""
    closed = [folder for folder in base.parents if not folder.stat().st_mode & stat.S_IXOTH]
    if not closed:
        return
    aside = tempfile.mkdtemp(prefix="strangers-")
    _mount("--bind", str(base), aside)
    _mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", str(closed[-1]))
    base.mkdir(parents=True)
    _mount("--move", aside, str(base))
    Path(aside).rmdir()


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)


def _import_all() -> None:
    """Import the program once, for all commands."""
    for package in (bot, kommo, storage):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


def _run(arguments: list[str], folder: Path, number: int) -> tuple[int, str, str]:
    """Run one command in a process of another user."""
    files = [folder / f"{number}.{name}" for name in ("out", "err")]
    child = os.fork()
    if not child:
        _be(arguments, files)
    _pid, status = os.waitpid(child, 0)
    said, errors = (file.read_text("utf-8") for file in files)
    return os.waitstatus_to_exitcode(status), said, errors


def _be(arguments: list[str], files: list[Path]) -> None:
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.setgroups([])
    os.setgid(USER)
    os.setuid(USER)
    code = 70  # as of a program that is broken
    try:
        code = run(arguments)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    """Run what is read."""
    _mount("--make-rprivate", "/")
    for base in {Path(sys.base_prefix), Path(sys.prefix), ROOT}:
        _open_way_to(base)
    _import_all()
    commands = json.load(sys.stdin)
    with tempfile.TemporaryDirectory() as folder:
        done = [_run(given, Path(folder), number) for number, given in enumerate(commands)]
    json.dump(done, sys.stdout)


if __name__ == "__main__":
    main()
