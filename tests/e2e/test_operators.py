"""The operators' chat: what it hears, what it commands, what nobody else may."""

import pytest

from tests.ports import free_port

ANN, BOSS = 555, 900
CONVERSATION = "tg:700001:555"


@pytest.fixture
def config(config):
    """The settings, with an operators' chat."""
    text = config.read_text(encoding="utf-8")
    config.write_text(f"{text}\n[operators]\nchat_ids = [{BOSS}]\n", encoding="utf-8")
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
    assert "tries again by itself" in lines[1]
    assert "Error" not in lines[1]
