"""Read a call's parameters and files, however they were sent.

Reference: Bot API, Making requests.
"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import hdrs, web
from aiohttp.helpers import parse_mimetype

from sandbox.telegram.files import Spool, StoredFile
from sandbox.telegram.forms import FormReader
from sandbox.telegram.model import ApiError, Json, bad_request

Uploads = dict[str, StoredFile]


async def read_request(
    request: web.Request, spool: Callable[[str], Spool]
) -> tuple[Json, Uploads]:
    """Return parameters and uploaded files by name.

    Args:
        request: what a bot asks for.
        spool: makes what takes a file of a given name.
    """
    parameters: Json = dict(request.query)
    kind = request.content_type
    try:
        if kind.startswith("multipart/"):
            return parameters, await _read_parts(request, parameters, spool)
        raw = await request.read() if request.can_read_body else b""
        if kind == "application/json" and raw:
            parameters.update(json.loads(raw))
        elif raw:
            parameters.update(parse_qsl(raw.decode(), keep_blank_values=True))
    except (ValueError, KeyError):
        raise bad_request("can't parse the request's body") from None
    return parameters, {}


async def _read_parts(
    request: web.Request, parameters: dict[str, Any], spool: Callable[[str], Spool]
) -> Uploads:
    files: Uploads = {}
    is_too_large = False
    boundary = parse_mimetype(request.headers[hdrs.CONTENT_TYPE]).parameters["boundary"]
    async for part in FormReader(request.content, boundary).parts():
        if part.filename is None:
            parameters[part.name] = await part.text()
            continue
        with spool(part.filename) as taken:
            async for chunk in part.content:
                taken.write(chunk)
            is_too_large |= taken.is_too_large
            files[part.name] = taken.finished()
    if is_too_large:
        raise ApiError(413, "Request Entity Too Large")
    return files
