"""The few REST calls that a bridge needs, for a bearer of the access token."""

import json
from collections.abc import Callable, Mapping
from typing import TypeAlias

from aiohttp import web

from sandbox.http import json_response
from sandbox.kommo import contacts, integration
from sandbox.kommo.account import Account
from sandbox.kommo.model import InvalidError, Json, NotFoundError, RefusedError
from sandbox.kommo.oauth import Authority, Gate

PAGE_LIMIT = 250
ACCOUNT_NUMBER = 33_000_001
USER_NUMBERS_FROM = 9_000_001

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    429: "Too Many Requests",
}

RestCall: TypeAlias = Callable[[Account, Mapping[str, str]], Json | None]


def account_info(account: Account, query: Mapping[str, str]) -> Json:
    """Return the account; its amojo id only when asked for.

    Reference: Kommo, Account parameters.
    """
    extra = {"amojo_id": account.id} if _is_with(query, "amojo_id") else {}
    return {
        "id": ACCOUNT_NUMBER,
        "name": "Example Ltd",
        "subdomain": "example",
        "current_user_id": USER_NUMBERS_FROM,
        **extra,
    }


def users(account: Account, query: Mapping[str, str]) -> Json:
    """Return a page of the account's users.

    Reference: Kommo, Users list.
    """
    page, limit = int(query.get("page", 1)), min(int(query.get("limit", 50)), PAGE_LIMIT)
    start = (page - 1) * limit
    shown = list(enumerate(account.users, USER_NUMBERS_FROM))[start : start + limit]
    rows = [
        {
            "id": number,
            "name": user.name,
            "email": user.email or f"user{number}@example.com",
            **({"amojo_id": user.id} if _is_with(query, "amojo_id") else {}),
        }
        for number, user in shown
    ]
    return {"_total_items": len(account.users), "_page": page, "_embedded": {"users": rows}}


CALLS: dict[tuple[str, str], RestCall] = {
    ("GET", "account"): account_info,
    ("GET", "users"): users,
    ("GET", "sources"): integration.list_sources,
    ("GET", "chats/templates"): integration.list_templates,
    ("GET", "contacts"): contacts.list_contacts,
    ("GET", "contacts/chats"): contacts.list_links,
}

WRITES: dict[tuple[str, str], integration.Write] = {
    ("POST", "sources"): integration.create_sources,
    ("PATCH", "sources"): integration.update_sources,
    ("DELETE", "sources"): integration.delete_sources,
    ("POST", "chats/templates"): integration.create_templates,
    ("PATCH", "chats/templates"): integration.update_templates,
    ("POST", "contacts/chats"): contacts.link_chats,
}


def answer(
    account: Account,
    request: web.Request,
    body: bytes,
    *,
    authority: Authority,
    gate: Gate,
) -> web.Response:
    """Answer a call below ``/api/v4/``."""

    def carry_out() -> Json | None:
        if not authority.is_good(request.headers.get("Authorization", "")):
            raise RefusedError(401, "Incorrect username or password")
        gate.check_rights()
        return _answered(account, request, body)

    return answer_with(gate, carry_out)


def answer_with(gate: Gate, carry_out: Callable[[], Json | None]) -> web.Response:
    """Answer with what a call gives, or with a document of the problem.

    Reference: Kommo, Response codes.
    """
    try:
        gate.pass_through()
        content = carry_out()
        if content is None:
            return web.Response(status=204)
        return _json(content, "application/hal+json", 200)
    except RefusedError as error:
        rows = error.body if isinstance(error, InvalidError | NotFoundError) else {}
        return _json(
            {
                **rows,
                "title": TITLES.get(error.status, "Error"),
                "type": f"https://httpstatus.es/{error.status}",
                "status": error.status,
                "detail": error.reason,
            },
            "application/problem+json",
            error.status,
        )


def _answered(account: Account, request: web.Request, body: bytes) -> Json | None:
    name = (request.method, request.match_info["tail"])
    if name == ("POST", "contacts/chats") and request.headers.get("Cookie"):
        raise RefusedError(403, "session cookies are not taken here")
    if name in WRITES:
        return WRITES[name](account, _objects(body))
    section, _, number = name[1].partition("/")
    if (name[0], section) == ("GET", "contacts") and number not in {"", "chats"}:
        return contacts.one_contact(account, number)
    if name in CALLS:
        return _carried_out(CALLS[name], account, request.query)
    raise RefusedError(404, "no such call")


def _objects(body: bytes) -> list[Json]:
    """Read the array of objects that writing takes."""
    try:
        rows = json.loads(body)
    except ValueError as error:
        raise RefusedError(400, "not JSON") from error
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise RefusedError(400, "an array of objects is expected")
    if not 1 <= len(rows) <= integration.MAX_ROWS:
        raise RefusedError(400, "1 to 50 objects are expected")
    return rows


def _carried_out(call: RestCall, account: Account, query: Mapping[str, str]) -> Json | None:
    try:
        return call(account, query)
    except ValueError as error:
        raise RefusedError(400, "page and limit have to be numbers") from error


def _json(content: Json, kind: str, status: int) -> web.Response:
    response = json_response(content, status)
    response.content_type = kind
    return response


def _is_with(query: Mapping[str, str], name: str) -> bool:
    return name in query.get("with", "").split(",")
