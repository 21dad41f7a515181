"""The journal of sends that are not recorded yet."""

import contextlib
import resource
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.deliver.telegram.journal import COMPACT_BYTES, MOST, Journal, Line, Step
from storage.message_reader import SentPart
from storage.queue.reader import QueueItem

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


BOT = 1


def step(number=1, call=1, *, is_last=True):
    """Return a call of an item's first attempt."""
    return Step.of(item(number), call, is_last=is_last)


@pytest.fixture
def path(tmp_path):
    """Return where the journal is."""
    return tmp_path / "bridge.sqlite3-sends"


async def test_what_was_written_is_read_by_the_next_process(path):
    """Each call is there with what came of it, and with what it sent, if that is known."""
    lines = [
        Line("begun", step(1, is_last=False)),
        Line("taken", step(1, is_last=False), PART),
        Line("begun", step(1, 2)),
        Line("begun", step(2)),
        Line("refused", step(2)),
    ]
    async with Journal.open(path) as journal:
        assert journal.is_new
        assert journal.begin(step(1, is_last=False), BOT)
        journal.take(step(1, is_last=False), PART, BOT)
        assert journal.begin(step(1, 2), BOT)
        assert journal.begin(step(2), BOT)
        journal.refuse(step(2), BOT)
    async with Journal.open(path) as journal:
        assert not journal.is_new
        assert journal.read() == lines
        journal.clear()
        assert journal.read() == []


async def test_the_lines_of_an_earlier_version_are_read(path):
    """They say what was taken, and nothing of what was begun."""
    path.write_text('[1, 1, "hook:1", null]\n[2, 3, "hook:2", null]\n', encoding="ascii")
    async with Journal.open(path) as journal:
        assert journal.read() == [
            Line("taken", Step(1, 1, "hook:1", 0)),
            Line("taken", Step(2, 3, "hook:2", 0)),
        ]


async def test_the_file_is_the_owner_s_and_empty_when_all_is_recorded(path):
    """Nothing of a client stays in it."""
    async with Journal.open(path) as journal:
        for number in (1, 2):
            journal.begin(step(number), BOT)
            journal.take(step(number), PART, BOT)
        journal.recorded(1)
        assert len(journal.read()) == 4
        journal.recorded(3)
        journal.recorded(2)
        assert path.read_bytes() == b""
        assert path.stat().st_mode & 0o777 == 0o600


async def test_few_sends_are_without_a_record(path):
    """While many are over and not recorded, whatever came of them, none may begin."""
    async with Journal.open(path) as journal:
        for number in range(MOST):
            assert journal.has_room(BOT)
            journal.begin(step(number), BOT)
            if number % 2:
                journal.take(step(number), None, BOT)
            else:
                journal.refuse(step(number), BOT)
        assert not journal.has_room(BOT)
        journal.recorded(0)
        assert journal.has_room(BOT)


@contextlib.contextmanager
def full_disk(path, *, after_bytes):
    """Let the file take only so much more, as a disk does that is nearly full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + after_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("after_bytes", [0, 10])
async def test_a_call_whose_line_is_not_whole_may_not_begin(path, after_bytes):
    """Half a line is taken back, and spoils none that follows."""
    async with Journal.open(path) as journal:
        journal.begin(step(1), BOT)
        with full_disk(path, after_bytes=after_bytes):
            assert not journal.begin(step(2), BOT)
        assert journal.begin(step(3), BOT)
        assert [line.step.item_id for line in journal.read()] == [1, 3]


@pytest.mark.parametrize("after_bytes", [0, 10])
async def test_a_send_that_could_not_be_written_down_has_to_be_recorded(path, after_bytes):
    """Until it is, nothing more of its bot may begin."""
    async with Journal.open(path) as journal:
        journal.begin(step(1), BOT)
        with full_disk(path, after_bytes=after_bytes):
            journal.take(step(1), PART, BOT)
        assert not journal.has_room(BOT)
        assert journal.has_room(BOT + 1)
        assert [line.word for line in journal.read()] == ["begun"]
        journal.recorded(1)
        assert journal.has_room(BOT)


async def test_it_stays_small_while_sends_overlap(path):
    """There is always one in flight, and the file holds hardly more than that one."""
    async with Journal.open(path) as journal:
        journal.begin(step(0), BOT)
        for number in range(1, 2000):
            journal.begin(step(number), BOT)
            journal.take(step(number), PART, BOT)
            journal.recorded(number - 1)
            assert path.stat().st_size < COMPACT_BYTES + 1000
        assert [line.word for line in journal.read() if line.step == step(1999)] == [
            "begun",
            "taken",
        ]
        journal.recorded(1999)
        assert list(path.parent.iterdir()) == [path]
        assert path.read_bytes() == b""


@pytest.mark.parametrize(
    "line",
    [
        b'[1, 1, "hook:1", {"at"',
        b"[1, 1]",
        b'[1, 1, "hook:1", {"a": 1}]',
        b'["taken", 1, 1, "hook:1", 1, true, {"a": 1}]',
        b'["lost", 1, 1, "hook:1", 1, true, null]',
        b"\0\0\0",
        b"\xff",
    ],
)
async def test_a_line_that_is_not_whole_is_left_out(path, line):
    """After a power cut a line may be half there, or zeros; the others count."""
    async with Journal.open(path) as journal:
        journal.begin(step(2), BOT)
    path.write_bytes(line + b"\n" + path.read_bytes())
    async with Journal.open(path) as journal:
        assert journal.read() == [Line("begun", step(2))]


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
def test_a_line_is_only_about_its_own_item(found, is_of):
    """A journal beside a restored database, or an old one, ends nothing."""
    assert step(1).is_of(found) is is_of
