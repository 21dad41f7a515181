"""What the manager reads of an answer's way: delivered, read, failed, and nothing untrue."""

from datetime import timedelta

import pytest

from storage.database import Database

ANN = 555
CONVERSATION = "tg:700001:555"


@pytest.fixture
def settings(config, request):
    """Settings in which something differs."""
    table, line = request.param
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace(f"[{table}]", f"[{table}]\n{line}"), encoding="utf-8")


@pytest.fixture
async def known(settings_if_any, bridge, telegram, kommo, eventually):
    """A client who wrote."""
    telegram.client_says("hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)


@pytest.fixture
def settings_if_any(request):
    """Change the settings before the bridge starts, where a test asks for it."""
    if "settings" in request.fixturenames:
        request.getfixturevalue("settings")


async def test_delivered_means_every_part(known, telegram, kommo, eventually):
    """While a part of a long answer is missing, nothing is said; then it is delivered, once."""
    missing = telegram.faults.fail(
        "sendMessage", status=500, times=None, where=lambda call: "second" in call.fields["text"]
    )
    text = "first " + "x" * 4000 + "\n\nsecond " + "y" * 4000
    message_id = await kommo.manager_says(text, to=CONVERSATION)
    await eventually(lambda: missing.hits >= 1)
    assert kommo.statuses_of(message_id) == []
    telegram.faults.remove(missing)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])


async def test_nothing_is_read_before_it_is_delivered(known, telegram, kommo, eventually):
    """What a client writes while an answer is still under way says nothing about it."""
    missing = telegram.faults.fail("sendMessage", status=500, times=None)
    message_id = await kommo.manager_says("answer", to=CONVERSATION)
    await eventually(lambda: missing.hits >= 1)
    telegram.client_says("are you there?")
    await eventually(lambda: "are you there?" in kommo.texts_in(CONVERSATION))
    assert kommo.statuses_of(message_id) == []
    telegram.faults.remove(missing)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])


async def test_nothing_is_read_that_failed(known, telegram, kommo, eventually):
    """After an error nothing else is said, whatever the client does."""
    body = {"ok": False, "error_code": 400, "description": "Bad Request: message text is empty"}
    telegram.faults.fail("sendMessage", status=400, body=body)
    failed = await kommo.manager_says("answer", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(failed) == [-1])
    taken = await kommo.manager_says("another", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(taken) == [1])
    telegram.client_says("thanks")
    await eventually(lambda: kommo.statuses_of(taken) == [1, 2])
    assert kommo.statuses_of(failed) == [-1]


async def test_each_step_is_told_once_across_a_restart(known, bridge, telegram, kommo, eventually):
    """One call for each message and step, through restarts and repetitions."""
    message_id = await kommo.manager_says("answer", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    await bridge.restart()
    telegram.client_says("thanks")
    await eventually(lambda: kommo.statuses_of(message_id) == [1, 2])
    await bridge.restart()
    telegram.client_says("and more")
    later = await kommo.manager_says("later", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(later)[:1] == [1])
    assert kommo.statuses_of(message_id) == [1, 2]
    assert len([c for c in kommo.calls("delivery_status") if message_id in c.path]) == 2


async def test_a_reaction_means_that_it_was_read(known, telegram, kommo, eventually):
    """Who puts an emoji on an answer has read it."""
    message_id = await kommo.manager_says("answer", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    telegram.client_reacts(telegram.sent_to(ANN)[0].message_id, "👍")
    await eventually(lambda: kommo.statuses_of(message_id) == [1, 2])


async def status_of(bridge, message_id):
    """Return the status that the bridge knows of an answer."""
    async with (
        Database.open(bridge.settings.database) as database,
        database.snapshot() as snapshot,
    ):
        return await snapshot.messages.status_of(message_id)


async def test_a_vote_proves_nothing(known, bridge, telegram, kommo, eventually):
    """A vote names neither a message nor a moment, so what it came after is not known."""
    message_id = await kommo.manager_says("answer", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    ann = {"id": ANN, "is_bot": False, "first_name": "Ann"}
    vote = {"poll_id": "1", "user": ann, "option_ids": [0], "option_persistent_ids": ["a"]}
    telegram.push({"poll_answer": vote})
    telegram.client_says("hi", chat_id=777)
    await eventually(lambda: "tg:700001:777" in kommo.conversations)
    assert await status_of(bridge, message_id) == 1


async def test_what_was_written_in_the_same_second_is_not_read_by_what_stands_above(
    known, bridge, telegram, kommo, eventually
):
    """A client's message and an answer of one second: what stands below was not read."""
    await bridge.stop()
    telegram.client_sends({"text": "above"}, date=int(telegram.now()) + 60)
    missing = telegram.faults.fail("getUpdates", status=500, times=None)
    await bridge.start()
    message_id = await kommo.manager_says("below", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    telegram.faults.remove(missing)
    await eventually(lambda: "above" in kommo.texts_in(CONVERSATION))
    assert await status_of(bridge, message_id) == 1
    telegram.client_says("I see")
    await eventually(lambda: kommo.statuses_of(message_id) == [1, 2])


@pytest.mark.parametrize("settings", [("telegram", "infer_read = false")], indirect=True)
async def test_nothing_is_guessed_where_it_is_switched_off(
    settings, known, telegram, kommo, eventually
):
    """With infer_read = false a client's message marks nothing read."""
    message_id = await kommo.manager_says("answer", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    telegram.client_says("thanks")
    await eventually(lambda: "thanks" in kommo.texts_in(CONVERSATION))
    later = await kommo.manager_says("later", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(later) == [1])
    assert kommo.statuses_of(message_id) == [1]


NAMES = ("status_code", "delivery_status")


@pytest.mark.parametrize(
    ("settings", "name"),
    [(("kommo", f'status_field = "{name}"'), name) for name in NAMES],
    indirect=["settings"],
    ids=NAMES,
)
async def test_the_name_of_the_status_can_be_chosen(settings, known, kommo, eventually, name):
    """Whoever sets a name gets that name, and no other."""
    message_id = await kommo.manager_says("answer", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    (call,) = [c for c in kommo.calls("delivery_status") if message_id in c.path]
    assert [one for one in NAMES if f'"{one}"'.encode() in call.body] == [name]


@pytest.mark.parametrize("taken", [*NAMES, "both"])
async def test_the_name_of_the_status_is_found_out_once(
    kommo, known, bridge, command, eventually, caplog, taken
):
    """One extra call at most for an account, remembered across restarts; no status is lost."""
    caplog.set_level("INFO", "bot.account.statuses")
    kommo.account.status_field = taken
    answers = [await kommo.manager_says(f"{n}", to=CONVERSATION) for n in range(5)]
    await eventually(lambda: all(kommo.statuses_of(answer) == [1] for answer in answers))
    refused = [call for call in kommo.calls("delivery_status") if call.status != 200]
    assert len(refused) == (1 if taken == "delivery_status" else 0)
    assert caplog.text.count("Kommo accepts delivery statuses as") == 1
    await bridge.restart()
    later = await kommo.manager_says("later", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(later) == [1])
    assert len(kommo.calls("delivery_status")) == 6 + len(refused)
    name = "delivery_status" if taken == "delivery_status" else "status_code"
    assert f"Kommo takes them as '{name}'" in (await command("check"))[1]


@pytest.mark.parametrize("body", [None, "<html>404</html>"], ids=["kommos", "routers"])
async def test_what_is_about_a_message_outlives_a_while_of_404(
    known, bridge, telegram, kommo, eventually, body
):
    """A router's 404, or a message that Kommo does not know yet, costs minutes, no status."""
    lost = kommo.faults.fail("*/delivery_status", status=404, body=body, times=6)
    message_id = await kommo.manager_says("answer", to=CONVERSATION)

    def is_told_in_time():
        bridge.ahead += timedelta(seconds=0.3)  # thirty times as fast, and no jump of the clock
        return kommo.statuses_of(message_id) == [1]

    await eventually(is_told_in_time)
    assert lost.hits == 6
