"""The built wheel and the versions that are installed with it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
LOCK = ROOT / "requirements.lock"
PIN = re.compile(r"^[a-z0-9][a-z0-9._-]*==[^ \\]+", re.MULTILINE)


def run(*command):
    """Run a program; return its exit code and all that it said."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def constraints(tmp_path):
    """The file that the build lays beside the wheel."""
    code, said = run("scripts/constraints")
    assert code == 0, said
    path = tmp_path / "constraints.txt"
    path.write_text(said, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel as the build makes it."""
    folder = tmp_path_factory.mktemp("dist")
    code, said = run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder))
    assert code == 0, said
    (path,) = folder.glob("*.whl")
    return path


def test_every_dependency_is_pinned_as_it_is_locked(constraints):
    """The same versions as in the lock, and where a version is for one system only, that too."""
    lines = constraints.read_text(encoding="utf-8").splitlines()
    pins = PIN.findall(LOCK.read_text(encoding="utf-8"))
    assert [PIN.findall(line) for line in lines] == [[pin] for pin in pins]
    assert "colorama==0.4.6 ; sys_platform == 'win32'" in lines


def test_pip_takes_the_constraints_with_a_wheel_from_a_file(constraints, wheel, tmp_path):
    """It refuses the lock itself there: a file that has hashes asks for the wheel's, too."""
    command = [
        sys.executable, "-m", "pip", "install", "--dry-run", "--no-index", "--no-deps",
        "--disable-pip-version-check", "--target", str(tmp_path / "nowhere"), str(wheel),
    ]  # fmt: skip
    code, said = run(*command, "--constraint", str(constraints))
    assert code == 0, said
    assert "Would install kommo-telegram" in said
    assert run(*command, "--constraint", str(LOCK))[0] != 0
