"""Deep links: what they say, and what managers read."""

import pytest
from aiogram.types import ReplyKeyboardMarkup

from bot.translate.ids import ChatAddress
from bot.translate.incoming.starts import (
    CAMPAIGN,
    INVITATION,
    INVITED,
    START,
    invitation_payload,
    start_line,
    start_payload,
)
from bot.translate.languages import LANGUAGES
from bot.translate.outgoing.welcome import SHARE, Welcome, greeting, welcome


@pytest.mark.parametrize(
    ("text", "payload"),
    [
        ("/start", ""),
        ("/start@sales_bot", ""),
        ("/start summer", "summer"),
        ("/start@sales_bot a-b_C1", "a-b_C1"),
        ("/start " + "x" * 64, "x" * 64),
        ("/start " + "x" * 65, None),
        ("/start a b", None),
        ("/start ünï", None),
        ("/started", None),
        ("hello /start x", None),
        (None, None),
    ],
)
def test_what_a_link_says(text, payload):
    """Only what Telegram's links can carry is a payload."""
    assert start_payload(text) == payload


def test_our_own_payloads_are_told_from_campaigns():
    """An invitation that ties nobody shows as a plain start, not as an advertisement."""
    payload = invitation_payload("A" * 32)
    assert INVITATION.fullmatch(payload)
    assert start_payload(f"/start {payload}") == payload
    assert start_line(payload, "en", is_invited=False) == START


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_managers_read_of_a_start(language):
    """The line is in the manager's language and names the campaign."""
    line = start_line("summer", language, is_invited=False)
    assert line.endswith(": summer")
    assert start_line("", language, is_invited=False) == START
    assert (line == CAMPAIGN + "summer") is (language == "en")
    assert (start_line("x", language, is_invited=True) == INVITED) is (language == "en")


@pytest.mark.parametrize(
    ("text", "ask_phone", "expected"),
    [
        pytest.param(None, False, None, id="nothing"),
        pytest.param("Hi", False, Welcome("Hi"), id="text"),
        pytest.param("Hi", True, Welcome("Hi", SHARE), id="usual-button"),
        pytest.param("Hi", "Share", Welcome("Hi", "Share"), id="own-button"),
        pytest.param(None, True, Welcome(SHARE, SHARE), id="button-alone"),
        pytest.param(None, "Please share", Welcome("Please share", SHARE), id="asked-in-words"),
    ],
)
def test_what_the_settings_say_to_new_clients(text, ask_phone, expected):
    """A button always has a text above it."""
    assert welcome(text, ask_phone, "en") == expected


def test_the_greeting_as_a_call():
    """The button asks for the client's own number; without one there is no keyboard."""
    plain = greeting(ChatAddress(1, 5), Welcome("Hi"))
    asking = greeting(ChatAddress(1, 5), Welcome("Hi", "Share"))
    assert (plain.chat_id, plain.text, plain.reply_markup) == (5, "Hi", None)
    assert isinstance(asking.reply_markup, ReplyKeyboardMarkup)
    [[button]] = asking.reply_markup.keyboard
    assert (button.text, button.request_contact) == ("Share", True)
