"""Questions while the database is busy or its disk fails for a moment."""

import sqlite3

import pytest

from storage.database import Database
from storage.errors import DatabaseStalledError, DatabaseUnavailableError
from storage.patience import ask


class Failing(sqlite3.Connection):
    """SQLite that fails as often as told before it answers a question about items."""

    code = sqlite3.SQLITE_BUSY
    failures = 0

    def execute(self, sql, *arguments):
        if Failing.failures and "FROM inbox" in sql and "SELECT" in sql:
            Failing.failures -= 1
            error = sqlite3.OperationalError("it fails for a moment")
            error.sqlite_errorcode = Failing.code
            raise error
        return super().execute(sql, *arguments)


@pytest.fixture
async def failing(path, monkeypatch):
    """A database whose connections can fail."""
    connect = sqlite3.connect
    monkeypatch.setattr(
        sqlite3, "connect", lambda *args, **options: connect(*args, **options, factory=Failing)
    )
    async with Database.open(path) as database:
        yield database
    Failing.failures, Failing.code = 0, sqlite3.SQLITE_BUSY


@pytest.mark.parametrize("code", [sqlite3.SQLITE_BUSY, sqlite3.SQLITE_IOERR])
async def test_a_question_that_fails_for_a_moment_is_asked_again(failing, code, noon):
    """Whoever asks learns nothing of it."""
    Failing.code, Failing.failures = code, 2
    async with failing.snapshot() as snapshot:
        assert await snapshot.to_telegram.due_lanes(now=noon) == []
    assert Failing.failures == 0


async def test_who_cannot_go_on_without_an_answer_waits_for_it(failing, noon, monkeypatch, caplog):
    """What lasts is said once, and asked until there is an answer; nothing ends for it."""
    monkeypatch.setattr("storage.sqlite.connection.READ_PAUSES_S", (0.001,))
    monkeypatch.setattr("storage.patience.FIRST_PAUSE_S", 0.001)
    Failing.failures = 9
    assert await ask(failing, lambda snapshot: snapshot.to_telegram.due_lanes(now=noon)) == []
    assert [text[:21] for text in caplog.messages] == ["database unavailable,"]


async def test_what_does_not_pass_is_told(failing, noon):
    """A damaged file is no moment."""
    Failing.code, Failing.failures = sqlite3.SQLITE_CORRUPT, 1
    async with failing.snapshot() as snapshot:
        with pytest.raises(DatabaseUnavailableError) as failure:
            await snapshot.to_telegram.due_lanes(now=noon)
    assert not isinstance(failure.value, DatabaseStalledError)
