"""The systemd unit, by systemd's own judgement. Needs Debian's systemd package; see .ci/run."""

import itertools
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import reference
from tests.programs import program

ROOT = Path(__file__).parent.parent.parent
UNIT = ROOT / "systemd/kommo-telegram.service"
HARDENING = re.compile(
    r"^(Private|Protect|Restrict|System|Memory|Lock|NoNew|Capab|Ambient|Device|Remove)"
)


def run(*command, **environ):
    """Run a program; return its exit code and all that it said."""
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | environ, cwd=ROOT, check=False
    )
    return done.returncode, done.stdout + done.stderr


def analyze(*arguments):
    """Run systemd-analyze."""
    return run(program("systemd", "systemd-analyze"), *arguments)


def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    """Every line is known to systemd and means what it should."""
    unit = tmp_path / UNIT.name
    text = UNIT.read_text()
    python = "/opt/kommo-telegram/.venv/bin/python"
    assert text.count(python) == 1
    unit.write_text(text.replace(python, sys.executable).replace("file:/opt", f"file:{ROOT}"))
    assert analyze("verify", "--man=no", str(unit)) == (0, "")


def test_its_exposure_is_small():
    """By systemd's rating, the service could do little harm to the machine: 1.2 of 10 or less."""
    code, said = analyze("security", "--offline=true", "--threshold=12", str(UNIT))
    assert code == 0, said
    level = re.search(r"exposure level .*: ([0-9.]+)", said)
    assert level is not None
    assert float(level[1]) <= 1.2


def test_the_journal_knows_it_by_its_name():
    """`journalctl -t kommo-telegram` finds it."""
    assert "SyslogIdentifier=kommo-telegram" in UNIT.read_text().splitlines()


def test_what_only_a_person_can_mend_is_not_tried_again():
    """Wrong settings, such as those that wait for Kommo support, and settings nobody made."""
    assert "RestartPreventExitStatus=2 243" in UNIT.read_text().splitlines()


def test_each_hardening_line_has_its_reason():
    """Whoever needs to loosen a line reads above it what it is for."""
    lines = UNIT.read_text().splitlines()
    bare = [
        line
        for before, line in itertools.pairwise(lines)
        if HARDENING.match(line) and not (before.startswith("#") or HARDENING.match(before))
    ]
    assert bare == []
    assert sum(bool(HARDENING.match(line)) for line in lines) > 20


@pytest.fixture
def scratch(tmp_path):
    """A scratch root with an earlier installation, so that nothing need be fetched."""
    program = tmp_path / "root/opt/kommo-telegram"
    program.mkdir(parents=True)
    shutil.copytree(ROOT / ".venv", program / ".venv", symlinks=True)
    shutil.copy(ROOT / "requirements.lock", program)
    return tmp_path / "root"


def test_it_is_installed_upgraded_and_taken_away(scratch):
    """The installer may be run again; taking away leaves settings and database alone."""
    database = scratch / "var/lib/kommo-telegram/kommo-telegram.sqlite3"
    config = scratch / "etc/kommo-telegram/config.toml"
    for path in (database, config):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    for _time in range(2):
        code, said = run("scripts/install", sys.executable, DESTDIR=str(scratch))
        assert code == 0, said
    python = scratch / "opt/kommo-telegram/.venv/bin/python"
    where = run(str(python), "-P", "-c", "import bot; print(bot.__file__)")[1]
    assert where.startswith(str(scratch))
    assert (scratch / "etc/systemd/system/kommo-telegram.service").read_text() == UNIT.read_text()
    assert os.access(scratch / "usr/local/bin/kommo-telegram", os.X_OK)
    assert (scratch / "opt/kommo-telegram.previous/.venv").is_dir()
    assert config.parent.stat().st_mode & 0o077 == 0
    for name in reference.SHARED:
        shared = ROOT / "share" / name
        assert (scratch / "usr/local/share" / name).read_bytes() == shared.read_bytes()

    failed = scratch / "opt/kommo-telegram.failed"  # where the documents put it to go back
    failed.mkdir()
    (failed / "README.md").touch()
    assert run("scripts/uninstall", DESTDIR=str(scratch))[0] == 0
    left = sorted(str(path.relative_to(scratch)) for path in scratch.rglob("*") if path.is_file())
    assert left == [
        "etc/kommo-telegram/config.toml",
        "var/lib/kommo-telegram/kommo-telegram.sqlite3",
    ]
    assert run("scripts/uninstall", DESTDIR=str(scratch), PURGE="1")[0] == 0
    assert [path for path in scratch.rglob("*") if path.is_file()] == []


@pytest.fixture
def state(tmp_path):
    """A service's folder as systemd makes it, with copies in it."""
    private = tmp_path / "root/var/lib/private/kommo-telegram"
    (private / "backups").mkdir(parents=True)
    (private / "backups/kommo-telegram-2026-03-01.sqlite3").write_text("copy")
    (private / "kommo-telegram.sqlite3").write_text("database")
    link = tmp_path / "root/var/lib/kommo-telegram"
    link.symlink_to("private/kommo-telegram")
    return link


def test_copies_are_kept_where_nobody_can_be_asked(state, tmp_path):
    """PURGE takes the database, not its copies; where they are is said."""
    root = str(tmp_path / "root")
    code, said = run("scripts/uninstall", DESTDIR=root, PURGE="1")
    assert code == 0
    assert f"kept in {state}/backups" in said
    assert [file.name for file in state.rglob("*") if file.is_file()] == [
        "kommo-telegram-2026-03-01.sqlite3"
    ]
    assert run("scripts/uninstall", DESTDIR=root, PURGE="1", KEEP_BACKUPS="0")[0] == 0
    assert not state.is_symlink()
    assert not list((tmp_path / "root/var/lib/private").iterdir())


@pytest.mark.parametrize(("answer", "is_kept"), [("y", False), ("", True), ("no", True)])
def test_a_person_is_asked_about_the_copies(state, tmp_path, answer, is_kept):
    """Only a yes takes them away."""
    ours, theirs = os.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        ["scripts/uninstall"],
        cwd=ROOT,
        env={**os.environ, "DESTDIR": str(tmp_path / "root"), "PURGE": "1"},
        stdin=theirs,
        capture_output=True,
        text=True,
        check=True,
    )
    os.close(ours)
    os.close(theirs)
    assert "Remove the copies" in done.stdout
    assert state.exists() is is_kept
    assert list(state.parent.rglob("kommo-telegram.sqlite3")) == []


def test_installing_fails_in_words_where_python_is_missing(tmp_path):
    """What is missing is named, with what to install; nothing is left behind."""
    code, said = run("scripts/install", "no-such-python", DESTDIR=str(tmp_path))
    assert code == 1
    assert "apt install python3" in said
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_installation_leaves_nothing(tmp_path):
    """Ctrl-C while the new program is built takes away what there was of it."""
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncase "$2" in venv) echo started; exec sleep 60 ;; esac\n')
    python.chmod(0o755)
    root = tmp_path / "root"
    with subprocess.Popen(
        ["scripts/install", str(python)],
        cwd=ROOT,
        env={**os.environ, "DESTDIR": str(root)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as installing:
        assert installing.stdout is not None
        assert next(line for line in installing.stdout if "started" in line)
        os.killpg(installing.pid, signal.SIGINT)
    assert installing.returncode
    assert list((root / "opt").iterdir()) == []
