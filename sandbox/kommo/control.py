"""Kommo's half of ``/sandbox/``: the manager, for curl and for other processes.

======  ===============================  ==========================================
POST    /sandbox/manager/{what}          says, sends, types, reacts or writes_first;
                                         JSON with the arguments, or just a text
GET     /sandbox/conversations           all of them, with messages and statuses
GET     /sandbox/summary                 how much arrived
POST    /sandbox/attachments/{name}      a file; answers its link
POST    /sandbox/contacts                JSON with a name and phones; answers its number
POST    /sandbox/hook-url                where hooks go from now on
POST    /sandbox/integration             JSON ``{"is_enabled": false}`` switches it off
======  ===============================  ==========================================
"""

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from sandbox.http import control_fields, json_response
from sandbox.kommo.model import Conversation, Hook, Json, Message
from sandbox.kommo.results import KommoResults


# Over the limit of lines: a table of routes, each with its few lines.
def routes(kommo: KommoResults) -> list[web.RouteDef]:
    """Return the control routes of a server."""
    actions: dict[str, Callable[..., Awaitable[str | Hook | None]]] = {
        "says": kommo.manager_says,
        "sends": kommo.manager_sends,
        "types": kommo.manager_types,
        "reacts": kommo.manager_reacts,
        "writes_first": kommo.write_first,
    }

    async def manager(request: web.Request) -> web.Response:
        action = actions.get(request.match_info["what"])
        if action is None:
            return _error(404, f"a manager {', '.join(actions)}")
        return await _carried_out(kommo, action, await control_fields(request))

    async def conversations(request: web.Request) -> web.Response:
        return json_response([_conversation(one) for one in kommo.conversations.values()])

    async def summary(request: web.Request) -> web.Response:
        return json_response(_summary(kommo))

    async def attachment(request: web.Request) -> web.Response:
        url = kommo.add_attachment(await request.read(), request.match_info["name"])
        return json_response({"url": url})

    async def contact(request: web.Request) -> web.Response:
        fields = await control_fields(request, "name")
        phones = [str(phone) for phone in fields.get("phones", [])]
        return json_response({"contact": kommo.add_contact(str(fields.get("name", "")), *phones)})

    async def hook_url(request: web.Request) -> web.Response:
        kommo.hook_url = (await control_fields(request, "url")).get("url")
        return json_response({"url": kommo.hook_url})

    async def integration(request: web.Request) -> web.Response:
        kommo.is_enabled = bool((await control_fields(request)).get("is_enabled", True))
        return json_response({"is_enabled": kommo.is_enabled})

    return [
        web.post("/sandbox/integration", integration),
        web.post("/sandbox/manager/{what}", manager),
        web.get("/sandbox/conversations", conversations),
        web.get("/sandbox/summary", summary),
        web.post("/sandbox/attachments/{name}", attachment),
        web.post("/sandbox/contacts", contact),
        web.post("/sandbox/hook-url", hook_url),
    ]


async def _carried_out(
    kommo: KommoResults, action: Callable[..., Awaitable[str | Hook | None]], fields: Json
) -> web.Response:
    before = len(kommo.hooks)
    try:
        done = await action(**fields)
    except LookupError as error:
        return _error(404, str(error.args[0]))
    except (TypeError, AttributeError) as error:
        return _error(400, str(error))
    posted = kommo.hooks[before:]
    message = {"kommo_message_id": done} if isinstance(done, str) else {}
    return json_response({**message, "hook_status": posted[-1].status if posted else None})


def _conversation(conversation: Conversation) -> Json:
    shown = sorted(conversation.messages, key=lambda one: one.msec_timestamp)
    return {
        "conversation_id": conversation.client_id,
        "kommo_chat_id": conversation.id,
        "name": conversation.client.name,
        "source": conversation.source,
        "messages": [_message(message) for message in shown],
    }


def _message(message: Message) -> Json:
    return {
        "kommo_message_id": message.id,
        "msgid": message.msgid,
        "from": message.sender.name,
        "is_incoming": message.is_incoming,
        "is_edited": message.is_edited,
        "msec_timestamp": message.msec_timestamp,
        **message.content,
        "statuses": [status.code for status in message.statuses],
        "errors": [status.error for status in message.statuses if status.error],
        "reactions": list(message.reactions.values()),
    }


def _summary(kommo: KommoResults) -> dict[str, Any]:
    return {
        "is_connected": kommo.is_connected,
        "conversations": len(kommo.conversations),
        "received": len(kommo.received),
        "repeated": kommo.repeated,
        "edits": len(kommo.edits),
        "statuses": sum(len(one.statuses) for one in kommo.account.all_messages()),
        "leads": len(kommo.leads),
        "hooks": len(kommo.hooks),
        "hooks_accepted": sum(hook.status == 200 for hook in kommo.hooks),  # noqa: PLR2004
        "rejected": [
            {"path": call.path, "status": call.status, "reason": call.reason}
            for call in kommo.rejected
        ],
    }


def _error(status: int, reason: str) -> web.Response:
    return json_response({"error": reason}, status)
