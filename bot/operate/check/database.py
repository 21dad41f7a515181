"""The checks of the database; they change nothing in it and renew no token."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from bot.account.access import REMEDY
from bot.account.apis import consent_link, crm_at
from bot.account.existing import has_database
from bot.account.resolved import account_note
from bot.account.statuses import status_note
from bot.operate.backup import BACKED_UP, moment_of
from bot.operate.check.findings import Finding, doubt, failure, well
from bot.operate.check.machine import is_made_by_systemd
from bot.operate.operators.known_chats import OperatorsChats
from bot.settings import Settings
from kommo.crm import PAUSES_S, Access, CrmApi, LongLivedToken
from kommo.errors import RejectedError
from kommo.limits import CrmLimits
from kommo.statuses import StatusField
from storage.business import BusinessConnection
from storage.database import Snapshot, look
from storage.errors import SchemaTooOldError, StorageError
from storage.grants import Grant
from storage.location import Location

UNAUTHORIZED = 401


@dataclass(frozen=True)
class Kept:
    """What is in the database that a check wants to know."""

    finding: Finding
    account_id: str | None = None
    grant: Grant | None = None
    status_field: StatusField | None = None
    moved: Mapping[int, int] = field(default_factory=dict)
    accounts: Sequence[BusinessConnection] = ()
    is_read: bool = False
    backup_at: datetime | None = None
    """When the database was copied last, as it was noted."""


class ExpiredError(RejectedError):
    """A token's time is over; only the service renews it."""


class NoConsentError(RejectedError):
    """No administrator has allowed the access yet."""


async def kept(settings: Settings) -> Kept:
    """Look into the database."""
    if not has_database(settings):
        return Kept(_before_the_first_start(settings))
    try:
        async with look(settings.location) as snapshot:
            return await _read(settings, snapshot)
    except SchemaTooOldError as error:
        text = f"{settings.database}: {error}"
        return Kept(doubt("database", text, "make a backup, then start the service"))
    except StorageError as error:
        return Kept(
            failure("database", str(error), "check storage.path, its folder, and free disk space")
        )


async def _read(settings: Settings, snapshot: Snapshot) -> Kept:
    counts = [await snapshot.to_telegram.counts(), await snapshot.to_kommo.counts()]
    chats = OperatorsChats(settings.operators.chat_ids)
    await chats.load(snapshot.facts)
    oauth = settings.kommo.oauth
    account_id = settings.kommo.account_id or await snapshot.facts.get(account_note(settings))
    noted = await snapshot.facts.get(status_note(settings, account_id))
    return Kept(
        finding=_counted(settings.location, counts),
        account_id=account_id,
        grant=await snapshot.grants.get(oauth.client_id) if oauth else None,
        status_field=next((name for name in get_args(StatusField) if name == noted), None),
        moved=chats.moved,
        accounts=await snapshot.business.accounts(),
        is_read=True,
        backup_at=moment_of(await snapshot.facts.get(BACKED_UP)),
    )


def _counted(location: Location, counts: list[dict[str, int]]) -> Finding:
    path = location.path
    pending = sum(count.get("pending", 0) for count in counts)
    dead = sum(count.get("dead", 0) for count in counts)
    wait = "1 item waits" if pending == 1 else f"{pending} items wait"
    text = f"{path} ({wait}, {dead} {'is' if dead == 1 else 'are'} dead)"
    if not all(os.access(place, os.W_OK) for place in (path, path.parent)):
        remedy = "give file and folder to the user that the service runs as"
        return failure("database", f"{path} cannot be written", remedy)
    if not _takes_files(location.state_dir):
        remedy = (
            "make this folder, and writable for the user that the service runs as; or change "
            "storage.state_dir"
        )
        return failure("database", f"{location.state_dir} takes no files", remedy)
    if dead:
        return doubt("database", text, "see: kommo-telegram queue list")
    return well("database", text)


def _takes_files(folder: Path) -> bool:
    """Tell whether files can be made in a folder, which a start makes in one that is there."""
    place = folder if os.path.lexists(folder) else folder.parent
    return place.is_dir() and os.access(place, os.W_OK | os.X_OK)


def _before_the_first_start(settings: Settings) -> Finding:
    """Tell whether the database can be made; a question makes none."""
    path, folder = settings.database, settings.database.parent
    if is_made_by_systemd(folder):
        return well("database", f"{path} is not there yet: the service's first start makes it")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        remedy = f"make the folder {folder}, and writable for this user; or change storage.path"
        return failure("database", f"{path} cannot be made", remedy)
    if not _takes_files(settings.location.state_dir):
        folder = settings.location.state_dir
        remedy = "make the folder above it, writable for this user; or change storage.state_dir"
        return failure("database", f"{folder} cannot be made", remedy)
    return well("database", f"{path} is not there yet: the first `run` makes it")


class _StoredToken:
    """The token that a consent gave, used as it is: to renew it would end the service's own."""

    def __init__(self, grant: Grant, remedy: str) -> None:
        self._grant = grant
        self.remedy = remedy

    async def token(self) -> str:
        """Return it.

        Raises:
            ExpiredError: its time is over.
        """
        if self._grant.expires_at <= datetime.now(UTC):
            at = self._grant.expires_at.isoformat(sep=" ", timespec="minutes")
            raise ExpiredError(f"the token expired at {at}", status=UNAUTHORIZED)
        return self._grant.access_token

    async def instead_of(self, refused: str) -> str | None:
        """Return nothing: this one only looks."""
        return None


@asynccontextmanager
async def open_looking(settings: Settings, found: Kept) -> AsyncIterator[CrmApi]:
    """Return the REST API for reading, opened by what is there.

    Raises:
        NoConsentError: nobody has consented yet.
    """
    url, access = _opened(settings, found)
    async with crm_at(settings, url, access, pace=CrmLimits(), pauses_s=PAUSES_S) as crm:
        yield crm


def _opened(settings: Settings, found: Kept) -> tuple[str, Access]:
    kommo = settings.kommo
    if kommo.access_token is not None:
        return kommo.rest_url or "", LongLivedToken(kommo.access_token.get_secret_value())
    remedy = f"{REMEDY} {consent_link(kommo)}"
    url = kommo.rest_url or (found.grant.account_url if found.grant else None)
    if found.grant is None or url is None:
        raise NoConsentError(
            f"there is no access to Kommo's REST API yet: {remedy}", status=UNAUTHORIZED
        )
    return url, _StoredToken(found.grant, remedy)
