"""Where a call leads beside its chat: the account and the topic, put on it in one place."""

import pytest
from aiogram.methods import SendMessage, SendPhoto, SetMessageReaction

from bot.translate.outgoing.addressee import THE_CHAT, Addressee, addressed


@pytest.mark.parametrize(
    "call",
    [SendMessage(chat_id=5, text="hi"), SendPhoto(chat_id=5, photo="id")],
    ids=["text", "picture"],
)
def test_calls_lead_through_the_account_into_the_topic(call):
    """Every kind of message takes both."""
    led = addressed(call, Addressee("connection", 7))
    assert (led.business_connection_id, led.message_thread_id) == ("connection", 7)
    assert addressed(call, THE_CHAT) == call


def test_what_a_call_does_not_know_is_left_out():
    """A reaction knows neither accounts nor topics."""
    call = SetMessageReaction(chat_id=5, message_id=1)
    assert addressed(call, Addressee("connection", 7)) == call
