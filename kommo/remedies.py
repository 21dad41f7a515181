"""Remedies for refusals of the REST API. Reference: Kommo, Response codes."""

from collections.abc import Mapping

REMEDIES: Mapping[int, str] = {
    402: "the account is not paid for: renew its subscription in Kommo",
    403: "Kommo does not let this integration do that: the token has to be an administrator's, "
    "with the right to account data; or this address is blocked for asking too often",
    429: "Kommo takes 7 requests a second from one address: wait, or stop what else asks",
}

OUTAGE = "Kommo has an outage: try again in a few minutes"
UNREACHED = "check kommo.subdomain (or kommo.api_url) and the network"

_SERVER_ERRORS = range(500, 600)


def remedy_of(status: int) -> str:
    """Return what a person can do about a status; nothing where nobody knows."""
    return OUTAGE if status in _SERVER_ERRORS else REMEDIES.get(status, "")
