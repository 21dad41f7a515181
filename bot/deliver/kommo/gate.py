"""Kommo's gate: nothing begins while Kommo asks to slow down."""

from bot.deliver.destination import Gate
from bot.deliver.fairness import NO_LIMIT, Room
from kommo.chats import ChatsApi


class KommoGate(Gate):
    """Closes all lanes at a time: Kommo's limit is the account's.

    Nothing is given up meanwhile: items wait for days. What begins is not counted: the places of
    `ChatsApi` are the limit.
    """

    def __init__(self, chats: ChatsApi) -> None:
        self._chats = chats

    def room(self, lane: str) -> Room:
        """Return how much of a lane may begin: nothing while Kommo asks to slow down."""
        held_s = self._chats.held_s
        return Room(lane, 0 if held_s else NO_LIMIT, held_s)
