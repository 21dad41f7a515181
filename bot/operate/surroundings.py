"""What `check` finds around the bridge: disk, settings file, clock, running service, address."""

import os
import secrets
import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx

from bot.certificates import certificates
from bot.operate.alerts import LEAST_FREE_BYTES, MOST_SKEW_S
from bot.operate.challenge import proof
from bot.operate.clock import skew_s
from bot.settings import Settings, readable_by_others

TIMEOUT_S = 10.0
NOT_RUNNING = "it does not run"
MIB = 1024 * 1024

Finding = tuple[str, str, str]
"""What was looked at; its problem, or nothing; its state, or the remedy."""


def of_file(file: Path | None) -> Finding:
    """Tell whether others can read the settings file."""
    if file is None:
        return "settings file", "", "none: all comes from the environment"
    warning = readable_by_others(file)
    if warning is None:
        return "settings file", "", f"{file}, readable by its owner only"
    return "settings file", "others on this machine may open it", f"run: chmod 600 {file}"


def is_made_by_systemd(folder: Path) -> bool:
    """Tell whether a folder is the service's own one, which its first start makes."""
    return str(folder) == os.environ.get("STATE_DIRECTORY") and not folder.exists()


def of_disk(settings: Settings) -> Finding:
    """Tell whether there is room for the database to grow."""
    folder = settings.database.parent
    if is_made_by_systemd(folder):
        folder = next(parent for parent in folder.parents if parent.is_dir())
    if not folder.is_dir():
        return "disk", f"there is no folder {folder}", "create it, or mend storage.path"
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE_BYTES:
        return "disk", f"only {free // MIB} MiB are free in {folder}", "free some space"
    return "disk", "", f"{free // MIB} MiB are free"


async def look_around(settings: Settings) -> AsyncIterator[Finding]:
    """Look at everything that needs a network."""
    async with httpx.AsyncClient(timeout=TIMEOUT_S, verify=certificates()) as http:
        for name, url in (
            ("Kommo", settings.kommo.chats_url),
            ("Telegram", settings.telegram.api_url),
        ):
            yield await _clock(http, name, url)
        service = await _service(http, settings)
        yield service
        if service[1] != NOT_RUNNING:
            yield await _address(http, settings)


async def _clock(http: httpx.AsyncClient, name: str, url: str) -> Finding:
    what = f"clock against {name}'s"
    try:
        answer = await http.get(url)
    except httpx.HTTPError as error:
        return what, f"{url} did not answer ({type(error).__name__})", "check the network"
    skew = skew_s(answer.headers.get("Date"), datetime.now(UTC))
    if skew is None:
        return what, "", "not told"
    if abs(skew) > MOST_SKEW_S:
        remedy = "turn on time synchronisation: timedatectl set-ntp true"
        return what, f"off by {skew:.0f} s; Kommo refuses signatures from 900 s on", remedy
    return what, "", "right"


async def _service(http: httpx.AsyncClient, settings: Settings) -> Finding:
    """Ask the running service, which also knows of another program that polls its bots."""
    url = f"http://{settings.admin.host}:{settings.admin.port}/healthz"
    try:
        body = (await http.get(url)).json()
        told = "; ".join(body["problems"])
        parts = [body["channel"]["problem"], *(bot["problem"] for bot in body["bots"].values())]
        troubles = [*body["problems"], *(part for part in parts if part and part not in told)]
    except httpx.HTTPError:
        remedy = "start it, then check again: only then can the public address be tried"
        return "service", NOT_RUNNING, remedy
    except (ValueError, KeyError, TypeError, AttributeError):
        return "service", f"another program answers at {url}", "give [admin] another port"
    said = list(dict.fromkeys(trouble for trouble in troubles if trouble))
    if said:
        return "service", "; ".join(said), f"see the status page, {url.removesuffix('healthz')}"
    return "service", "", "running"


async def _address(http: httpx.AsyncClient, settings: Settings) -> Finding:
    """Ask the public address for a proof that it leads here."""
    hook = f"{settings.public_url}/webhooks/kommo/:scope_id"
    challenge = secrets.token_hex(16)
    remedy = (
        "let the reverse proxy pass all of public_url on to "
        f"{settings.listen.host}:{settings.listen.port} (docs/operations.md), while `run` runs"
    )
    try:
        answer = await http.get(f"{settings.public_url}/check/{challenge}")
    except httpx.HTTPError as error:
        text = f"{settings.public_url} does not answer ({type(error).__name__})"
        return "public address", text, remedy
    expected = proof(settings.kommo.channel_secret.get_secret_value(), challenge)
    if not secrets.compare_digest(answer.text.strip().encode(), expected.encode()):
        text = f"{settings.public_url} does not lead to this bridge (status {answer.status_code})"
        return "public address", text, f"{remedy}; after a change of the settings, restart it"
    return "public address", "", f"leads here; Kommo's webhook address is {hook}"
