"""The data of an integration in the account: sources and message templates.

Reference: Kommo, Sources; Kommo, Chat templates.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from sandbox.kommo.account import Account
from sandbox.kommo.model import InvalidError, Json, NotFoundError, RefusedError

MAX_SOURCES, MAX_ROWS, LONGEST_SOURCE = 100, 50, 36
LONGEST_CODE = 20

Write: TypeAlias = Callable[[Account, Sequence[Json]], Json | None]


def list_sources(account: Account, query: Mapping[str, str]) -> Json | None:
    """Return every source; nothing when there is none."""
    _want_widget(account)
    wanted = query.get("filter[external_id]")
    rows = [row for row in account.sources if wanted in (None, row["external_id"])]
    return {"_total_items": len(rows), "_embedded": {"sources": rows}} if rows else None


def create_sources(account: Account, rows: Sequence[Json]) -> Json:
    """Add sources, all of them or none."""
    _want_widget(account)
    taken = {row["external_id"] for row in account.sources}
    for number, row in enumerate(rows):
        _want_texts(number, row, "name", "external_id")
        _want_source(account, number, row)
        if row["external_id"] in taken:
            raise InvalidError(number, "NotUnique", "external_id", "This value is taken.")
        taken.add(row["external_id"])
    if len(taken) > MAX_SOURCES:
        raise RefusedError(400, "too many sources")
    made = [_new_source(account, row) for row in rows]
    account.sources += made
    for row in rows:
        _move_default(account, row)
    return {"_total_items": len(made), "_embedded": {"sources": made}}


def update_sources(account: Account, rows: Sequence[Json]) -> Json:
    """Change sources; their external_id stays."""
    _want_widget(account)
    known = _known(account.sources, rows)
    for number, row in enumerate(rows):
        _want_source(account, number, row)
        own = known[row["id"]]["external_id"]
        if row.get("external_id", own) != own:
            raise InvalidError(number, "NotChangeable", "external_id", "It cannot be changed.")
    for row in rows:
        known[row["id"]].update(row)
        _move_default(account, known[row["id"]])
    return {"_embedded": {"sources": list(known.values())}}


def delete_sources(account: Account, rows: Sequence[Json]) -> None:
    """Remove sources."""
    _want_widget(account)
    if not account.sources:
        raise RefusedError(404, "no sources")
    gone = _known(account.sources, rows)
    account.sources[:] = [row for row in account.sources if row["id"] not in gone]


def list_templates(account: Account, query: Mapping[str, str]) -> Json | None:
    """Return a page of templates; nothing when there is none."""
    page, limit = int(query.get("page", 1)), min(int(query.get("limit", MAX_ROWS)), MAX_ROWS)
    rows = account.templates[(page - 1) * limit : page * limit]
    return {"_page": page, "_embedded": {"chat_templates": rows}} if rows else None


def create_templates(account: Account, rows: Sequence[Json]) -> Json:
    """Add templates, all of them or none."""
    for number, row in enumerate(rows):
        _want_texts(number, row, "name", "content")
        _want_buttons(number, row)
    made = [{"type": "amocrm", "buttons": [], **row, "id": account.number()} for row in rows]
    account.templates += made
    return {"_embedded": {"chat_templates": made}}


def update_templates(account: Account, rows: Sequence[Json]) -> Json:
    """Change templates."""
    known = _known(account.templates, rows)
    for number, row in enumerate(rows):
        _want_buttons(number, row)
    for row in rows:
        known[row["id"]].update(row)
    return {"_embedded": {"chat_templates": list(known.values())}}


def _want_widget(account: Account) -> None:
    if not account.has_widget:
        raise RefusedError(403, "the integration has no widget with lead_sources")


def _want_texts(number: int, row: Json, *keys: str) -> None:
    for key in keys:
        if not isinstance(row.get(key), str) or not row[key]:
            raise InvalidError(number, "NotBlank", key, "This value should not be blank.")


def _want_source(account: Account, number: int, row: Json) -> None:
    external_id, code = row.get("external_id", "x"), row.get("origin_code")
    if len(external_id) > LONGEST_SOURCE or not (external_id.isascii() and external_id):
        raise InvalidError(number, "TooLong", "external_id", "1 to 36 printable characters.")
    if code is not None and (len(code) > LONGEST_CODE or code.isdigit()):
        raise InvalidError(number, "TooLong", "origin_code", "At most 20, not only digits.")
    pipeline = row.get("pipeline_id", account.pipelines[0])
    if pipeline not in account.pipelines:
        detail = "The value you selected is not a valid choice."
        raise InvalidError(number, "NotSupportedChoice", "pipeline_id", detail)


def _want_buttons(number: int, row: Json) -> None:
    for button in row.get("buttons", []):
        _want_texts(number, button, "text", *(["url"] if button.get("type") == "url" else []))
        if button.get("type") not in ("inline", "url"):
            raise InvalidError(number, "NotSupportedChoice", "buttons", "inline or url.")


def _new_source(account: Account, row: Json) -> Json:
    return {
        "origin_code": None,
        "services": [],
        "default": False,
        "pipeline_id": account.pipelines[0],
        **row,
        "id": account.number(),
    }


def _move_default(account: Account, row: Json) -> None:
    """Let one source be the default, when this one is to be it."""
    if row.get("default"):
        for source in account.sources:
            source["default"] = source["external_id"] == row["external_id"]


def _known(kept: Sequence[Json], rows: Sequence[Json]) -> dict[int, Json]:
    known = {row["id"]: row for row in kept}
    for number, row in enumerate(rows):
        if row.get("id") not in known:
            raise NotFoundError(number, f"nothing with id = {row.get('id')} found")
    return {row["id"]: known[row["id"]] for row in rows}
