"""The running service, asked on its local listener."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import httpx

from bot.http.clients import local_client
from bot.settings import Settings

TIMEOUT_S = 5.0


class NotRunningError(Exception):
    """Nobody answers."""


class OtherProgramError(Exception):
    """Somebody else answers."""


@dataclass(frozen=True)
class Told:
    """What the service says of itself.

    Args:
        problems: what keeps it from its work.
        troubles: what troubles one of its parts besides.
    """

    problems: tuple[str, ...]
    troubles: tuple[str, ...]


def address(settings: Settings) -> str:
    """Return where the service's local listener is; an address of all means this machine."""
    host = settings.admin.host
    try:
        ip = ip_address(host)
    except ValueError:
        return f"http://{host}:{settings.admin.port}/"
    if ip.is_unspecified:
        host = "127.0.0.1" if ip.version == 4 else "::1"  # noqa: PLR2004 - of the protocol
    return f"http://{host if ip.version == 4 else f'[{host}]'}:{settings.admin.port}/"  # noqa: PLR2004


async def ask(settings: Settings) -> Told:
    """Return what the service says; never through a proxy.

    Raises:
        NotRunningError: nobody answers.
        OtherProgramError: what answers is not the service.
    """
    url = f"{address(settings)}healthz"
    try:
        async with local_client(TIMEOUT_S) as http:
            answer = await http.get(url)
    except httpx.HTTPError as error:
        raise NotRunningError(f"{url} does not answer ({type(error).__name__})") from error
    try:
        return _read(answer.json())
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise OtherProgramError(url) from error


def _read(body: Any) -> Told:
    problems = tuple(map(str, body["problems"]))
    told = "; ".join(problems)
    parts = [body["channel"]["problem"], *(bot["problem"] for bot in body["bots"].values())]
    troubles = (part for part in parts if part and part not in told)
    return Told(problems, tuple(dict.fromkeys(troubles)))
