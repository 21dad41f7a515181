"""How the places for deliveries are dealt out."""

import pytest

from bot.deliver.fairness import Room, deal


@pytest.mark.parametrize(
    ("rooms", "places", "dealt"),
    [
        pytest.param({}, 5, {}, id="nothing-to-do"),
        pytest.param({"a": Room("a")}, 5, {"a": 5}, id="one-lane-takes-all"),
        pytest.param({"a": Room("a"), "b": Room("b")}, 5, {"a": 3, "b": 2}, id="one-each-in-turn"),
        pytest.param({"a": Room("a"), "b": Room("b")}, 1, {"a": 1}, id="the-first-goes-first"),
        pytest.param({"a": Room("a", 0), "b": Room("b")}, 2, {"b": 2}, id="a-closed-lane"),
        pytest.param({"a": Room("a", 1), "b": Room("b")}, 4, {"a": 1, "b": 3}, id="little-room"),
        pytest.param(
            {"a": Room("bot", 3), "b": Room("bot", 3)}, 9, {"a": 2, "b": 1}, id="shared-room"
        ),
        pytest.param({"a": Room("a")}, 0, {}, id="no-places"),
        pytest.param(
            {"a": Room("a", places=1), "b": Room("b")}, 4, {"a": 1, "b": 3}, id="few-places"
        ),
    ],
)
def test_places_are_dealt_one_each_in_turn(rooms, places, dealt):
    """No lane takes what another could use, and no bot more than it may."""
    assert deal(rooms, places) == dealt
