"""Operators' commands under way: in order, bounded, each chat for itself."""

import asyncio

from bot.operate.operators.known_chats import OperatorsChats, move_in
from bot.operate.operators.orders import Orders


async def test_a_chat_that_asks_too_much_is_refused_and_delays_no_other():
    """So many commands wait for one that hangs, and no more; another chat's is done."""
    hanging, done = asyncio.Event(), []

    async def note(name):
        done.append(name)

    async with Orders(at_most=2) as orders:
        taken = [orders.add(1, hanging.wait) for _ in range(3)]
        assert taken == [True, True, False]
        assert orders.add(2, lambda: note("other"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert done == ["other"]


async def test_a_command_that_fails_unexpectedly_stops_none_after_it(caplog):
    """What a fault of ours ends is logged, and the next command is carried out."""
    done = asyncio.Event()

    async def fail():
        raise ZeroDivisionError

    async def go_on():
        done.set()

    async with Orders() as orders:
        orders.add(1, fail)
        orders.add(1, go_on)
        await done.wait()
    assert "failed unexpectedly" in caplog.text


def test_moves_that_go_in_a_circle_end():
    """However odd what is told of moves, there is an id to write to."""
    chats = OperatorsChats([-1])
    assert chats.move(-1, -2)
    assert chats.move(-2, -1)
    assert not chats.move(-1, -2)
    assert not chats.move(-5, -6)
    assert len(chats.reachable) == 1


def test_only_a_message_of_a_chat_tells_of_a_move():
    """What is no number says nothing."""
    chat = {"id": -1}
    assert move_in({"message": {"chat": chat, "migrate_to_chat_id": -2}}) == (-1, -2)
    assert move_in({"message": {"chat": chat, "migrate_from_chat_id": -9}}) == (-9, -1)
    for odd in ("-2", None, True, 1.5):
        assert move_in({"message": {"chat": chat, "migrate_to_chat_id": odd}}) is None
    assert move_in({"message": {"migrate_to_chat_id": -2}}) is None
