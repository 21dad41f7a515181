"""The journal of sends that are not recorded yet."""

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.deliver.journal import MOST, Journal, Sent
from storage.messages import SentPart
from storage.queue_reader import QueueItem

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
PART = SentPart("kommo-1", "tg:1:5", bot_id=1, chat_id=5, telegram_message_id=42, at=NOON)


def item(number=1):
    """Return an item under way for the first time."""
    return QueueItem(
        id=number,
        dedupe_key=f"hook:{number}",
        ordering_key="tg:1:5",
        conversation_id="tg:1:5",
        kind="manager_message",
        payload="{}",
        state="pending",
        created_at=NOON,
        due_at=None,
        expires_at=NOON,
        started_at=NOON,
        attempts=1,
        progress=0,
        is_uncertain=False,
        reason=None,
        finished_at=None,
    )


@pytest.fixture
def path(tmp_path):
    """Return where the journal is."""
    return tmp_path / "bridge.sqlite3-sends"


async def test_what_was_noted_is_read_by_the_next_process(path):
    """Each send is there with what it sent, if anything is known of that."""
    async with Journal.open(path) as journal:
        assert journal.note(item(1), PART)
        assert journal.note(item(2), None)
    async with Journal.open(path) as journal:
        assert journal.read() == [Sent(1, 1, "hook:1", PART), Sent(2, 1, "hook:2", None)]
        journal.clear()
        assert journal.read() == []


async def test_the_file_is_the_owner_s_and_empty_when_all_is_recorded(path):
    """Nothing of a client stays in it."""
    async with Journal.open(path) as journal:
        journal.note(item(1), PART)
        journal.note(item(2), PART)
        journal.recorded(item(1))
        assert len(journal.read()) == 2
        journal.recorded(item(3))
        journal.recorded(item(2))
        assert path.read_bytes() == b""
        assert path.stat().st_mode & 0o777 == 0o600


async def test_few_sends_are_without_a_record(path):
    """One more than may be has to wait for its record, which is all that a power cut repeats."""
    async with Journal.open(path) as journal:
        assert [journal.note(item(number), None) for number in range(MOST + 1)] == [
            *([True] * MOST),
            False,
        ]
        journal.recorded(item(0))
        assert journal.note(item(MOST), None)


async def test_what_cannot_be_written_has_to_be_recorded(path):
    """Where the file takes nothing, the next send waits for the record."""
    path.touch()
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert not Journal(descriptor).note(item(), PART)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    "line", [b'[1, 1, "hook:1", {"at"', b"[1, 1]", b'[1, 1, "hook:1", {"a": 1}]', b"\0\0\0"]
)
async def test_a_line_that_is_not_whole_is_left_out(path, line):
    """After a power cut a line may be half there, or zeros; the others count."""
    async with Journal.open(path) as journal:
        journal.note(item(2), PART)
    path.write_bytes(line + b"\n" + path.read_bytes())
    async with Journal.open(path) as journal:
        assert [sent.item_id for sent in journal.read()] == [2]


@pytest.mark.parametrize(
    ("found", "is_of"),
    [
        pytest.param(item(1), True, id="as-it-was"),
        pytest.param(None, False, id="gone"),
        pytest.param(replace(item(1), state="done"), False, id="recorded"),
        pytest.param(replace(item(1), attempts=2), False, id="tried-since"),
        pytest.param(replace(item(1), dedupe_key="hook:9"), False, id="of-another-database"),
    ],
)
def test_a_line_ends_only_the_item_it_is_about(found, is_of):
    """A journal beside a restored database, or an old one, ends nothing."""
    assert Sent(1, 1, "hook:1", PART).is_of(found) is is_of
