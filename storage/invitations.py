"""Invitations: deep links that say beforehand which contact their opener is."""

from dataclasses import dataclass
from datetime import datetime

from storage.engine import Session
from storage.timestamps import to_ms


@dataclass(frozen=True)
class Invitation:
    """One link.

    Args:
        payload: what the link carries.
        contact_id: Kommo's.
        is_single: whether it is for the first person who opens it, and no other.
    """

    payload: str
    contact_id: int
    is_single: bool
    created_at: datetime
    expires_at: datetime


class Invitations:
    """What can be done with invitations, inside a transaction."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def remember(self, invitation: Invitation) -> None:
        """Store an invitation."""
        await self._session.rows(
            "INSERT INTO invitations (payload, contact_id, is_single, created_at, expires_at) "
            "VALUES (:payload, :contact_id, :is_single, :created_at, :expires_at)",
            {
                "payload": invitation.payload,
                "contact_id": invitation.contact_id,
                "is_single": int(invitation.is_single),
                "created_at": to_ms(invitation.created_at),
                "expires_at": to_ms(invitation.expires_at),
            },
        )

    async def open(self, payload: str, conversation_id: str, *, now: datetime) -> int | None:
        """Let somebody open a link; return the contact that it makes of them.

        None when there is no such link, when it expired, or was for one person who has it already.
        """
        parameters = {"payload": payload, "conversation_id": conversation_id, "now": to_ms(now)}
        rows = await self._session.rows(
            "SELECT contact_id FROM invitations WHERE payload = :payload AND expires_at > :now "
            "AND NOT (is_single = 1 AND EXISTS (SELECT 1 FROM invitation_uses "
            "WHERE payload = :payload AND conversation_id <> :conversation_id))",
            parameters,
        )
        if not rows:
            return None
        await self._session.rows(
            "INSERT INTO invitation_uses (payload, conversation_id, used_at) "
            "VALUES (:payload, :conversation_id, :now) ON CONFLICT DO NOTHING",
            parameters,
        )
        return int(rows[0][0])
