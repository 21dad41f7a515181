"""Where the data is: the files beside the database, and how they change their folder."""

import os

import pytest

from storage.errors import DatabaseUnavailableError
from storage.location import HEARTBEAT, JOURNAL, Location


@pytest.fixture
def location(tmp_path):
    """A database with its state elsewhere."""
    return Location(tmp_path / "a.sqlite3", tmp_path / "state")


def old(location, ending):
    """Return where a file beside the database was before."""
    return location.path.with_name(location.path.name + ending)


def test_without_a_folder_of_its_own_the_state_is_beside_the_database(tmp_path):
    """As it always was: nothing is made, nothing is moved."""
    location = Location.of(tmp_path / "a.sqlite3")
    location.prepare()
    assert location.beside(JOURNAL) == tmp_path / "a.sqlite3-sends"
    assert location.folders == (tmp_path,)
    assert list(tmp_path.iterdir()) == []


def test_a_new_folder_gets_what_is_beside_the_database(location):
    """Their content is the same, they are for their owner only, and the old ones are gone."""
    for ending in (JOURNAL, HEARTBEAT):
        old(location, ending).write_bytes(ending.encode())
    location.prepare()
    for ending in (JOURNAL, HEARTBEAT):
        assert location.beside(ending).read_bytes() == ending.encode()
        assert location.beside(ending).stat().st_mode & 0o777 == 0o600
        assert not old(location, ending).exists()


@pytest.mark.parametrize(
    ("newer", "kept"), [("old", b"old"), ("new", b"new")], ids=["went-back", "killed-midway"]
)
def test_of_two_the_newer_one_is_meant(location, newer, kept):
    """A kill between copy and removal, or a setting that was away meanwhile."""
    location.prepare()
    files = {"old": old(location, JOURNAL), "new": location.beside(JOURNAL)}
    for name, file in files.items():
        file.write_bytes(name.encode())
        os.utime(file, ns=(0, 2 if name == newer else 1))
    location.prepare()
    assert location.beside(JOURNAL).read_bytes() == kept
    assert not old(location, JOURNAL).exists()


def test_what_a_kill_left_of_a_move_is_done_again(location):
    """Half a copy is never taken for the file."""
    old(location, JOURNAL).write_bytes(b"whole")
    location.state_dir.mkdir()
    (location.state_dir / "a.sqlite3-sends.moving").write_bytes(b"wh")
    location.prepare()
    assert [file.name for file in location.state_dir.iterdir()] == ["a.sqlite3-sends"]
    assert location.beside(JOURNAL).read_bytes() == b"whole"


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    """With the setting, and what to do."""
    (tmp_path / "file").write_bytes(b"")
    location = Location(tmp_path / "a.sqlite3", tmp_path / "file" / "state")
    with pytest.raises(DatabaseUnavailableError, match=r"storage\.state_dir"):
        location.prepare()
