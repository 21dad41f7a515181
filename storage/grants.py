"""Grants: access to Kommo's REST API, and who renews it at the moment."""

from dataclasses import dataclass
from datetime import datetime

from storage.engine import Row, Session
from storage.timestamps import from_ms, to_ms

COLUMNS = "client_id, account_url, access_token, refresh_token, expires_at, granted_at, problem"


@dataclass(frozen=True, repr=False)
class Grant:
    """One row; its tokens are never shown."""

    client_id: str
    account_url: str
    access_token: str
    refresh_token: str
    expires_at: datetime
    granted_at: datetime
    problem: str | None = None


class GrantReader:
    """What can be asked about grants."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def get(self, client_id: str) -> Grant | None:
        """Return an integration's grant."""
        rows = await self._session.rows(
            f"SELECT {COLUMNS} FROM grants WHERE client_id = :client_id", {"client_id": client_id}
        )
        return _grant(rows[0]) if rows else None


class Grants(GrantReader):
    """What can be stored about grants, inside a transaction."""

    async def put(self, grant: Grant) -> None:
        """Store a grant in place of an earlier one; nobody renews it then."""
        await self._session.rows(
            f"INSERT INTO grants ({COLUMNS}) VALUES (:client_id, :account_url, :access_token, "
            ":refresh_token, :expires_at, :granted_at, :problem) "
            "ON CONFLICT (client_id) DO UPDATE SET account_url = excluded.account_url, "
            "access_token = excluded.access_token, refresh_token = excluded.refresh_token, "
            "expires_at = excluded.expires_at, granted_at = excluded.granted_at, "
            "problem = excluded.problem, renewing_by = NULL, renewing_until = NULL",
            {
                "client_id": grant.client_id,
                "account_url": grant.account_url,
                "access_token": grant.access_token,
                "refresh_token": grant.refresh_token,
                "expires_at": to_ms(grant.expires_at),
                "granted_at": to_ms(grant.granted_at),
                "problem": grant.problem,
            },
        )

    async def take(self, client_id: str, *, by: str, now: datetime, until: datetime) -> bool:
        """Become the one who renews a grant, until a moment; tell whether nobody else is.

        A lease that lasts longer than this one was taken by a clock that was set back since.
        """
        rows = await self._session.rows(
            "UPDATE grants SET renewing_by = :by, renewing_until = :until "
            "WHERE client_id = :client_id AND (renewing_by IS NULL OR renewing_until <= :now "
            "OR renewing_until > :until) "
            "RETURNING client_id",
            {"client_id": client_id, "by": by, "now": to_ms(now), "until": to_ms(until)},
        )
        return bool(rows)

    async def release(self, client_id: str, *, by: str, problem: str | None) -> None:
        """Let others renew a grant, and say why it could not be renewed for good."""
        await self._session.rows(
            "UPDATE grants SET renewing_by = NULL, renewing_until = NULL, "
            "problem = coalesce(:problem, problem) "
            "WHERE client_id = :client_id AND renewing_by = :by",
            {"client_id": client_id, "by": by, "problem": problem},
        )

    async def use_consent(self, state: str, *, now: datetime, expires_at: datetime) -> bool:
        """Use up a link to the consent; tell whether it was the first time."""
        _, rows = await self._session.batch(
            ("DELETE FROM used_consents WHERE expires_at <= :now", {"now": to_ms(now)}),
            (
                "INSERT INTO used_consents (state, expires_at) VALUES (:state, :expires_at) "
                "ON CONFLICT (state) DO NOTHING RETURNING state",
                {"state": state, "expires_at": to_ms(expires_at)},
            ),
        )
        return bool(rows)


def _grant(row: Row) -> Grant:
    client_id, account_url, access_token, refresh_token, expires_at, granted_at, problem = row
    return Grant(
        client_id=client_id,
        account_url=account_url,
        access_token=access_token,
        refresh_token=refresh_token,
        expires_at=from_ms(expires_at),
        granted_at=from_ms(granted_at),
        problem=problem,
    )
