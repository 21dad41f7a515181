"""The operators' chat: what it hears, what it commands, what nobody else may."""

import asyncio
import sqlite3

import pytest

from tests.ports import free_port

ANN, BOSS = 555, 900
GROUP, SUPERGROUP = -4711, -100200
CONVERSATION = "tg:700001:555"


@pytest.fixture
def config(config):
    """The settings, with an operators' chat."""
    text = config.read_text(encoding="utf-8")
    config.write_text(f"{text}\n[operators]\nchat_ids = [{BOSS}, {GROUP}]\n", encoding="utf-8")
    return config


async def test_status_is_for_operators_only(bridge, telegram, kommo, eventually):
    """An operator is answered and Kommo hears nothing of it; a client's /status is a message."""
    telegram.client_says("/status", chat_id=BOSS)
    await eventually(lambda: len(telegram.texts_to(BOSS)) == 1)
    assert telegram.texts_to(BOSS)[0].startswith("The bridge works.")
    telegram.client_says("/status", chat_id=ANN)
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["/status"])
    assert telegram.texts_to(ANN) == []
    assert list(kommo.conversations) == [CONVERSATION]


async def test_what_failed_is_listed_and_tried_again_by_a_button(
    bridge, telegram, kommo, eventually
):
    """/failed says why; its button delivers what had failed."""
    telegram.client_says("Hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    telegram.client_blocks(ANN)
    message_id = await kommo.manager_says("an offer", to=CONVERSATION)
    await eventually(lambda: -1 in kommo.statuses_of(message_id))
    telegram.client_unblocks(ANN)
    telegram.client_says("/failed", chat_id=BOSS)
    await eventually(lambda: len(telegram.sent_to(BOSS)) == 1)
    answer = telegram.sent_to(BOSS)[0]
    assert "outgoing-1" in answer.text
    assert "an offer" not in answer.text
    telegram.client_presses(answer.message_id, "Try all again", chat_id=BOSS)
    await eventually(lambda: telegram.texts_to(ANN) == ["an offer"])
    await eventually(lambda: "1 item tried again" in telegram.texts_to(BOSS)[-1])


async def test_a_pause_outlives_a_restart_and_loses_nothing(bridge, telegram, kommo, eventually):
    """While paused nothing is delivered; /resume delivers what was kept."""
    telegram.client_says("/pause", chat_id=BOSS)
    await eventually(lambda: len(telegram.texts_to(BOSS)) == 1)
    await bridge.restart()
    telegram.client_says("while paused")
    telegram.client_says("/status", chat_id=BOSS)
    await eventually(lambda: "Incoming: 1 waiting" in telegram.texts_to(BOSS)[-1])
    assert "paused" in telegram.texts_to(BOSS)[-1]
    assert CONVERSATION not in kommo.conversations
    telegram.client_says("/resume", chat_id=BOSS)
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["while paused"])


async def test_unknown_items_and_help(bridge, telegram, eventually):
    """A wrong id is said to be unknown; /help lists what there is."""
    telegram.client_says("/retry outgoing-99", chat_id=BOSS)
    telegram.client_says("/help", chat_id=BOSS)
    await eventually(lambda: len(telegram.texts_to(BOSS)) == 2)
    assert "1 id not known" in telegram.texts_to(BOSS)[0]
    assert "/resume" in telegram.texts_to(BOSS)[1]


async def test_an_answer_that_does_not_arrive_stops_nobody(bridge, telegram, kommo, eventually):
    """When the operators' chat cannot be answered, clients' messages go on."""
    telegram.client_blocks(BOSS)
    telegram.client_says("/status", chat_id=BOSS)
    telegram.client_says("Hi", chat_id=ANN)
    await eventually(lambda: CONVERSATION in kommo.conversations)


async def test_an_outage_of_kommo_reads_as_one(
    bridge, config, telegram, kommo, eventually, caplog
):
    """Who asks during an outage is told to wait, in words, not what the network library says."""
    await bridge.stop()
    right = config.read_text(encoding="utf-8")
    nobody = f"http://127.0.0.1:{free_port()}"
    config.write_text(right.replace(kommo.url, nobody), encoding="utf-8")
    await bridge.start()
    await eventually(lambda: "no answer from Kommo" in caplog.text)
    telegram.client_says("/status", chat_id=BOSS)
    await eventually(lambda: telegram.texts_to(BOSS))
    lines = telegram.texts_to(BOSS)[0].splitlines()
    assert lines[0] == "The bridge waits for Kommo."
    assert "retries automatically" in lines[1]
    assert "Error" not in lines[1]


@pytest.fixture
def other_program(bridge):
    """Another program that holds the database's write lock for as long as it likes."""
    raw = sqlite3.connect(bridge.settings.database, isolation_level=None, check_same_thread=False)

    async def execute(sql):
        await asyncio.to_thread(raw.execute, sql)

    yield execute
    raw.close()


@pytest.mark.parametrize("command", ["/pause", "/resume", "/retry outgoing-1"])
async def test_a_locked_database_is_said_to_the_operator_and_ends_nothing(
    other_program, bridge, telegram, kommo, eventually, monkeypatch, command
):
    """What cannot be stored now is answered so; the service, and the clients' messages, go on."""
    monkeypatch.setattr("bot.operate.dead_items.PATIENCE_S", 0.0)
    monkeypatch.setattr("bot.operate.operators.pause.PATIENCE_S", 0.0)
    await other_program("BEGIN IMMEDIATE")
    telegram.client_says(command, chat_id=BOSS)
    await eventually(lambda: telegram.texts_to(BOSS))
    assert telegram.texts_to(BOSS)[0].startswith("Not now")
    await other_program("ROLLBACK")
    for asked in range(1, 20):  # the next look at the database tells that it takes writes again
        telegram.client_says("/status", chat_id=BOSS)
        await eventually(lambda answers=asked + 1: len(telegram.texts_to(BOSS)) == answers)
        if telegram.texts_to(BOSS)[-1].startswith("The bridge works."):
            break
        await asyncio.sleep(0.3)
    assert telegram.texts_to(BOSS)[-1].startswith("The bridge works.")
    telegram.client_says("Hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)


async def test_an_operator_whose_chat_hangs_delays_no_client(bridge, telegram, kommo, eventually):
    """Neither a slow answer nor a press that hangs holds up what clients write."""
    telegram.client_says("/status", chat_id=BOSS)
    await eventually(lambda: telegram.sent_to(BOSS))
    hanging = telegram.faults.hang("sendMessage", chat_id=BOSS, times=None)
    pressed = telegram.faults.hang("answerCallbackQuery", times=None)
    telegram.client_presses(telegram.sent_to(BOSS)[0].message_id, "Pause", chat_id=BOSS)
    telegram.client_says("/status", chat_id=BOSS)
    await eventually(lambda: hanging.hits and pressed.hits)
    telegram.client_says("Hi")
    await eventually(lambda: telegram.confirmed()[-1:], within_s=2)
    telegram.client_says("again")
    await eventually(lambda: len(telegram.confirmed()) >= 4, within_s=2)
    telegram.faults.clear()


async def test_commands_are_carried_out_in_their_order_and_presses_answered_at_once(
    bridge, telegram, eventually
):
    """A press is answered although a command before it still hangs; then all are done in order."""
    telegram.client_says("/status", chat_id=BOSS)
    await eventually(lambda: telegram.sent_to(BOSS))
    hanging = telegram.faults.hang("sendMessage", chat_id=BOSS)
    telegram.client_says("/help", chat_id=BOSS)
    callback = telegram.client_presses(telegram.sent_to(BOSS)[0].message_id, "Pause", chat_id=BOSS)
    telegram.client_says("/resume", chat_id=BOSS)
    await eventually(lambda: hanging.hits)
    await eventually(
        lambda: (
            callback
            in [
                call.parameters["callback_query_id"]
                for call in telegram.calls("answerCallbackQuery")
            ]
        ),
        within_s=2,
    )
    assert len(telegram.texts_to(BOSS)) == 1
    hanging.release()
    await eventually(lambda: len(telegram.texts_to(BOSS)) == 4)
    firsts = [text.split()[0] for text in telegram.texts_to(BOSS)[1:]]
    assert firsts == ["Commands", "Deliveries", "Deliveries"]
    assert "go on" in telegram.texts_to(BOSS)[3]


@pytest.fixture
def group(telegram):
    """The operators' group, in which their first is a member."""
    return telegram.add_group(GROUP, "Operators")


async def test_the_operators_group_is_followed_when_it_becomes_a_supergroup(
    group, bridge, telegram, eventually, caplog, command
):
    """Commands in the new chat are heard, also after a restart; log and check say its number."""
    telegram.client_says("/status", chat_id=GROUP, sender=BOSS)
    await eventually(lambda: telegram.texts_to(GROUP))
    telegram.group_becomes_supergroup(GROUP, SUPERGROUP)
    telegram.client_says("/status", chat_id=SUPERGROUP, sender=BOSS)
    await eventually(lambda: len(telegram.texts_to(SUPERGROUP)) == 1)
    await bridge.restart()
    telegram.client_says("/help", chat_id=SUPERGROUP, sender=BOSS)
    await eventually(lambda: len(telegram.texts_to(SUPERGROUP)) == 2)
    assert f"{GROUP} is {SUPERGROUP} now" in caplog.text
    _code, output, _errors = await command("check", "--offline")
    assert f"put {SUPERGROUP} instead of {GROUP}" in output


async def test_a_group_that_moved_unseen_is_followed_by_the_next_answer(
    group, bridge, telegram, eventually
):
    """Where no update told it, Telegram's refusal does, and the answer arrives all the same."""
    telegram.add_group(SUPERGROUP, "Operators")
    group.migrated_to = SUPERGROUP
    telegram.client_says("/status", chat_id=GROUP, sender=BOSS)
    await eventually(lambda: telegram.texts_to(SUPERGROUP))
    telegram.client_says("/help", chat_id=SUPERGROUP, sender=BOSS)
    await eventually(lambda: len(telegram.texts_to(SUPERGROUP)) == 2)


async def test_what_operators_say_is_no_clients_word(bridge, telegram, kommo, eventually):
    """In an operators' chat nothing becomes a conversation in Kommo; a hint says so, once."""
    telegram.client_says("/start", chat_id=BOSS)
    telegram.client_says("who is on duty?", chat_id=BOSS)
    edited = telegram.client_says("typo", chat_id=BOSS)
    telegram.client_edits(edited, "a word", chat_id=BOSS)
    telegram.client_blocks(BOSS)
    telegram.client_unblocks(BOSS)
    telegram.client_says("/help", chat_id=BOSS)
    telegram.client_says("Hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    await eventually(lambda: len(telegram.texts_to(BOSS)) == 2)
    assert "does not reach Kommo" in telegram.texts_to(BOSS)[0]
    assert list(kommo.conversations) == [CONVERSATION]


@pytest.fixture
async def failure(bridge, telegram, kommo, eventually):
    """A manager's answer that could not be delivered, as the client had blocked the bot."""
    telegram.client_says("Hi")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    telegram.client_blocks(ANN)
    message_id = await kommo.manager_says("an offer", to=CONVERSATION)
    await eventually(lambda: -1 in kommo.statuses_of(message_id))
    return message_id


async def test_an_item_is_given_up_after_a_question(failure, telegram, eventually, command):
    """/drop asks first, its button or a yes does it, and what is not there is said so."""
    telegram.client_says("/failed", chat_id=BOSS)
    await eventually(lambda: len(telegram.sent_to(BOSS)) == 1)
    assert "wait until the client writes again" in telegram.texts_to(BOSS)[0]
    telegram.client_says("/drop", chat_id=BOSS)
    telegram.client_says("/drop outgoing-1 outgoing-99", chat_id=BOSS)
    await eventually(lambda: len(telegram.sent_to(BOSS)) == 3)
    assert telegram.texts_to(BOSS)[1].startswith("Which one?")
    question = telegram.sent_to(BOSS)[2]
    assert question.text.startswith("Drop 1 item for good?")
    assert "outgoing-99: no such item, or it is done" in question.text
    _code, listed, _errors = await command("queue", "list")
    assert "outgoing-1" in listed
    telegram.client_presses(question.message_id, "Drop for good", chat_id=BOSS)
    await eventually(lambda: len(telegram.sent_to(BOSS)) == 4)
    assert telegram.texts_to(BOSS)[3] == "outgoing-1: dropped"
    _code, listed, _errors = await command("queue", "list")
    assert "outgoing-1" not in listed
    telegram.client_says("/drop outgoing-1 yes", chat_id=BOSS)
    await eventually(lambda: len(telegram.sent_to(BOSS)) == 5)
    assert telegram.texts_to(BOSS)[4] == "outgoing-1: no such item, or it is done"


async def test_a_client_cannot_give_an_item_up(failure, telegram, kommo, eventually, command):
    """A client's /drop is a message like any other."""
    telegram.client_unblocks(ANN)
    telegram.client_says("/drop outgoing-1 yes")
    await eventually(lambda: "/drop outgoing-1 yes" in kommo.texts_in(CONVERSATION))
    _code, listed, _errors = await command("queue", "list")
    assert "outgoing-1" in listed


async def test_a_chat_learns_its_number(bridge, telegram, kommo, eventually):
    """An operators' chat is told its number; a client's /id is a message, answered by nobody."""
    telegram.client_says("/id", chat_id=BOSS)
    telegram.client_says("/id", chat_id=ANN)
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["/id"])
    await eventually(lambda: telegram.texts_to(BOSS))
    assert telegram.texts_to(BOSS) == ["This chat's number is 900. It is an operators' chat."]
    assert telegram.texts_to(ANN) == []


async def test_whoever_sets_the_bridge_up_learns_the_number_to_enter(
    bridge, config, telegram, kommo, eventually
):
    """While the settings name no operators' chat, /id is answered to all, and is no lead."""
    await bridge.stop()
    text = config.read_text(encoding="utf-8")
    config.write_text(text.partition("[operators]")[0], encoding="utf-8")
    await bridge.start()
    telegram.add_group(GROUP, "Operators")
    telegram.client_says("/id", chat_id=ANN)
    telegram.client_says("/id@sales_bot", chat_id=GROUP, sender=BOSS)
    await eventually(lambda: telegram.texts_to(ANN) and telegram.texts_to(GROUP))
    assert "chat_ids = [555]" in telegram.texts_to(ANN)[0]
    assert f"chat_ids = [{GROUP}]" in telegram.texts_to(GROUP)[0]
    telegram.client_says("/status", chat_id=ANN)
    await eventually(lambda: kommo.texts_in(CONVERSATION) == ["/status"])


async def test_a_client_who_blocked_the_bot_is_no_alert(
    monkeypatch, bridge, telegram, kommo, eventually
):
    """The manager has read it in Kommo; another item that cannot be delivered is told."""
    await bridge.stop()
    monkeypatch.setattr("bot.operate.jobs.ALERT_EVERY_S", 0.2)
    await bridge.start()
    for chat_id in (ANN, ANN + 1, BOSS):
        telegram.client_says("/start", chat_id=chat_id)
    await eventually(lambda: len(kommo.conversations) == 2)
    telegram.client_blocks(ANN)
    blocked = await kommo.manager_says("an offer", to=CONVERSATION)
    await eventually(lambda: -1 in kommo.statuses_of(blocked))
    await asyncio.sleep(1)
    assert alerts(telegram) == []
    odd = {"ok": False, "error_code": 400, "description": "Bad Request: odd"}
    telegram.faults.fail("sendMessage", status=400, body=odd, chat_id=ANN + 1)
    other = await kommo.manager_says("an offer", to="tg:700001:556")
    await eventually(lambda: -1 in kommo.statuses_of(other))
    await eventually(lambda: alerts(telegram))
    assert alerts(telegram)[0].startswith("⚠️ 1 outgoing item could not be delivered")


def alerts(telegram):
    """Return what the operators were told unasked."""
    return [text for text in telegram.texts_to(BOSS) if text.startswith("⚠️")]
