"""The calls of one message, some of which Telegram found too long: each of those is several. Pure.

A call that is cut is replaced by its pieces for good, so that each piece is a call like any other:
counted, recorded, and not repeated when a later one has to wait.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from aiogram.methods import TelegramMethod

from bot.translate.outgoing.second_chances import pieces

TOO_LONG = "too long"


@dataclass(frozen=True)
class Planned:
    """One call of a message.

    Args:
        call: the call.
        is_piece: whether it is a piece of one that was too long; it is not cut once more.
    """

    call: TelegramMethod[Any]
    is_piece: bool = False

    def is_cut_by(self, description: str) -> bool:
        """Tell whether it is to be cut, given Telegram's words of refusal."""
        return not self.is_piece and len(pieces(self.call, description)) > 1


def plan(calls: Sequence[TelegramMethod[Any]], cuts: Sequence[int] = ()) -> list[Planned]:
    """Return the calls of a message.

    Args:
        calls: as they would be made if nothing were too long.
        cuts: the numbers of those that were, from 1, each as it was when it was cut.
    """
    planned = [Planned(call) for call in calls]
    for number in cuts:
        if number <= len(planned):
            shorter = pieces(planned[number - 1].call, TOO_LONG)
            planned[number - 1 : number] = [Planned(one, is_piece=True) for one in shorter] or [
                planned[number - 1]
            ]
    return planned
