"""Commands as root, on what another user's service has: nothing is left that would stop it."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.e2e.commands import run_command
from tests.e2e.exports import chat, message, written
from tests.e2e.lives import Lives, begin
from tests.e2e.test_commands_write import ARGUMENTS

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, and another user beside it")

USER = 65534
CONVERSATION = "tg:700001:555"


@pytest.fixture
def place():
    """A folder of another user that this user can reach: pytest's own ones are root's alone."""
    folder = Path(tempfile.mkdtemp(prefix="owners-"))
    os.chown(folder, USER, USER)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def theirs(config, place):
    """The settings of a bridge whose database is another user's."""
    file = place / "config.toml"
    file.write_text(config.read_text())
    os.chown(file, USER, USER)
    file.chmod(0o600)
    return file


@pytest.fixture
async def service(theirs, ports):
    """The other user's bridge, not started yet."""
    made = Lives(theirs, ports[1], user=USER)
    yield made
    await made.end()


def owners(folder):
    """Return whose each file of a database is."""
    return {file.name: file.stat().st_uid for file in folder.glob("kommo-telegram.sqlite3*")}


async def test_commands_as_root_leave_nothing_of_roots(
    service, theirs, place, telegram, kommo, eventually
):
    """Whatever root asks or does, beside the service or without it, the service starts again."""
    await service.start()
    telegram.client_says("hello")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    (place / "templates.toml").write_text("[[templates]]\n", encoding="utf-8")
    written(place / "export", chat(message(1, "old")))
    for is_running in (True, False):
        if not is_running:
            await service.terminate()
        for name, arguments in sorted(ARGUMENTS.items(), key=lambda one: one[0] == "forget"):
            given = [each.format(folder=place) for each in arguments]
            (place / "copy.sqlite3").unlink(missing_ok=True)
            if name == "restore":
                await run_command("backup", *given[:1], config=theirs)
            _code, _said, errors = await run_command(*name.split(), *given, config=theirs)
            assert "Traceback" not in errors
            assert set(owners(place).values()) == {USER}, name
    await service.start()


async def test_files_that_root_left_earlier_are_given_back(service, theirs, place):
    """Any command of root's mends what an earlier version, or a copy by hand, did."""
    await service.start()
    await service.terminate()
    for file in place.glob("kommo-telegram.sqlite3*"):
        os.chown(file, 0, 0)
    assert (await run_command("queue", "list", config=theirs))[0] == 0
    assert set(owners(place).values()) == {USER}
    await service.start()


async def test_a_link_to_somebody_elses_file_is_left_alone(service, theirs, place, tmp_path):
    """The other user cannot make root give away what is root's, or write into it."""
    await service.start()
    await service.terminate()
    precious = place.parent / f"{place.name}.precious"
    precious.write_text("root's")
    try:
        for name in ("-sends", ".lock"):
            link = place / f"kommo-telegram.sqlite3{name}"
            link.unlink()
            link.symlink_to(precious)
        await run_command("queue", "list", config=theirs)
        copy = str(tmp_path / "copy.sqlite3")
        await run_command("backup", copy, config=theirs)
        code, _said, errors = await run_command("restore", copy, "--yes", config=theirs)
        assert code == 1
        assert ".lock" in errors
        assert (precious.stat().st_uid, precious.read_text()) == (0, "root's")
    finally:
        precious.unlink()


async def test_a_restore_belongs_to_the_service(service, theirs, place):
    """Also where there is no database any more: the folder tells whose it is."""
    await service.start()
    copy = place / "backups" / "copy.sqlite3"
    copy.parent.mkdir()
    os.chown(copy.parent, USER, USER)
    assert (await run_command("backup", str(copy), config=theirs))[0] == 0
    assert copy.stat().st_uid == USER
    await service.terminate()
    for file in place.glob("kommo-telegram.sqlite3*"):
        file.unlink()
    assert (await run_command("restore", str(copy), "--yes", config=theirs))[0] == 0
    assert set(owners(place).values()) == {USER}
    await service.start()


async def test_a_copy_in_roots_own_folder_stays_roots(service, theirs, place, tmp_path):
    """What root keeps for itself is not given away."""
    await service.start()
    assert (await run_command("backup", str(tmp_path / "copy"), config=theirs))[0] == 0
    assert (tmp_path / "copy").stat().st_uid == 0


async def test_root_does_not_run_another_users_service(theirs, place):
    """`run` is refused, with who it is to be run by."""
    code, _said, errors = await run_command("run", config=theirs)
    assert code == 1
    assert "sudo systemctl start kommo-telegram" in errors
    assert "sudo -u" in errors
    assert owners(place) == {}


@pytest.mark.parametrize("name", ["", "-sends", ".lock"])
async def test_what_a_user_may_not_open_is_said_in_words(theirs, place, name):
    """A file of somebody else's where the service's own should be is named, with the remedy."""
    file = place / f"kommo-telegram.sqlite3{name}"
    file.touch(mode=0o600)
    code, errors = await as_user("run", config=theirs)
    assert code == 1
    assert "Traceback" not in errors
    assert file.name in errors
    assert "for this user" in errors


@pytest.mark.parametrize("command", [("run",), ("check", "--offline"), ("queue", "list")])
async def test_a_folder_that_a_user_may_not_write_is_said_in_words(theirs, place, command):
    """No command ends in a traceback where the folder is not the user's to write."""
    state = place / "state"
    state.mkdir()
    os.chown(state, USER, USER)
    state.chmod(0o500)
    with theirs.open("a") as out:
        out.write(f'[storage]\npath = "{state}/kommo-telegram.sqlite3"\n')
    code, errors = await as_user(*command, config=theirs)
    assert code == 1
    assert "Traceback" not in errors


async def as_user(*arguments, config):
    """Run a command as the other user; return its exit code and all that it said."""
    log = config.with_name("said.log")
    child = await begin(["--config", str(config), *arguments], output=log, errors=log, user=USER)
    child.join(60)
    code = child.exitcode
    child.kill()
    child.join()
    return code, log.read_text()
