"""The documented ways in a clean Debian under a real systemd, by an ordinary user with sudo.

It takes minutes, root, mmdebstrap, systemd-nspawn and a Debian mirror, so it runs when it is asked
for: `make debian`. DEBIAN_TARBALL names a root that was made before.
"""

import asyncio
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import CHANNEL_ID, SECRET, TOKEN
from tests.service import documents

ASKED = "KOMMO_TELEGRAM_DEBIAN"
PACKAGES = "systemd,systemd-sysv,python3-venv,sudo,make"
LONGEST_S = 900
STATE = "/var/lib/kommo-telegram"

pytestmark = [
    pytest.mark.skipif(ASKED not in os.environ, reason="asked for by `make debian`"),
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root"),
    pytest.mark.skipif(
        not (shutil.which("mmdebstrap") and shutil.which("systemd-nspawn")),
        reason="needs Debian's mmdebstrap and systemd-container",
    ),
]

UNIT = """
[Unit]
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/bash /shared/drive
ExecStopPost=/bin/systemctl --no-block poweroff
StandardOutput=append:/shared/log
StandardError=append:/shared/log
[Install]
WantedBy=multi-user.target
"""

DRIVE = r"""
set -eu
echo "127.0.0.1 $(hostname)" >> /etc/hosts
export HOME=/root LC_ALL=C.UTF-8 PIP_NO_INDEX=1 PIP_FIND_LINKS=/wheels
useradd --create-home --shell /bin/bash ann
. /shared/servers # where the sandbox stands for Telegram and Kommo
echo 'Defaults env_keep += "PIP_* KOMMO_TELEGRAM__*"' > /etc/sudoers.d/ann
echo 'ann ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers.d/ann
cp -R /source /home/ann/kommo-telegram
chown -R ann: /home/ann/kommo-telegram
# what stands for another machine
printf '#!/bin/sh\ncp "$1" /home/ann/sent.tar\n' > /usr/local/bin/scp
chmod 755 /usr/local/bin/scp

# as_ann NAME [ANSWER]: paste a block of the document, in the folder of the repository
as_ann() {
    echo "== $1"
    printf '%s\n' "${2:-y}" | runuser -u ann -- env HOME=/home/ann bash -c \
        "cd /home/ann/kommo-telegram && . /shared/$1"
}
refused() {
    if as_ann "$@"; then echo "$1 was not refused"; exit 1; fi
}
fail() { echo "FAILED: $1"; journalctl -u kommo-telegram --no-pager -n 40; exit 1; }
is_well() {
    systemctl is-active kommo-telegram || fail "the service does not run ($1)"
    sudo -u ann sudo kommo-telegram queue list || fail "queue list ($1)"
    others=$(find -L STATE -maxdepth 1 -not -user "$(stat -L -c %u STATE)")
    [ -z "$others" ] || fail "files of others: $others ($1)"
}
is_kept() { [ "$(find -L STATE -name '*.before-*Z' | wc -l)" = "$1" ] || fail "kept: not $1"; }

# given NAME COMMAND...: an ordinary user types the lines of a file
given() {
    answers=/shared/$1
    shift
    echo "== $*"
    runuser -u ann -- "$@" < "$answers"
}
# the service does not start, and is not tried again and again
is_not_started() {
    if runuser -u ann -- sudo systemctl start kommo-telegram; then fail "started ($1)"; fi
    sleep 7
    [ "$(systemctl show -P NRestarts kommo-telegram)" = 0 ] || fail "started again ($1)"
    systemctl is-failed --quiet kommo-telegram || fail "not failed ($1)"
    journalctl -t kommo-telegram --no-pager | tail -n 4
}

as_ann install
is_not_started "before init"
if runuser -u ann -- sudo kommo-telegram check; then fail "checked without settings"; fi

# the days of waiting for Kommo support
given first_answers sudo kommo-telegram init
sed -i 's|^\[kommo\]|[kommo]\nchats_url = "'"$KOMMO_URL"'"|' /etc/kommo-telegram/config.toml
cat /shared/ports >> /etc/kommo-telegram/config.toml
runuser -u ann -- sudo kommo-telegram check || fail "check while waiting"
is_not_started "before support has answered"
journalctl -t kommo-telegram -p err --no-pager | grep -q "kommo.channel_id" || fail "no word of it"
runuser -u ann -- sudo kommo-telegram widget /tmp/widget.zip

# support has answered
given second_answers sudo kommo-telegram init
grep -q "$KOMMO_URL" /etc/kommo-telegram/config.toml || fail "init lost a setting"
[ "$(stat -c '%a %U' /etc/kommo-telegram/config.toml)" = "600 root" ] || fail "settings open"
runuser -u ann -- sudo systemctl start kommo-telegram
is_well started
runuser -u ann -- sudo kommo-telegram check || fail "check when it runs"
runuser -u ann -- sudo kommo-telegram healthcheck
runuser -u ann -- sudo kommo-telegram config show | grep -q '\*\*\*' || fail "config show"
systemctl status kommo-telegram --no-pager | grep -q "ready; connected" || fail "status"
runuser -u ann -- sudo kommo-telegram backup --with-settings /root/before.sqlite3
as_ann back_up

as_ann restore
is_well restored
is_kept 1

# refused: while it runs, as root by hand, a file that is none; then it still runs, or starts again
if runuser -u ann -- sudo kommo-telegram restore --yes /root/before.sqlite3; then
    fail "restored while the service runs"
fi
systemctl stop kommo-telegram
if runuser -u ann -- sudo kommo-telegram run; then fail "run as root"; fi
refused restore_none
is_kept 1
systemctl start kommo-telegram
is_well refused

as_ann upgrade
is_well upgraded
echo "COPY=$(ls /root/before-*.sqlite3)" > /shared/go_back.new
tail -n +2 /shared/go_back >> /shared/go_back.new
mv /shared/go_back.new /shared/go_back
as_ann go_back
is_well "went back"
[ -d /opt/kommo-telegram.failed ] || fail "the newer program was not kept"

# the machine is lost; another one takes its place with what was copied
install -o ann -m 600 /root/before.sqlite3 /root/before.sqlite3.toml /home/ann/
systemctl stop kommo-telegram
rm -rf STATE/* /etc/kommo-telegram /opt/kommo-telegram* /usr/local/bin/kommo-telegram
rm /etc/systemd/system/kommo-telegram.service
systemctl daemon-reload
printf '#!/bin/sh\n' > /usr/local/bin/apt-get # it has all that is needed, and no network
chmod 755 /usr/local/bin/apt-get
as_ann replace_machine
is_well "took the place of the lost one"
rm /home/ann/before.sqlite3*

as_ann move_away
if systemctl is-enabled --quiet kommo-telegram; then fail "still enabled"; fi
[ "$(stat -c '%a %U' /home/ann/sent.tar)" = "600 ann" ] || fail "others may read what is sent"
mkdir -p -m 700 STATE/backups
cp /root/before.sqlite3 STATE/backups/
runuser -u ann -- sudo make -C /home/ann/kommo-telegram uninstall PURGE=1 < /dev/null
[ "$(ls STATE)" = backups ] || fail "not purged"
runuser -u ann -- sudo make -C /home/ann/kommo-telegram uninstall PURGE=1 KEEP_BACKUPS=0
[ ! -e STATE ] || fail "backups were not removed"
rm -f /root/moved.sqlite3*

mv /home/ann/sent.tar /home/ann/moved.tar
as_ann move_in
is_well moved
[ "$(stat -c %a /etc/kommo-telegram/config.toml)" = 600 ] || fail "settings open to others"
find -L STATE -maxdepth 1 -printf '%M %u %p\n'
echo ALL DONE
""".replace("STATE", STATE)


@pytest.fixture
def root(tmp_path):
    """A clean Debian."""
    made = tmp_path / "root"
    tarball = os.environ.get("DEBIAN_TARBALL")
    if tarball is None:
        tarball = str(tmp_path / "debian.tar")
        build = ["mmdebstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", tarball]
        subprocess.run(build, check=True)
    made.mkdir()
    subprocess.run(["tar", "-C", str(made), "-xf", tarball], check=True)
    unit = made / "etc/systemd/system/drive.service"
    unit.write_text(UNIT)
    wanted = made / "etc/systemd/system/multi-user.target.wants"
    wanted.mkdir(exist_ok=True)
    (wanted / "drive.service").symlink_to(f"/etc/systemd/system/{unit.name}")
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def wheels(tmp_path_factory):
    """The pinned dependencies: the clean Debian has no index of its own."""
    folder = os.environ.get("DEBIAN_WHEELS")
    if folder is not None:
        return Path(folder)
    made = tmp_path_factory.mktemp("wheels")
    download = [sys.executable, "-m", "pip", "download", "--quiet"]
    lock = documents.ROOT / "requirements.lock"
    subprocess.run(
        [*download, "--require-hashes", "--no-deps", "-r", str(lock), "-d", str(made)], check=True
    )
    return made


@pytest.fixture
def source(tmp_path):
    """The repository as a clone has it."""
    made = tmp_path / "source"
    list_all = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(list_all, cwd=documents.ROOT, capture_output=True, check=True).stdout
    for name in filter(None, listed.decode().split("\0")):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(documents.ROOT / name, made / name)
    return made


def _share(shared: Path, telegram, kommo, ports) -> None:
    """Write what the machine is to do, what a person answers, and the document's blocks."""
    shared.mkdir()
    public_url = f"http://127.0.0.1:{ports[0]}"
    servers = f"""
export KOMMO_TELEGRAM__TELEGRAM__API_URL={telegram.url} KOMMO_TELEGRAM__KOMMO__API_URL={kommo.url}
KOMMO_URL={kommo.url}
"""
    pasted = {
        "servers": servers,
        "first_answers": f"{TOKEN}\n{public_url}\nexample\n{kommo.access_token}\n\n\n",
        "second_answers": f"\n\n\n\n{CHANNEL_ID}\n{SECRET}\n",
        "ports": f"[listen]\nport = {ports[0]}\n[admin]\nport = {ports[1]}\n",
        "install": documents.blocks("Install")[0].splitlines()[0],
        "restore": documents.restore("/root/before.sqlite3"),
        "restore_none": documents.restore("/root/none.sqlite3"),
        "upgrade": documents.upgrade(),
        "back_up": documents.back_up(),
        "replace_machine": documents.replace_machine("before.sqlite3"),
        "go_back": documents.go_back("/root/before.sqlite3"),
        "move_away": documents.move_away("new.example.com"),
        "move_in": documents.move_in(),
        "drive": DRIVE,
    }
    for name, text in pasted.items():
        (shared / name).write_text(text)


async def test_the_documented_ways_work_in_a_clean_debian(
    root, wheels, source, tmp_path, ports, telegram, kommo
):
    """Install, init twice, restore, upgrade, go back, move, uninstall: it runs after each."""
    telegram.client_says("hello")
    shared = tmp_path / "shared"
    _share(shared, telegram, kommo, ports)
    command = [
        "systemd-nspawn", "--quiet", "--boot", "--register=no", "--keep-unit",
        "--directory", str(root), "--bind", f"{shared}:/shared",
        "--bind-ro", f"{source}:/source", "--bind-ro", f"{wheels}:/wheels",
    ]  # fmt: skip
    with (tmp_path / "console").open("wb") as console:
        machine = await asyncio.create_subprocess_exec(
            *command, stdin=subprocess.DEVNULL, stdout=console, stderr=console
        )
        await asyncio.wait_for(machine.wait(), LONGEST_S)
    log = shared / "log"
    said = (
        log.read_text() if log.exists() else (tmp_path / "console").read_text("utf-8", "replace")
    )
    assert "ALL DONE" in said.splitlines(), said[-6000:]
    assert kommo.texts_in("tg:700001:555") == ["hello"]
