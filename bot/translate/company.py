"""The company's authors of what was written outside Kommo. Pure.

Reference: Kommo, Send or import messages (three roles).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.translate.ids import participant_id
from bot.translate.visible import NOBODY
from kommo.ids import KommoUserId, ParticipantId
from kommo.people import Person


@dataclass(frozen=True)
class Company:
    """Who speaks for the company.

    Args:
        bot: the channel's bot; None if the settings do not name it.
        users: Kommo users, by the Telegram ids of those who wrote.
    """

    bot: Person | None
    users: Mapping[int, KommoUserId]

    def author(self, author_id: int, name: str) -> Person:
        """Return who wrote a message of the company: a Kommo user, or else the channel's bot.

        Raises:
            ValueError: it would be the bot, and nobody says which.
        """
        user = self.users.get(author_id)
        if user is not None:
            return Person(id=participant_id(author_id), name=name or NOBODY, ref_id=user)
        if self.bot is None:
            raise ValueError("the channel's bot is not known")
        return self.bot


def channel_bot(bot_id: int, name: str, ref_id: str | None, avatar: str | None) -> Person | None:
    """Return the channel's bot as the author of what nobody else wrote."""
    if ref_id is None:
        return None
    person_id = ParticipantId(f"tg:{bot_id}")
    return Person(id=person_id, name=name, ref_id=KommoUserId(ref_id), avatar=avatar)
