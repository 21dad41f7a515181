"""The documented shapes of what an integration sends to the Chats API, strictly typed.

Keys that are not documented are tolerated: the vendor's own samples carry some.
Reference: Kommo, Send or import messages; Create a chat; Update message delivery status;
Typing information; Send reactions; Connect a channel.
"""

from collections.abc import Mapping
from typing import Any

from sandbox.kommo.checks import (
    Check,
    Problems,
    filled,
    flag,
    link,
    number,
    one_of,
    shape,
    source_id,
    text,
    whole,
)

MEDIA_TYPES = frozenset({"file", "video", "picture", "voice", "audio", "sticker"})
TYPES = MEDIA_TYPES | {"text", "contact", "location"}
STATUS_CODES = (1, 2, -1)  # delivered, read, error
ERROR_CODES = range(901, 906)
OTHER_ERROR = 905  # the one whose text is needed

PROFILE = shape(optional={"phone": text, "email": text})
PERSON = shape(
    {"id": filled, "name": filled},
    {"ref_id": filled, "avatar": link, "profile": PROFILE, "profile_link": text},
)
SOURCE = shape({"external_id": source_id})
LOCATION = shape({"lon": number, "lat": number})
CONTACT = shape({"name": filled, "phone": filled})
CONTENT_FIELDS: dict[str, Check] = {
    "text": text,
    "media": link,
    "file_name": text,
    "file_size": whole,
    "media_duration": whole,
    "sticker_id": text,
    "location": LOCATION,
    "contact": CONTACT,
    "callback_data": text,
}


def _required_by_type(kind: str) -> dict[str, Check]:
    if kind == "text":
        return {"text": filled}
    if kind in MEDIA_TYPES:
        return {"media": link}
    return {kind: CONTENT_FIELDS[kind]}


_TYPE = one_of(*sorted(TYPES))
_STATUS = shape(
    {"status_code": one_of(*STATUS_CODES)},
    {"error_code": one_of(*ERROR_CODES), "error": text},
)
_CONTENT_OF = {
    kind: shape(
        {"type": _TYPE, **_required_by_type(kind)}, {**CONTENT_FIELDS, "delivery_status": _STATUS}
    )
    for kind in TYPES
}
_EDIT_OF = {
    kind: shape(
        {"type": _TYPE, **({} if kind in MEDIA_TYPES else _required_by_type(kind))},
        {**CONTENT_FIELDS, "delivery_status": _STATUS},
    )
    for kind in TYPES
}
_ANY_CONTENT = shape({"type": _TYPE})


def _by_type(variants: Mapping[str, Check]) -> Check:
    def check(value: Any, path: str) -> Problems:
        kind = value.get("type") if isinstance(value, dict) else None
        known = variants.get(kind) if isinstance(kind, str) else None
        yield from (known or _ANY_CONTENT)(value, path)

    return check


_QUOTED_SENDER = shape(optional={"id": text, "ref_id": text, "name": text})
_QUOTED_FIELDS = {**CONTENT_FIELDS, "id": filled, "msgid": filled, "type": _TYPE}
_QUOTED_KNOWN = shape(optional=_QUOTED_FIELDS)
_QUOTED_FULL = shape(
    {"type": _TYPE, "timestamp": whole, "msec_timestamp": whole, "sender": _QUOTED_SENDER},
    _QUOTED_FIELDS,
)


def _quoted(value: Any, path: str) -> Problems:
    is_known = isinstance(value, dict) and ("id" in value or "msgid" in value)
    yield from (_QUOTED_KNOWN if is_known else _QUOTED_FULL)(value, path)


def _one_quoted(value: Any, path: str) -> Problems:
    if not isinstance(value, list) or len(value) != 1:
        yield f"{path}: has to hold exactly one message"
        return
    yield from _quoted(value[0], f"{path}.0")


_MOMENT: dict[str, Check] = {"timestamp": whole, "msec_timestamp": whole}
NEW_MESSAGE = shape(
    {
        **_MOMENT,
        "msgid": filled,
        "conversation_id": filled,
        "sender": PERSON,
        "message": _by_type(_CONTENT_OF),
    },
    {
        "conversation_ref_id": filled,
        "silent": flag,
        "source": SOURCE,
        "receiver": PERSON,
        "reply_to": shape({"message": _quoted}),
        "forwards": shape({"messages": _one_quoted}, {"conversation_id": text}),
    },
)
EDIT_MESSAGE = shape(
    {**_MOMENT, "conversation_id": filled, "message": _by_type(_EDIT_OF)},
    {"msgid": filled, "id": filled},
)
EVENT = shape({"event_type": one_of("new_message", "edit_message"), "payload": shape()})
CONNECT = shape(
    {"account_id": filled, "title": filled, "hook_api_version": one_of("v2")},
    {"is_time_window_disabled": flag},
)
DISCONNECT = shape({"account_id": filled})
NEW_CHAT = shape({"conversation_id": filled, "user": PERSON}, {"source": SOURCE})
TYPING = shape(
    {"conversation_id": filled, "sender": shape({"id": filled})}, {"duration_ms": whole}
)
REACTION = shape(
    {"type": one_of("react", "unreact"), "user": shape(optional={"id": filled, "ref_id": filled})},
    {
        "conversation_id": filled,
        "conversation_ref_id": filled,
        "msgid": filled,
        "id": filled,
        "emoji": filled,
    },
)
STATUS = shape(
    optional={
        "delivery_status": one_of(*STATUS_CODES),
        "status_code": one_of(*STATUS_CODES),
        "error_code": one_of(*ERROR_CODES),
        "error": text,
        "msgid": filled,
    }
)
