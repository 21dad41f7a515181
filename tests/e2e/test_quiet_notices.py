"""What is none of the client's words is shown, and calls nobody: no lead, no notification."""

from datetime import timedelta

import pytest

ANN = 555
CONVERSATION = "tg:700001:555"
OLD = {"message_id": 7, "date": 1767348000, "chat": {"id": ANN, "type": "private"}, "text": "old"}
BOSS = {"id": 1, "is_bot": False, "first_name": "Max"}
NOTICES = {
    "pinned": {"pinned_message": OLD},
    "timer": {"message_auto_delete_timer_changed": {"message_auto_delete_time": 86400}},
    "may-write": {"write_access_allowed": {}},
    "logged-in": {"connected_website": "example.com"},
    "joined": {"new_chat_members": [BOSS]},
    "near": {"proximity_alert_triggered": {"traveler": BOSS, "watcher": BOSS, "distance": 5}},
    "boosted": {"boost_added": {"boost_count": 1}},
    "refunded": {
        "refunded_payment": {
            "currency": "XTR",
            "total_amount": 5,
            "invoice_payload": "x",
            "telegram_payment_charge_id": "c",
        }
    },
    "nothing": {},
    "by-a-link": {"text": "/start summer"},
}
WORDS = {
    "text": {"text": "Hi"},
    "plain-start": {"text": "/start"},
    "dice": {"dice": {"emoji": "🎲", "value": 3}},
    "data": {"web_app_data": {"data": "two", "button_text": "Order"}},
    "new": {"hologram": {"depth": 3}},
    "paid": {
        "successful_payment": {
            "currency": "XTR",
            "total_amount": 5,
            "invoice_payload": "x",
            "telegram_payment_charge_id": "c",
            "provider_payment_charge_id": "p",
        }
    },
}


def leads(kommo):
    """Return the conversations that have a lead."""
    return {lead.conversation_id for lead in kommo.leads}


async def test_a_notice_makes_no_lead_and_the_first_words_do(bridge, telegram, kommo, eventually):
    """Of many new clients, only those who said something have a lead; the others once they do."""
    quiet = {f"tg:700001:{1000 + n}": one for n, one in enumerate(NOTICES.values())}
    said = {f"tg:700001:{2000 + n}": one for n, one in enumerate(WORDS.values())}
    for conversation, content in (quiet | said).items():
        telegram.client_sends(content, chat_id=int(conversation.rpartition(":")[2]))
    await eventually(lambda: len(kommo.received) == len(quiet) + len(said))
    assert leads(kommo) == set(said)
    assert {name for name, one in kommo.conversations.items() if one.notified} == set(said)
    for conversation in quiet:
        telegram.client_says("now I speak", chat_id=int(conversation.rpartition(":")[2]))
    await eventually(lambda: leads(kommo) == {*quiet, *said})
    assert all(kommo.texts_in(one)[-1] == "now I speak" for one in quiet)


async def test_a_block_and_a_link_call_nobody_as_long_as_nothing_is_said(
    bridge, telegram, kommo, eventually
):
    """Coming twice by a link, blocking and coming back: all is shown, and there is no lead."""
    telegram.client_starts("summer")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    await bridge.restart()
    telegram.client_starts("summer")
    telegram.client_blocks(ANN)
    telegram.client_unblocks(ANN)
    await eventually(lambda: len(kommo.received) == 4)
    conversation = kommo.conversations[CONVERSATION]
    assert (kommo.leads, conversation.notified, conversation.window_from) == ([], [], None)
    telegram.client_says("Do you deliver?")
    await eventually(lambda: leads(kommo) == {CONVERSATION})
    opened = conversation.window_from
    telegram.client_blocks(ANN)
    telegram.client_unblocks(ANN)
    telegram.client_starts("autumn")
    await eventually(lambda: len(kommo.received) == 8)
    assert [one.text for one in conversation.notified] == [
        "Do you deliver?",
        "Opened link: autumn",
    ]
    assert conversation.window_from > opened


@pytest.fixture
def windowed(config):
    """The settings of a channel with a time window."""
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("[kommo]", '[kommo]\ntime_window = "1h"'), encoding="utf-8")


async def test_a_notice_does_not_open_the_time_window(
    windowed, bridge, telegram, kommo, eventually
):
    """What the client did not say gives the manager no more time to answer."""
    long_ago = int(telegram.now() - timedelta(hours=2).total_seconds())
    telegram.client_says("Hi", date=long_ago)
    await eventually(lambda: CONVERSATION in kommo.conversations)
    telegram.client_sends({"pinned_message": OLD})
    await eventually(lambda: len(kommo.received) == 2)
    message_id = await kommo.manager_says("late", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [-1])


async def test_a_manager_can_answer_whom_only_a_notice_told_of(
    bridge, telegram, kommo, eventually
):
    """Somebody who came by a link can be written to, as anybody else."""
    telegram.client_starts("summer")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    message_id = await kommo.manager_says("Welcome!", to=CONVERSATION)
    await eventually(lambda: kommo.statuses_of(message_id) == [1])


async def test_a_missed_answer_to_whom_only_a_notice_told_of_is_found(
    bridge, telegram, kommo, eventually
):
    """What a manager wrote to somebody who only came by a link is read back like any other."""
    telegram.client_starts("summer")
    await eventually(lambda: CONVERSATION in kommo.conversations)
    await bridge.stop()
    await kommo.manager_says("Welcome!", to=CONVERSATION)
    await bridge.start()
    await eventually(lambda: telegram.texts_to(ANN) == ["Welcome!"])
