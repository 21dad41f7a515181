"""What an operator gives up: the manager is told, whichever way it was given up."""

import asyncio
import contextlib
import re
import sqlite3

import aiohttp
import pytest

ANN, BOSS = 555, 900
CONVERSATION = "tg:700001:555"
NOT_DELIVERED = "The operator of the Telegram bridge gave this message up. It was not delivered."
UNSURE = "The operator of the Telegram bridge gave this message up. It may have arrived."


@pytest.fixture
def config(config):
    """The settings, with an operators' chat."""
    text = config.read_text(encoding="utf-8")
    config.write_text(f"{text}\n[operators]\nchat_ids = [{BOSS}]\n", encoding="utf-8")
    return config


@pytest.fixture
def give_up(command, telegram, ports):
    """Give an item up by command, on the page, or in the chat."""

    async def by_command(name):
        assert (await command("queue", "drop", name, "--yes"))[0] == 0

    async def on_the_page(name):
        url = f"http://127.0.0.1:{ports[1]}"
        async with aiohttp.ClientSession() as http:
            found = None
            async with asyncio.timeout(20):
                while found is None:
                    async with http.get(url) as answer:
                        found = re.search(r'name="csrf" value="([^"]+)"', await answer.text())
            form = {"id": name, "csrf": found[1]}
            async with http.post(f"{url}/drop", data=form) as answer:
                assert answer.status == 200

    async def in_the_chat(name):
        telegram.client_says(f"/drop {name} yes", chat_id=BOSS)

    return {"command": by_command, "page": on_the_page, "chat": in_the_chat}


@pytest.fixture
async def waiting(bridge, telegram, kommo, eventually, ann):
    """A manager's message that Telegram does not take for now."""
    await ann.says("Hi")
    fault = telegram.faults.fail("sendMessage", status=502, times=1000, chat_id=ANN)
    message_id = await kommo.manager_says("an offer", to=CONVERSATION)
    await eventually(lambda: fault.hits > 0)
    yield message_id
    telegram.faults.remove(fault)


def told(kommo, message_id):
    """Return what Kommo shows at a message."""
    return [
        (one.code, one.error_code, one.error) for one in kommo.manager.message(message_id).statuses
    ]


@pytest.mark.parametrize("way", ["command", "page", "chat"])
async def test_the_manager_is_told_of_a_message_that_is_given_up(
    waiting, give_up, way, kommo, eventually
):
    """Kommo shows an error with words: nobody waits for a message that will never come."""
    await give_up[way]("outgoing-1")
    await eventually(lambda: kommo.statuses_of(waiting) == [-1])
    [(_code, error_code, words)] = told(kommo, waiting)
    assert error_code == 905
    assert words in {NOT_DELIVERED, UNSURE}


async def test_what_was_never_tried_was_not_delivered(waiting, give_up, kommo, eventually):
    """The words say how sure that is."""
    second = await kommo.manager_says("another", to=CONVERSATION)
    await give_up["command"]("outgoing-2")
    await eventually(lambda: told(kommo, second) == [(-1, 905, NOT_DELIVERED)])


async def test_what_is_given_up_while_it_is_tried_is_told_at_the_end(
    bridge, telegram, kommo, give_up, eventually, ann
):
    """The attempt is cut off after the drop; nobody knows, and it is not made again."""
    await ann.says("Hi")
    held = telegram.faults.hang("sendMessage")
    message_id = await kommo.manager_says("an offer", to=CONVERSATION)
    await eventually(lambda: held.hits == 1)
    await give_up["command"]("outgoing-1")
    assert kommo.statuses_of(message_id) == []
    telegram.is_down = True
    await eventually(lambda: told(kommo, message_id) == [(-1, 905, UNSURE)])
    telegram.is_down = False
    after = await kommo.manager_says("after that", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(after) == [1])
    assert held.hits == 1


async def test_a_failure_that_was_told_is_not_told_again(
    bridge, telegram, kommo, give_up, eventually, ann
):
    """The manager keeps the reason, rather than that somebody tidied up."""
    await ann.says("Hi")
    telegram.client_blocks(ANN)
    message_id = await kommo.manager_says("an offer", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [-1])
    before = told(kommo, message_id)
    await give_up["command"]("outgoing-1")
    telegram.client_unblocks(ANN)
    after = await kommo.manager_says("after that", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(after) == [1])
    assert told(kommo, message_id) == before


@pytest.fixture
def killed(process, telegram, kommo, give_up, eventually, ann):
    """Give a manager's message up while it is on its way, kill the bridge, and start it again."""

    async def act(fault, **message):
        await process.start()
        await ann.says("Hi")
        message_id = await kommo.manager_sends(**message, to=CONVERSATION)
        await eventually(lambda: fault.hits == 1)
        await give_up["command"]("outgoing-1")
        assert kommo.statuses_of(message_id) == []
        await process.kill()
        fault.release()
        await process.start()
        await eventually(lambda: kommo.statuses_of(message_id) == [-1])
        after = await kommo.manager_says("after that", to=CONVERSATION)
        await eventually(lambda: kommo.statuses_of(after) == [1])
        return told(kommo, message_id)

    return act


async def test_a_kill_between_a_drop_and_the_end_of_its_attempt_is_told(telegram, killed):
    """The call had begun, so it may have arrived; nothing is sent a second time."""
    held = telegram.faults.hang("sendMessage")
    assert await killed(held, text="an offer") == [(-1, 905, UNSURE)]
    assert telegram.texts_to(ANN).count("an offer") <= 1


async def test_a_kill_between_a_drop_and_the_first_call_is_told(telegram, kommo, killed):
    """The file was still being fetched: it was not delivered, and the manager reads that."""
    link = kommo.add_attachment(b"%PDF-1.7", "plan.pdf")
    held = kommo.faults.hang("/attachments")
    assert await killed(held, type="file", media=link) == [(-1, 905, NOT_DELIVERED)]
    assert telegram.texts_to(ANN) == ["after that"]


async def test_what_arrived_before_the_kill_is_delivered_though_it_was_dropped(
    process, telegram, kommo, give_up, eventually, ann, config
):
    """The journal knows it: the manager reads the truth, not what was wanted."""
    file = config.parent / "kommo-telegram.sqlite3"
    await process.start()
    await ann.says("Hi")
    held = telegram.faults.hang("sendMessage")
    message_id = await kommo.manager_says("an offer", to=CONVERSATION)
    await eventually(lambda: held.hits == 1)
    await give_up["command"]("outgoing-1")
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        held.release()
        journal = file.with_name(f"{file.name}-sends")
        await eventually(lambda: '"taken"' in journal.read_text())
        await process.kill()
        other.execute("ROLLBACK")
    await process.start()
    await eventually(lambda: kommo.statuses_of(message_id) == [1])
    assert telegram.texts_to(ANN) == ["an offer"]
