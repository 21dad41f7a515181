"""Inline buttons: what each one says when a client presses it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.engine import Session
from storage.timestamps import from_ms, to_ms


@dataclass(frozen=True)
class Button:
    """One inline button under a manager's message.

    Args:
        id: our short name for it; a press says `b:<id>`.
        callback_data: of a list message's row, to be repeated in the answer.
    """

    id: str
    conversation_id: str
    text: str
    created_at: datetime
    callback_data: str | None = None


class ButtonReader:
    """What can be asked about buttons."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, button_id: str) -> Button | None:
        """Return a button."""
        rows = await self._session.rows(
            "SELECT id, conversation_id, text, callback_data, created_at FROM buttons "
            "WHERE id = :id",
            {"id": button_id},
        )
        if not rows:
            return None
        found_id, conversation_id, text, callback_data, created_at = rows[0]
        return Button(found_id, conversation_id, text, from_ms(created_at), callback_data)


class Buttons(ButtonReader):
    """What can be stored about buttons, inside a transaction."""

    async def remember(self, buttons: Sequence[Button]) -> None:
        """Store buttons before they are shown; those that are known stay as they are."""
        await self._session.batch(
            *(
                (
                    "INSERT INTO buttons (id, conversation_id, text, callback_data, created_at) "
                    "VALUES (:id, :conversation_id, :text, :callback_data, :created_at) "
                    "ON CONFLICT DO NOTHING",
                    {**vars(button), "created_at": to_ms(button.created_at)},
                )
                for button in buttons
            )
        )
