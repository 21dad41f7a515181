"""The hosts of Kommo's and amoCRM's accounts, also as a browser shows them (pure)."""

import re
from urllib.parse import urlsplit

KOMMO, RUSSIAN, FORMER = ".kommo.com", ".amocrm.ru", ".amocrm.com"
ENDS = (KOMMO, RUSSIAN, FORMER)
"""amoCRM's accounts outside Russia are Kommo's, some still under their former name."""

CHATS_URLS = {
    KOMMO: "https://amojo.kommo.com",
    FORMER: "https://amojo.kommo.com",
    RUSSIAN: "https://amojo.amocrm.ru",
}
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_NO_ACCOUNTS = {"www", "amojo", "developers", "api"}


def account_host(text: str) -> str:
    """Return the host of an account from its name, host or any address in it; or nothing."""
    given = text.strip().lower()
    try:
        host = urlsplit(given if "//" in given else f"//{given}").hostname or ""
    except ValueError:
        return ""
    end = end_of(host)
    name = host.removesuffix(end)
    is_name = bool(_NAME.fullmatch(name)) and name not in _NO_ACCOUNTS
    return f"{name}{end or KOMMO}" if is_name else ""


def end_of(host: str) -> str:
    """Return to which of the families a host belongs; nothing for none."""
    return next((end for end in ENDS if host.endswith(end)), "")
