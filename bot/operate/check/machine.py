"""The checks around the bridge: settings, disk, clock, running service, public address."""

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from bot.account.consent_page import PATH as CONSENT_PATH
from bot.http.clients import http_client
from bot.http.kommo_transport import CERTIFICATE
from bot.operate.check.clock import skew_s
from bot.operate.check.connection_errors import SOON_DAYS, days_left, in_words, is_distrust, why
from bot.operate.check.findings import Finding, doubt, failure, well
from bot.operate.check.placeholders import placeholders
from bot.operate.check.public_address import proof
from bot.operate.operators.alerts import MAX_SKEW_S
from bot.operate.service.running import NotRunningError, OtherProgramError, address, ask
from bot.operate.status.machine import LEAST_FREE_BYTES
from bot.settings import Settings
from bot.settings.location import readable_by_others
from bot.words import counted

TIMEOUT_S = 10.0
MAX_BYTES = 4096
"""So much of an answer is read: a proof is shorter."""

NOT_RUNNING = "it does not run"
MIB = 1024 * 1024
BAD_GATEWAYS = {502, 503, 504}


@dataclass(frozen=True)
class Answered:
    """What stands at the public address."""

    status: int
    text: str
    certificate: Mapping[str, object] | None


def of_settings(settings: Settings, missing: tuple[str, ...]) -> list[Finding]:
    """Return what is odd about settings that are valid one by one."""
    found = [
        failure("settings", f"{name} still has the value of an example", f"fill in {name}")
        for name in placeholders(settings)
        if name not in missing
    ]
    found += _of_redirect(settings)
    if found:
        return found
    return [well("settings", "every setting is valid" + _still_open(missing))]


def _still_open(missing: tuple[str, ...]) -> str:
    return f"; {' and '.join(missing)} will follow" if missing else ""


def _of_redirect(settings: Settings) -> list[Finding]:
    """Return what is odd about where Kommo sends the browser of who consents."""
    oauth, wanted = settings.kommo.oauth, f"{settings.public_url}{CONSENT_PATH}"
    if oauth is None or _place(oauth.redirect_uri) == _place(wanted):
        return []
    ours, theirs = urlsplit(settings.public_url).netloc, urlsplit(oauth.redirect_uri).netloc
    remedy = f"set it to {wanted}, here and in the integration's settings in Kommo"
    if ours.lower() != theirs.lower():
        text = f"kommo.oauth.redirect_uri leads to {theirs}, but public_url is at {ours}"
        return [failure("settings", text, remedy)]
    text = f"kommo.oauth.redirect_uri does not end in {CONSENT_PATH}, where the bridge waits"
    return [doubt("settings", text, f"{remedy}, unless your proxy changes the path")]


def _place(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    return parts.scheme.lower(), parts.netloc.lower(), parts.path


def of_file(file: Path | None) -> Finding:
    """Tell whether others can read the settings file."""
    if file is None:
        return well("settings file", "none: all comes from the environment")
    if readable_by_others(file) is None:
        return well("settings file", f"{file}, readable by its owner only")
    text = "readable by other users of this machine"
    return doubt("settings file", text, f"run: chmod 600 {file}")


def is_made_by_systemd(folder: Path) -> bool:
    """Tell whether a folder is the service's own one, which its first start makes."""
    return str(folder) == os.environ.get("STATE_DIRECTORY") and not folder.exists()


def of_disk(settings: Settings) -> Finding:
    """Tell whether there is room for the database to grow, and for the files beside it."""
    free = []
    for folder, name in zip(settings.location.folders, ("path", "state_dir"), strict=False):
        found = _existing(folder, is_made=name == "state_dir" or is_made_by_systemd(folder))
        if found is None:
            remedy = f"create it, or correct storage.{name}"
            return failure("disk", f"there is no folder {folder}", remedy)
        free.append((shutil.disk_usage(found).free, folder))
    least, folder = min(free)
    if least < LEAST_FREE_BYTES:
        return failure("disk", f"only {least // MIB} MiB are free in {folder}", "free some space")
    return well("disk", f"{least // MIB} MiB are free")


def _existing(folder: Path, *, is_made: bool) -> Path | None:
    """Return a folder that is there; the one in which a start will make it, if it does."""
    if is_made and not folder.exists():
        return next(parent for parent in folder.parents if parent.is_dir())
    is_there = os.path.isdir(folder)  # noqa: PTH112 - Path.is_dir raises without access
    return folder if is_there else None


async def look_around(settings: Settings, missing: tuple[str, ...]) -> AsyncIterator[Finding]:
    """Look at everything that needs a network."""
    async with http_client(settings.routes, timeout=TIMEOUT_S) as http:
        for name, url in (
            ("Kommo", settings.kommo.chats_url),
            ("Telegram", settings.telegram.api_url),
        ):
            yield await _clock(http, name, url)
        is_running = False
        if not missing:
            service = await _service(settings)
            is_running = service.text != NOT_RUNNING
            yield service
        if is_running or missing or settings.public_url.startswith("https:"):
            async for finding in _public(http, settings, is_running=is_running):
                yield finding


async def _clock(http: httpx.AsyncClient, name: str, url: str) -> Finding:
    what = f"clock against {name}'s"
    asked_at = datetime.now(UTC)
    try:
        answer = await http.get(url)
    except httpx.HTTPError as error:
        text = f"{url} did not answer ({in_words(error)})"
        return failure(what, text, why(error)[1] or "check the network")
    skew = skew_s(answer.headers.get("Date"), asked_at=asked_at, now=datetime.now(UTC))
    if skew is None:
        return well(what, "not told")
    if abs(skew) > MAX_SKEW_S:
        text = f"off by {skew:.0f} s; Kommo refuses signatures from 900 s on"
        return failure(what, text, "turn on time synchronisation: timedatectl set-ntp true")
    return well(what, "right")


async def _service(settings: Settings) -> Finding:
    """Ask the running service, which also knows of another program that polls its bots."""
    try:
        told = await ask(settings)
    except NotRunningError:
        remedy = "start it, then check again: only then can the public address be tried"
        return doubt("service", NOT_RUNNING, remedy)
    except OtherProgramError as error:
        text = f"another program answers at {error}"
        return doubt("service", text, "give [admin] another port")
    said = (*told.problems, *told.troubles)
    if said:
        return doubt("service", "; ".join(said), f"see the status page, {address(settings)}")
    return well("service", "running")


async def _public(
    http: httpx.AsyncClient, settings: Settings, *, is_running: bool
) -> AsyncIterator[Finding]:
    """Ask the public address for a proof that it leads here; look at its certificate."""
    challenge = secrets.token_hex(16)
    try:
        answered = await _ask(http, f"{settings.public_url}/check/{challenge}")
    except httpx.HTTPError as error:
        yield _unanswered(settings, error, is_running=is_running)
        return
    if settings.public_url.startswith("https:"):
        yield _certificate(settings, answered)
    expected = proof(settings.kommo.channel_secret.get_secret_value(), challenge)
    if is_running:
        yield _proven(settings, answered, expected)
    else:
        yield _early(settings, answered)


async def _ask(http: httpx.AsyncClient, url: str) -> Answered:
    """Return the answer of an address, with the certificate that it showed."""
    async with http.stream("GET", url) as answer:
        certificate = answer.extensions.get(CERTIFICATE)
        content = b""
        async for chunk in answer.aiter_bytes():
            content += chunk
            if len(content) > MAX_BYTES:
                break
    return Answered(answer.status_code, content.decode(errors="replace"), certificate)


def _unanswered(settings: Settings, error: httpx.HTTPError, *, is_running: bool) -> Finding:
    """Return why there is no answer; a certificate is named as what it is."""
    reason, remedy = why(error)
    if is_distrust(error):
        return failure("certificate", f"{settings.public_url}: {reason}", remedy)
    text = f"{settings.public_url} does not answer ({reason or type(error).__name__})"
    if is_running:
        return failure("public address", text, f"{_passing(settings)}, while `run` runs")
    return doubt(
        "public address", text, remedy or "start the reverse proxy (docs/getting-started.md)"
    )


def _passing(settings: Settings) -> str:
    return (
        "let the reverse proxy pass all of public_url on to "
        f"{settings.listen.host}:{settings.listen.port} (docs/getting-started.md)"
    )


def _certificate(settings: Settings, answered: Answered) -> Finding:
    host = urlsplit(settings.public_url).hostname
    days = days_left(answered.certificate, datetime.now(UTC))
    if days is None:
        return well("certificate", f"that of {host} is trusted")
    if days < SOON_DAYS:
        text = f"that of {host} expires in {counted(days, 'day')}"
        return doubt(
            "certificate", text, "renew it, and find out why it is not renewed automatically"
        )
    return well("certificate", f"that of {host} is trusted, for {counted(days, 'more day')}")


def _proven(settings: Settings, answered: Answered, expected: str) -> Finding:
    if not secrets.compare_digest(answered.text.strip().encode(), expected.encode()):
        text = f"{settings.public_url} does not lead to this bridge (status {answered.status})"
        remedy = f"{_passing(settings)}, while `run` runs; after a change of the settings, "
        return failure("public address", text, f"{remedy}restart it")
    webhook = f"{settings.public_url}/webhooks/kommo/:scope_id"
    return well("public address", f"leads here; Kommo's webhook address is {webhook}")


def _early(settings: Settings, answered: Answered) -> Finding:
    """Return what can be told of the address before the bridge runs behind it."""
    if answered.status in BAD_GATEWAYS:
        text = f"{settings.public_url} answers {answered.status}: the proxy is there, waiting"
        return well("public address", f"{text} for the bridge")
    text = f"{settings.public_url} answers with status {answered.status}, though nothing runs here"
    return doubt("public address", text, f"{_passing(settings)}; a proxy alone answers 502")
