"""An import while Kommo refuses, fails, is slow, or asks to slow down."""

import asyncio
import contextlib
import io
import json
import time
from sqlite3 import connect

import pytest
import typer

from bot.cli import import_ as command
from bot.errors import BridgeError
from bot.imports.pace import ImportPace
from bot.queue.outcomes import RetryPolicy
from bot.settings import load
from tests.e2e.conftest import SCOPE_ID
from tests.e2e.exports import account, chat, message, naming_bot, talk, written

CONVERSATION = "tg:700001:555"
SEND = f"/v2/origin/custom/{SCOPE_ID}"
QUICK = ImportPace(
    policy=RetryPolicy(first_s=0.01, factor=1.0), give_up_s=0.3, alone=3, gap_s=0.01,
    react_again_s=(0.01,), record_s=0.05,
)  # fmt: skip


@pytest.fixture
def config(config):
    """Settings that name the channel's bot."""
    return naming_bot(config)


@pytest.fixture
def run(config, tmp_path):
    """Import an export at a quick pace; return what is said, or what ended it."""

    async def start(export, **options):
        path = written(tmp_path / "export", export)
        choice = command.Choice(
            path=path, bot=None, client_id=None, since=None, until=None, timezone=None,
            is_silent=False, is_dry=False, is_confirmed=True, as_json=True,
        )  # fmt: skip
        return await asyncio.to_thread(_carried_out, load(config, {}), choice, options)

    return start


def _carried_out(settings, choice, options):
    output = io.StringIO()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        try:
            command.import_export(settings, choice, pace=ImportPace(**{**vars(QUICK), **options}))
        except (BridgeError, typer.Exit) as error:
            return str(error)
    return json.loads(output.getvalue())


def texts(kommo):
    """Return what Kommo shows of the client's chat."""
    return kommo.texts_in(CONVERSATION)


EXPECTED = [f"Ann {number}" for number in range(8)]


@pytest.mark.parametrize("kommo", ["refuse", "accept"], indirect=True)
@pytest.mark.parametrize(
    "break_it",
    [
        pytest.param(lambda faults: faults.fail(SEND, status=500, times=2), id="errors"),
        pytest.param(lambda faults: faults.html(SEND, times=2), id="pages"),
        pytest.param(lambda faults: faults.reset(SEND, times=2), id="resets"),
        pytest.param(
            lambda faults: faults.reset(SEND, times=2, after_processing=True), id="lost-answers"
        ),
        pytest.param(
            lambda faults: faults.fail(SEND, status=500, times=2, after_processing=True),
            id="errors-although-done",
        ),
        pytest.param(
            lambda faults: faults.fail(SEND, status=429, times=1, retry_after=0.05), id="slow-down"
        ),
        pytest.param(lambda faults: faults.hang(SEND, seconds=0.3, times=2), id="slow"),
        pytest.param(lambda faults: faults.fail(SEND, status=302, times=1), id="redirection"),
    ],
)
async def test_trouble_delays_and_doubles_nothing(kommo, run, break_it):
    """Each message arrives once, in order, whatever goes wrong meanwhile."""
    break_it(kommo.faults)
    said = await run(talk(8))
    assert (said["sent"], said["refused"]) == (8, [])
    assert texts(kommo) == EXPECTED
    assert [one.text for one in kommo.received] == EXPECTED


async def test_a_pause_that_kommo_asks_for_is_kept(kommo, run):
    """After a 429 nothing is sent for as long as Kommo says."""
    kommo.faults.fail(SEND, status=429, times=1, retry_after=1)
    began_at = time.monotonic()
    said = await run(talk(2))
    assert said["sent"] == 2
    assert time.monotonic() - began_at >= 1.0


async def test_a_refused_message_stops_no_other(kommo, run, command):
    """It is listed at the end and in the queue, where it can be tried again."""
    kommo.faults.fail(SEND, status=400, times=None, where=lambda call: "Ann 5" in str(call.fields))
    said = await run(talk(8))
    [refused] = said["refused"]
    assert said["sent"] == 7
    assert refused["conversation_id"] == CONVERSATION
    assert texts(kommo) == [text for text in EXPECTED if text != "Ann 5"]
    _, output, _ = await command("queue", "list", "--json")
    [listed] = json.loads(output)
    assert (listed["id"], listed["state"]) == (refused["id"], "dead")
    assert "400" in listed["reason"]


async def test_a_refused_message_arrives_when_it_is_tried_again(
    kommo, run, command, config, bridge, eventually
):
    """`queue retry` sends it in the place where it was written."""
    fault = kommo.faults.fail(
        SEND, status=400, times=None, where=lambda call: "Ann 5" in str(call.fields)
    )
    said = await run(talk(8))
    kommo.faults.remove(fault)
    await command("queue", "retry", said["refused"][0]["id"])
    await eventually(lambda: texts(kommo) == EXPECTED)
    again = await run(talk(8))
    assert again["imported_before"] == 8


async def test_a_message_that_fails_alone_stops_no_other(kommo, run):
    """An error of Kommo's that only one message meets counts as its refusal."""
    kommo.faults.fail(SEND, status=500, times=None, where=lambda call: "Ann 5" in str(call.fields))
    said = await run(talk(8), give_up_s=30.0)
    assert (said["sent"], len(said["refused"])) == (7, 1)
    assert "while other calls succeed" in said["refused"][0]["reason"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        pytest.param(403, "Kommo refuses the channel", id="channel"),
        pytest.param(404, "Kommo refuses the channel", id="scope"),
        pytest.param(400, "Kommo refuses 3 messages", id="messages"),
    ],
)
async def test_what_would_hit_all_stops_it_at_once(kommo, run, status, words):
    """Nothing of it is sent, a person reads what to do, and a repetition brings all."""
    fault = kommo.faults.fail(SEND, status=status, times=None)
    export = account(talk(8), talk(8, peer=556, name="Ben"))
    said = await run(export)
    assert words in said
    assert "goes on where it stopped" in said
    assert kommo.received == []
    assert fault.hits <= 12
    kommo.faults.remove(fault)
    said = await run(export)
    assert (said["sent"], said["refused"]) == (16, [])


async def test_an_unknown_author_stops_it_at_the_first_answer(config, kommo, run):
    """A channel bot that Kommo does not know is found out with one message of the company."""
    text = config.read_text("utf-8").replace("44444444-5555", "44444444-6666")
    config.write_text(text, "utf-8")
    said = await run(chat(*(message(n, "c") for n in range(20)), message(20, "m", by=900)))
    assert "kommo.channel_bot_id" in said
    assert len(kommo.received) == 1  # the first message of the client
    assert all(one.is_incoming for one in kommo.received)


async def test_the_first_of_each_side_goes_first_and_shows_in_its_place(kommo, run):
    """An early try of an answer changes nothing in the order that managers see."""
    export = chat(*(message(n, f"c{n}") for n in range(8)), message(8, "m", by=900))
    said = await run(export)
    assert said["sent"] == 9
    assert [one.text for one in kommo.received][:2] == ["c0", "m"]
    assert texts(kommo) == [*(f"c{n}" for n in range(8)), "m"]
    assert [one.is_silent for one in kommo.messages_in(CONVERSATION)] == [True] * 8 + [False]


async def test_a_long_outage_ends_it_with_what_to_do(kommo, run):
    """It gives up after a time without any success, and the next call goes on."""
    kommo.faults.fail(SEND, status=503, times=None, where=lambda call: "Ann 4" in str(call.fields))
    prove = kommo.faults.fail(f"{SEND}/chats", status=503, times=None)
    said = await run(talk(8))
    assert "give the same command again" in said
    assert texts(kommo) == EXPECTED[:4]
    kommo.faults.clear()
    assert prove.hits > 0
    said = await run(talk(8))
    assert (said["sent"], said["imported_before"]) == (4, 4)
    assert texts(kommo) == EXPECTED


async def test_what_kommo_took_unseen_is_found_in_its_history(kommo, run, config):
    """What a kill left planned is not told again if Kommo has it."""
    await run(talk(8))
    with connect(config.parent / "kommo-telegram.sqlite3") as raw:
        raw.execute("UPDATE imported SET state = 'planned'")
    raw.close()
    said = await run(talk(8))
    assert said["sent"] == 8
    assert texts(kommo) == EXPECTED
    assert kommo.repeated == 0
