"""What storing does with a webhook whose numbers and ids are absurd."""

import copy
import json
from datetime import timedelta
from pathlib import Path

import pytest

from bot.queue.items import Lifetimes
from bot.receive.kommo_events import Events
from bot.receive.kommo_webhook import Webhooks
from kommo.events import parse_event
from kommo.ids import ScopeId
from storage.database import Database

SAMPLES = Path(__file__).parents[2] / "contract" / "kommo" / "samples"
NAMES = sorted(file.name.removesuffix(".hook.json") for file in SAMPLES.glob("*.hook.json"))
NINES = "9" * 20
ABSURD = (2**70, -(2**63), 1e300, True, f"tg:{NINES}:555", f"tg:700001:555:{NINES}", NINES)


class NothingMissed:
    """Recovers nothing."""

    def hold_until(self, conversation_id):
        return None

    def note_activity(self, conversation_id):
        pass

    def note_missed(self, conversation_id):
        pass


@pytest.fixture
async def webhooks(tmp_path):
    """Webhooks on a new database."""
    async with Database.open(tmp_path / "test.sqlite3") as database:
        lifetimes = Lifetimes(timedelta(days=1), timedelta(days=1))
        catch_up = NothingMissed()
        events = Events(lifetimes, lambda address, until: None, catch_up)
        yield Webhooks(database, events, catch_up, scope_id=ScopeId("scope"), secret="fake")


def absurd_ones(data):
    """Return a webhook, each time with another value absurd, and where that is."""

    def walk(value, path):
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            if isinstance(one, dict | list):
                yield from walk(one, (*path, key))

    for path in walk(data, ()):
        for value in ABSURD:
            changed = copy.deepcopy(data)
            place = changed
            for key in path[:-1]:
                place = place[key]
            place[path[-1]] = value
            yield path, value, changed


@pytest.mark.no_cover  # thousands of examples
@pytest.mark.parametrize("name", NAMES)
async def test_an_absurd_value_is_stored_like_any_other(name, webhooks):
    """Kommo sends a webhook once: whatever its numbers are, it is on disk, and no defect."""
    data = json.loads((SAMPLES / f"{name}.hook.json").read_text("utf-8"))
    for path, value, changed in absurd_ones(data):
        body = json.dumps(changed)
        try:
            await webhooks.keep(parse_event(body.encode()), body)
        except Exception as error:
            raise AssertionError((path, value)) from error
