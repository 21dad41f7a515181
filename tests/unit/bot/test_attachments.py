"""Files wait for their group, and for a place: texts wait for neither."""

import dataclasses
import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.deliver.telegram.file_slots import BUSY_S, GROUP_S, Attachments
from storage.queue.reader import QueueItem

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def item(number=1, kind="manager_message", **content):
    """Return an item of the inbox."""
    message = {"id": f"m{number}", "type": "text", "text": "Hi", **content}
    body = {
        "message": {
            "receiver": {"id": "r"},
            "sender": {"id": "s"},
            "conversation": {"id": "c"},
            "msec_timestamp": 1767348060456,
            "message": message,
        }
    }
    return QueueItem(
        id=number,
        dedupe_key=f"message:{number}",
        ordering_key="c",
        conversation_id="c",
        kind=kind,
        payload=json.dumps(body),
        state="pending",
        created_at=NOON,
        due_at=None,
        expires_at=NOON + timedelta(hours=1),
        started_at=NOON,
        attempts=1,
        progress=0,
        is_uncertain=False,
        reason=None,
        finished_at=None,
    )


FILE = {"type": "file", "media": "https://files.example/a.pdf"}
FORWARDED = {"forwards": {"messages": [{"type": "file", "media": "https://files.example/b"}]}}


@pytest.mark.parametrize(
    ("waiting", "after_s", "wait_s"),
    [
        pytest.param(item(), 0.0, 0.0, id="text"),
        pytest.param(item(kind="welcome", **FILE), 0.0, 0.0, id="greeting"),
        pytest.param(item(**FILE), 0.0, 0.0, id="single-file"),
        pytest.param(item(**FILE, media_group_id="g"), 0.25, GROUP_S - 0.25, id="group"),
        pytest.param(item(**FILE, media_group_id="g"), -5.0, 0.0, id="clock-set-back"),
        pytest.param(item(**FILE, media_group_id="g"), GROUP_S, 0.0, id="group-that-waited"),
        pytest.param(
            dataclasses.replace(item(**FILE, media_group_id="g"), progress=1), 0.0, 0.0, id="begun"
        ),
    ],
)
def test_only_a_group_waits_for_its_others(waiting, after_s, wait_s):
    """A single file is not delayed, and a group by no more than a second."""
    assert Attachments().wait_s(waiting, NOON + timedelta(seconds=after_s)) == wait_s


@pytest.mark.parametrize("content", [FILE, FORWARDED])
def test_files_wait_for_a_place_and_texts_do_not(content):
    """When all places for files are taken, a file waits until one is given back."""
    attachments = Attachments(places=1)
    first, second = item(1, **content), item(2, **content)
    assert attachments.wait_s(first, NOON) == 0.0
    assert attachments.wait_s(first, NOON) == 0.0
    assert attachments.wait_s(second, NOON) == BUSY_S
    assert attachments.wait_s(item(3), NOON) == 0.0
    attachments.ended(first)
    assert attachments.wait_s(second, NOON) == 0.0
