"""The documented ways, pasted from the document: with a systemctl that only writes down.

Under a real systemd, in a clean Debian, they run in e2e/test_debian.py.
"""

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from storage.database import Database
from tests.service import documents

CONFIG = """
public_url = "https://bridge.example.com"
[kommo]
channel_id = "11111111-2222-4333-8444-555555555555"
channel_secret = "fa4efa4efa4efa4efa4efa4efa4efa4efa4efa4e"
account_id = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee"
[[telegram.bots]]
token = "700001:FAKE-TOKEN-FOR-TESTS-ONLY-0000000001"
"""
NAMED = re.compile(r"(?<![\w$/.])/(?=(?:opt|etc|var/lib|usr/local|root)\b)")


class Machine:
    """A folder that stands for a machine's root, and what stands for its commands."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "home/ann"
        self.database = root / "var/lib/kommo-telegram/kommo-telegram.sqlite3"
        self.config = root / "etc/kommo-telegram/config.toml"
        self.bin = root / "bin"
        self.said = root / "said"
        for folder in (
            self.home, self.bin, self.config.parent, self.database.parent, root / "root",
            root / "opt", root / "etc/systemd/system", root / "etc/cron.daily",
            root / "usr/local/bin",
        ):  # fmt: skip
            folder.mkdir(parents=True)
        self.config.write_text(CONFIG)
        python = f'exec "{sys.executable}" -m bot "$@"'
        self.command("kommo-telegram", python)
        self.command("sudo", 'exec "$@"')
        for name in ("systemctl", "make", "apt-get", "ufw", "nginx"):
            self.command(name, f'echo "{name} $*" >> "{self.said}"')
        self.command("scp", f'mkdir -p "{root}/sent" && cp "$1" "{root}/sent/"')
        self.command("rsync", f'echo "rsync $*" >> "{self.said}"')

    def command(self, name: str, text: str) -> None:
        """Put a command where the shell finds it first."""
        file = self.bin / name
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)

    def paste(self, block: str, answer: str = "y\n") -> tuple[int, str]:
        """Give a block to a shell; return its exit code and what was said."""
        done = subprocess.run(
            ["bash", "-c", NAMED.sub(f"{self.root}/", block)],
            input=answer,
            capture_output=True,
            text=True,
            cwd=self.home,
            env={
                **os.environ,
                "PATH": f"{self.bin}:{os.environ['PATH']}",
                "HOME": str(self.home),
                "PYTHONPATH": str(documents.ROOT),
                "KOMMO_TELEGRAM_CONFIG": str(self.config),
                "KOMMO_TELEGRAM__STORAGE__PATH": str(self.database),
            },
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    def orders(self) -> list[str]:
        """Return what systemctl and the like were told, and forget it."""
        lines = self.said.read_text().splitlines() if self.said.exists() else []
        self.said.unlink(missing_ok=True)
        return lines

    async def note(self, text: str) -> None:
        """Leave a text in the database."""
        async with Database.open(self.database) as database, database.transaction() as tx:
            await tx.facts.put(text, "x")

    def notes(self) -> set[str]:
        """Return the texts that are in the database."""
        with closing(sqlite3.connect(self.database)) as raw:
            return {row[0] for row in raw.execute("SELECT key FROM notes")}


@pytest.fixture
def machine(tmp_path):
    """A machine without systemd."""
    return Machine(tmp_path / "machine")


SHOWN = [
    (documents.INSTALL, "Firewall"),
    (documents.INSTALL, "Upgrade, and go back"),
    (documents.BACKUP, "Back up"),
    (documents.BACKUP, "Restore"),
    (documents.BACKUP, "When the machine is lost"),
    (documents.BACKUP, "Move to another server"),
    (documents.BACKUP, "Copies off the machine"),
    (documents.SETUP, "2. The program"),
    (documents.SETUP, "3. The public address"),
]


@pytest.mark.parametrize(("page", "section"), SHOWN, ids=lambda it: getattr(it, "stem", it))
def test_a_block_stops_at_its_first_failure(page, section):
    """Each command but the last ends with &&, and none goes into a folder that only root may."""
    for block in documents.blocks(section, page):
        whole = re.sub(r"\\\n *", "", block)
        lines = [line.partition(" #")[0].rstrip() for line in whole.splitlines()]
        assert all(line.endswith(("&&", "|")) for line in lines[:-1] if "=" not in line.split()[0])
        assert not lines[-1].endswith("&&")
        assert "cd " not in block
        assert subprocess.run(["bash", "-n", "-c", block], check=False).returncode == 0


async def test_restore_as_documented(machine):
    """Stop, restore, start; what was there is kept."""
    copy = machine.root / "root/before.sqlite3"
    await machine.note("old")
    async with Database.open(machine.database) as database:
        await database.backup(copy)
    await machine.note("new")
    code, said = machine.paste(documents.restore("/root/before.sqlite3"))
    assert code == 0, said
    assert machine.notes() == {"old"}
    assert "is kept" in said
    assert machine.orders() == ["systemctl stop kommo-telegram", "systemctl start kommo-telegram"]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        pytest.param("/root/none.sqlite3", "y\n", id="no-copy"),
        pytest.param("/root/before.sqlite3", "n\n", id="no"),
        pytest.param("/root/before.sqlite3", "", id="nobody-answers"),
    ],
)
async def test_a_restore_that_fails_does_not_start_the_old_database(machine, name, answer):
    """The shell does not go on: the service stays stopped until a person says more."""
    await machine.note("old")
    async with Database.open(machine.database) as database:
        await database.backup(machine.root / "root/before.sqlite3")
    await machine.note("new")
    code, _said = machine.paste(documents.restore(name), answer)
    assert code == 1
    assert machine.notes() == {"old", "new"}
    assert machine.orders() == ["systemctl stop kommo-telegram"]


async def test_upgrade_and_go_back_as_documented(machine):
    """The copy is made before; with it and the program of before, all is as it was."""
    await machine.note("before the upgrade")
    code, said = machine.paste(documents.upgrade())
    assert code == 0, said
    assert machine.orders() == ["make install"]
    (copy,) = (machine.root / "root").glob("before-*.sqlite3")
    assert copy.with_name(f"{copy.name}.toml").exists()
    await machine.note("after the upgrade")
    for name in ("kommo-telegram", "kommo-telegram.previous"):
        systemd = machine.root / "opt" / name / "systemd"
        systemd.mkdir(parents=True)
        for file in ("kommo-telegram", "kommo-telegram.service"):
            (systemd / file).write_text(name)
    code, said = machine.paste(documents.go_back(f"/root/{copy.name}"))
    assert code == 0, said
    assert machine.notes() == {"before the upgrade"}
    unit = machine.root / "etc/systemd/system/kommo-telegram.service"
    command = machine.root / "usr/local/bin/kommo-telegram"
    assert {unit.read_text(), command.read_text()} == {"kommo-telegram.previous"}
    assert (machine.root / "opt/kommo-telegram.failed").is_dir()
    assert machine.orders() == [
        "systemctl stop kommo-telegram",
        "systemctl daemon-reload",
        "systemctl start kommo-telegram",
    ]


async def test_there_must_be_a_version_before(machine):
    """Without one, going back stops before it stops anything else."""
    code, _said = machine.paste(documents.go_back("/root/before.sqlite3"))
    assert code == 1
    assert machine.orders() == []


async def test_moving_to_another_server_as_documented(machine, tmp_path):
    """Database and settings go along, readable by nobody else on the way."""
    await machine.note("moved")
    code, said = machine.paste(documents.move_away("new.example.com"))
    assert code == 0, said
    assert machine.orders() == ["systemctl disable --now kommo-telegram"]
    sent = machine.root / "sent/moved.tar"
    assert sent.stat().st_mode & 0o077 == 0
    assert list(machine.home.iterdir()) == []

    new = Machine(tmp_path / "new")
    new.config.unlink()
    new.database.parent.rmdir()
    sent.rename(new.home / "moved.tar")
    code, said = new.paste(documents.move_in())
    assert code == 0, said
    assert new.notes() == {"moved"}
    assert new.config.read_text() == CONFIG
    assert new.config.stat().st_mode & 0o777 == 0o600
    assert new.orders() == ["make install", "systemctl enable --now kommo-telegram"]
    assert list(new.home.iterdir()) == []


async def test_a_lost_machine_is_replaced_as_documented(machine, tmp_path):
    """A copy as documented is all that the new machine needs: database and settings."""
    await machine.note("kept")
    code, said = machine.paste(documents.back_up())
    assert code == 0, said
    copy, settings = sorted((machine.root / "root").iterdir())
    assert {file.stat().st_mode & 0o777 for file in (copy, settings)} == {0o600}

    new = Machine(tmp_path / "new")
    new.config.unlink()
    new.database.parent.rmdir()
    for file in (copy, settings):
        file.rename(new.home / file.name)
    code, said = new.paste(documents.replace_machine(copy.name))
    assert code == 0, said
    assert new.notes() == {"kept"}
    assert new.config.read_text() == CONFIG
    assert new.config.stat().st_mode & 0o777 == 0o600
    assert new.orders() == [
        "apt-get install -y make python3-venv",
        "make install",
        "systemctl start kommo-telegram",
    ]


def test_copies_leave_the_machine_as_documented(machine):
    """The daily job sends copies and settings, and is tried at once."""
    code, said = machine.paste(documents.copies_off("backup@backup.example.com"))
    assert code == 0, said
    job = machine.root / "etc/cron.daily/kommo-telegram-copies"
    assert job.stat().st_mode & 0o777 == 0o755
    (sent,) = machine.orders()
    for part in (
        "var/lib/kommo-telegram/backups",
        "etc/kommo-telegram/config.toml",
        "backup@backup.example.com:kommo-telegram/",
    ):
        assert part in sent


def test_strangers_are_kept_out_as_documented(machine):
    """SSH, 80 and 443 stay open, nothing else does; SSH before the firewall is on."""
    block, _nginx, _caddy = documents.firewall()
    code, said = machine.paste(block)
    assert code == 0, said
    orders = [order for order in machine.orders() if order.startswith("ufw")]
    allowed = [f"ufw allow {port}/tcp" for port in (22, 80, 443)]
    assert orders == [*allowed, "ufw --force enable"]


def test_the_limits_of_a_proxy_as_documented(machine):
    """One block gives nginx its file; the other lets the firewall count, for IPv6 too."""
    _firewall, nginx, caddy = documents.firewall()
    limits = "proxy/nginx-limits.conf"
    installed = machine.root / "opt/kommo-telegram/docs" / limits
    installed.parent.mkdir(parents=True)
    installed.write_text((documents.ROOT / "docs" / limits).read_text())
    (machine.root / "etc/nginx/conf.d").mkdir(parents=True)
    code, said = machine.paste(nginx)
    assert code == 0, said
    assert (machine.root / "etc/nginx/conf.d/nginx-limits.conf").exists()
    assert machine.orders() == ["nginx -t", "systemctl reload nginx"]

    rules = machine.root / "etc/ufw"
    rules.mkdir()
    for name in ("before.rules", "before6.rules"):
        (rules / name).write_text("*filter\n# COMMIT comes last\nCOMMIT\n")
    code, said = machine.paste(caddy)
    assert code == 0, said
    for name, chain in (("before.rules", "ufw"), ("before6.rules", "ufw6")):
        lines = (rules / name).read_text().splitlines()
        assert lines[-1] == "COMMIT"
        assert lines[-2].startswith(f"-I {chain}-before-input -p tcp --syn --dport 443")
    assert machine.orders() == ["ufw reload"]


def test_a_web_server_is_set_up_as_documented(machine):
    """Caddy gets the example with the name that stands in the first line."""
    (machine.root / "etc/caddy").mkdir()
    (machine.home / "docs").symlink_to(documents.ROOT / "docs")
    code, said = machine.paste(documents.web_server("bot.firm.org"))
    assert code == 0, said
    written = (machine.root / "etc/caddy/Caddyfile").read_text()
    example = (documents.ROOT / "docs/proxy/Caddyfile").read_text()
    assert written == example.replace("bridge.example.com", "bot.firm.org")
    assert machine.orders() == ["apt-get install -y caddy", "systemctl reload caddy"]
