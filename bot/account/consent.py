"""The link to Kommo's consent, and the state in it that only this bridge can have made (pure).

The state is random, expires, and is signed with the integration's secret: whoever knows the
settings can make a link, a running bridge recognises it, and neither has to tell the other.
That it is good for one time is noted in the database. Reference: Kommo, OAuth 2.0.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode, urlsplit

from bot.settings.kommo_tables import KommoSettings, OAuthSettings

LIFETIME = timedelta(hours=24)
NONCE_BYTES = 16
_TIME_BYTES, _MAC_BYTES = 6, 32

_LINK = re.compile(r"https://www\.(?:kommo\.com|amocrm\.ru)/oauth\?[\w%&=.~-]+", re.ASCII)

Random = Callable[[int], bytes]

_RUSSIAN = ".amocrm.ru"
_KOMMO = (".kommo.com", _RUSSIAN, ".amocrm.com")


def consent_url(
    kommo: KommoSettings, oauth: OAuthSettings, *, now: datetime, random: Random
) -> str:
    """Return the link that an administrator of the account opens."""
    is_russian = (urlsplit(kommo.chats_url).hostname or "").endswith(_RUSSIAN)
    host = "www.amocrm.ru" if is_russian else "www.kommo.com"
    secret = oauth.client_secret.get_secret_value()
    state = new_state(secret, now=now, random=random)
    query = urlencode({"client_id": oauth.client_id, "state": state, "mode": "popup"})
    return f"https://{host}/oauth?{query}"


def links_in(text: str) -> list[str]:
    """Return the links to the consent that a text tells."""
    return _LINK.findall(text)


def without_links(text: str, instead: str) -> str:
    """Return a text with a word instead of each link to the consent."""
    return _LINK.sub(instead, text)


def new_state(secret: str, *, now: datetime, random: Random) -> str:
    """Return a state that is good for a day."""
    ends_ms = int((now + LIFETIME).timestamp() * 1000)
    body = ends_ms.to_bytes(_TIME_BYTES, "big") + random(NONCE_BYTES)
    return base64.urlsafe_b64encode(body + _mac(secret, body)).decode().rstrip("=")


def end_of(state: str, secret: str) -> datetime | None:
    """Return when a state expires or did; None when it is not one of ours."""
    try:
        raw = base64.b64decode(state + "=" * (-len(state) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(secret, body)):
        return None
    return datetime.fromtimestamp(int.from_bytes(body[:_TIME_BYTES], "big") / 1000, UTC)


def account_url(kommo: KommoSettings, referer: str) -> str | None:
    """Return where the account that consented is; None when it is not the one of the settings.

    The bridge's secret goes there, and the address bar says where: so it has to be Kommo's.

    Args:
        kommo: the settings; what they say comes first.
        referer: the account's host as Kommo told it.
    """
    host = referer.lower().removeprefix("https://").rstrip("/")
    if kommo.api_url:
        return kommo.api_url.rstrip("/")
    if kommo.rest_url:
        wanted = urlsplit(kommo.rest_url).hostname
        return kommo.rest_url if host in {"", wanted} else None
    name = next((host.removesuffix(end) for end in _KOMMO if host.endswith(end)), "")
    is_name = name.isascii() and name.replace("-", "").isalnum()
    return f"https://{host}" if is_name else None


def _mac(secret: str, body: bytes) -> bytes:
    message = b"kommo-telegram consent " + body
    return hmac.new(secret.encode(), message, hashlib.sha256).digest()
