"""Every emoji of a manager has its nearest, or none."""

import pytest

from bot.translate.outgoing.emoji import ALLOWED, NEAREST, reaction_emoji


@pytest.mark.parametrize(
    ("emoji", "nearest"),
    [
        pytest.param("👍", "👍", id="allowed"),
        pytest.param("❤️", "❤", id="drawn-in-colour"),
        pytest.param("👍🏿", "👍", id="skin"),
        pytest.param("❤️\u200d🔥", "❤\u200d🔥", id="joined"),
        pytest.param("🤷🏽\u200d♀️", "🤷\u200d♀", id="person"),
        pytest.param("😂", "🤣", id="near"),
        pytest.param("✅", "👍", id="sign"),
        pytest.param("🇲🇽", None, id="flag"),
        pytest.param("", None, id="empty"),
        pytest.param("hello", None, id="no-emoji"),
    ],
)
def test_the_nearest_emoji(emoji, nearest):
    """Colour and drawing do not matter; what has nothing near it is none."""
    assert reaction_emoji(emoji) == nearest


def test_there_are_73_and_all_others_lead_to_them():
    """Whatever is answered is one that Telegram takes."""
    assert len(ALLOWED) == 73
    assert set(NEAREST.values()) <= ALLOWED
    assert not set(NEAREST) & ALLOWED
