"""Kommo's buttons become keyboards that Telegram takes."""

import pytest
from aiogram.types import InlineKeyboardMarkup, ReplyKeyboardMarkup
from hypothesis import given
from hypothesis import strategies as st

from bot.translate.ids import BUTTON_PREFIX
from bot.translate.outgoing.keyboards import (
    PressableButton,
    button_id,
    button_url,
    is_button_url,
    keyboard,
    menu,
    pressable,
)
from kommo.ids import KommoMessageId
from kommo.markup import Button, ListMessage, ListRow, ListSection, Markup

MESSAGE = KommoMessageId("77777777-6666-4555-8444-333333333333")


@pytest.mark.parametrize(
    ("url", "is_taken"),
    [
        pytest.param("https://shop.example/a?b=c#d", True, id="https"),
        pytest.param("http://shop.example:8080", True, id="port"),
        pytest.param("https://магазин.рф/путь", True, id="other-script"),
        pytest.param("tg://resolve?domain=shop", True, id="tg"),
        pytest.param("tg:", False, id="tg-alone"),
        pytest.param("", False, id="empty"),
        pytest.param("shop.example", False, id="no-scheme"),
        pytest.param("javascript:alert(1)", False, id="javascript"),
        pytest.param("https://localhost/", False, id="no-dot"),
        pytest.param("https://./", False, id="dot-only"),
        pytest.param("https://shop.example/a b", False, id="space"),
        pytest.param("https://shop.example/\u202egnp", False, id="turned-round"),
        pytest.param("https://shop.example:99999/", False, id="no-port"),
        pytest.param("https://[shop.example/", False, id="bracket"),
        pytest.param("https://shop.example/" + "x" * 2048, False, id="endless"),
    ],
)
def test_addresses_that_telegram_takes(url, is_taken):
    """An address is judged before it could cost the message."""
    assert is_button_url(url) is is_taken


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        pytest.param("t.me/shop", "https://t.me/shop", id="t-me"),
        pytest.param("example.com", "https://example.com", id="host"),
        pytest.param(" example.com ", "https://example.com", id="spaces-around"),
        pytest.param("//example.com/a", "https://example.com/a", id="slashes"),
        pytest.param("example.com:8080/a?b#c", "https://example.com:8080/a?b#c", id="port"),
        pytest.param("магазин.рф/путь", "https://магазин.рф/путь", id="other-script"),
        pytest.param("http://example.com", "http://example.com", id="a-scheme-stays"),
        pytest.param("tg://resolve?domain=shop", "tg://resolve?domain=shop", id="tg"),
        pytest.param("javascript:alert(1)", None, id="javascript"),
        pytest.param("mailto:ann@example.com", None, id="mail"),
        pytest.param("ann@example.com", None, id="mail-alone"),
        pytest.param("ask us", None, id="words"),
        pytest.param("price: 5.50", None, id="a-price"),
        pytest.param("5.50", None, id="a-number"),
        pytest.param("localhost/x", None, id="no-dot"),
        pytest.param("example.com:99999", None, id="no-port"),
    ],
)
def test_an_address_without_a_scheme_gets_one(told, shown):
    """What is plausibly an address opens; what is none costs the button only."""
    assert button_url(told) == shown
    markup = Markup(buttons=((Button("A"), Button("B", url=told)),))
    made = keyboard(markup, MESSAGE)
    assert isinstance(made, InlineKeyboardMarkup)
    buttons = [button for row in made.inline_keyboard for button in row]
    assert [button.url for button in buttons] == [None, *([shown] if shown else [])]


def test_no_buttons_are_no_keyboard():
    """A message without buttons has none, and neither has one whose buttons are all unusable."""
    unusable = Markup(buttons=((Button("x", url="htps:/x"), Button(" ")), ()))
    for markup in (None, Markup(), unusable):
        assert keyboard(markup, MESSAGE) is None
        assert keyboard(markup, MESSAGE, "keyboard") is None
        assert pressable(markup, MESSAGE) == []


def test_pressed_and_remembered_are_the_same():
    """Each inline button carries the id under which it is remembered."""
    markup = Markup(buttons=((Button("A"), Button("x", url="https://x.example")), (Button("B"),)))
    shown = keyboard(markup, MESSAGE)
    assert isinstance(shown, InlineKeyboardMarkup)
    carried = [b.callback_data for row in shown.inline_keyboard for b in row if not b.url]
    remembered = pressable(markup, MESSAGE)
    assert [(button.text, button.callback_data) for button in remembered] == [
        ("A", None),
        ("B", None),
    ]
    assert carried == [BUTTON_PREFIX + button.id for button in remembered]


def test_a_keyboard_shows_text_buttons():
    """In the other style the buttons stand in the place of the client's keyboard, once."""
    shown = keyboard(Markup(buttons=((Button("A"), Button("B")),)), MESSAGE, "keyboard")
    assert isinstance(shown, ReplyKeyboardMarkup)
    assert [[button.text for button in row] for row in shown.keyboard] == [["A", "B"]]
    assert shown.one_time_keyboard
    assert shown.resize_keyboard


def test_wide_rows_are_broken_and_endless_ones_cut():
    """Buttons stay readable, and within what Telegram shows."""
    shown = keyboard(Markup(buttons=(tuple(Button(str(n)) for n in range(150)),)), MESSAGE)
    assert isinstance(shown, InlineKeyboardMarkup)
    assert [len(row) for row in shown.inline_keyboard] == [8] * 12 + [4]


def test_a_menu_is_inline_in_either_style():
    """A menu's answer repeats its data, which only inline buttons can."""
    rows = (ListRow("row-1", "Express", "by tomorrow"), ListRow("", "Standard"), ListRow("x", ""))
    markup = Markup(list_message=ListMessage("", "How?", "", "Go", (ListSection("", rows),)))
    for style in ("inline", "keyboard"):
        shown = keyboard(markup, MESSAGE, style)
        assert isinstance(shown, InlineKeyboardMarkup)
        assert [row[0].text for row in shown.inline_keyboard] == ["Express", "Standard"]
    assert pressable(markup, MESSAGE) == [
        PressableButton(button_id(MESSAGE, 0), "Express", "row-1"),
        PressableButton(button_id(MESSAGE, 1), "Standard", None),
    ]


def test_a_menu_can_be_read():
    """Header, body, each choice with its description, and footer stand below one another."""
    ways = ListSection("Ways", (ListRow("1", "Express", "by tomorrow"), ListRow("2", "Slow")))
    message = ListMessage("Delivery", "How fast?", "Prices apply", "Choose", (ways,))
    assert menu(message) == (
        "Delivery\n\nHow fast?\n\nWays\n• Express — by tomorrow\n• Slow\n\nPrices apply"
    )


@given(st.text(), st.integers(0, 10_000))
def test_callback_data_always_fits(message_id, number):
    """Whatever the message is called, a button carries at most 64 bytes."""
    assert len((BUTTON_PREFIX + button_id(message_id, number)).encode("utf-8")) <= 64


@pytest.mark.no_cover  # so many examples: other tests show what is covered
@given(st.lists(st.lists(st.tuples(st.text(max_size=5), st.none() | st.text(max_size=20)))))
def test_any_buttons_make_a_keyboard_or_none(rows):
    """No text and no address breaks a keyboard: what is shown has a text and one thing to do."""
    markup = Markup(buttons=tuple(tuple(Button(*button) for button in row) for row in rows))
    shown = keyboard(markup, MESSAGE)
    buttons = [b for row in shown.inline_keyboard for b in row] if shown else []  # type: ignore[union-attr]
    for button in buttons:
        assert button.text.strip()
        assert bool(button.url) != bool(button.callback_data)
