"""Drive the sandbox's Telegram from outside, with curl or from another process.

curl -d 'Do you deliver?' URL/sandbox/client/says
curl -d '{"text": "Hello", "chat_id": 556, "name": "Bob"}' URL/sandbox/client/says
curl --data-binary @cat.jpg 'URL/sandbox/client/sends?kind=photo&name=cat.jpg'
curl --data-binary @ann.jpg 'URL/sandbox/client/avatar?chat_id=555'
curl -d '{"message_id": 2, "button": "Yes"}' URL/sandbox/client/presses
curl -d '{"content": {"location": {"latitude": 52.5, "longitude": 13.4}}}' URL/sandbox/client/shows
curl URL/sandbox/client/555
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeAlias

from aiohttp import web

from sandbox.http import control_fields, json_response
from sandbox.telegram.model import ApiCall, Bot, Chat, Json
from sandbox.telegram.owners import OWNER_ACTS, connects
from sandbox.telegram.people import People
from sandbox.telegram.world import ANN

Answer: TypeAlias = Callable[[web.Request], Coroutine[Any, Any, web.Response]]
Act: TypeAlias = Callable[[People, Json], Json]

WHO = ("chat_id", "bot", "name", "username", "reply_to", "date", "sender", "connection", "topic")
WHERE = ("chat_id", "bot")
NUMBERS = ("chat_id", "bot", "reply_to")


def control_routes(people: People, add_bot: Callable[..., int]) -> list[web.RouteDef]:
    """The routes by which a person drives this side of the sandbox."""

    async def new_bot(request: web.Request) -> web.Response:
        fields = await control_fields(request, "token")
        names = {key: fields[key] for key in ("name", "username") if key in fields}
        return json_response({"bot": add_bot(str(fields["token"]), **names)})

    async def sends(request: web.Request) -> web.Response:
        return json_response({"message_id": _send_file(people, request, await request.read())})

    async def avatar(request: web.Request) -> web.Response:
        return _picture(people, request, await request.read())

    async def sees(request: web.Request) -> web.Response:
        return json_response(seen(people, int(request.match_info["chat_id"])))

    async def calls(_request: web.Request) -> web.Response:
        return json_response([_call(call) for call in people.call_log])

    async def bots(_request: web.Request) -> web.Response:
        return json_response([_bot(bot) for bot in people.bots.values()])

    return [
        *(web.post(f"/sandbox/client/{n}", _acting(people, act)) for n, act in ACTS.items()),
        *(web.post(f"/sandbox/owner/{n}", _acting(people, act)) for n, act in OWNER_ACTS.items()),
        web.post("/sandbox/client/sends", sends),
        web.post("/sandbox/client/avatar", avatar),
        web.get(r"/sandbox/client/{chat_id:-?\d+}", sees),
        web.get("/sandbox/calls", calls),
        web.get("/sandbox/bots", bots),
        web.post("/sandbox/bots", new_bot),
    ]


def seen(people: People, chat_id: int) -> list[Json]:
    """What a client sees now in the chats with bots, in order."""
    shown = [_seen(chat, message) for chat in _chats(people, chat_id) for message in _all(chat)]
    return sorted(shown, key=lambda entry: (entry["date"], entry["bot"], entry["message_id"]))


def _chats(people: People, chat_id: int) -> list[Chat]:
    return [chat for chat in people.chats.values() if chat.peer.id == chat_id]


def _all(chat: Chat) -> list[Json]:
    return list(chat.messages.values())


def _seen(chat: Chat, message: Json) -> Json:
    message_id = message["message_id"]
    is_bots = message["from"]["is_bot"] or "sender_business_bot" in message
    return {
        **message,
        "by": "bot" if is_bots else "client",
        "bot": chat.bot_id,
        "keyboard": chat.keyboards.get(message_id),
        "reaction": chat.reactions.get(message_id),
    }


def _acting(people: People, act: Act) -> Answer:
    """The handler that lets a client do something."""

    async def handle(request: web.Request) -> web.Response:
        fields = await control_fields(request)
        try:
            _introduce(people, fields)
            return json_response(act(people, fields))
        except (KeyError, LookupError, TypeError, ValueError, StopIteration) as error:
            return json_response({"error": f"{type(error).__name__}: {error}"}, 400)

    return handle


def _introduce(people: People, fields: Json) -> None:
    """Let somebody have their name from the first thing that they do."""
    chat_id = int(fields.get("chat_id") or 0)
    if chat_id > 0 and fields.get("name"):
        people.add_person(chat_id, str(fields["name"]))


def _chosen(fields: Json, names: tuple[str, ...]) -> Json:
    return {name: fields[name] for name in names if fields.get(name) is not None}


def _says(people: People, fields: Json) -> Json:
    return {"message_id": people.client_says(str(fields["text"]), **_chosen(fields, WHO))}


def _shows(people: People, fields: Json) -> Json:
    """Let a client send content as the Bot API words it: a location, a contact."""
    return {"message_id": people.client_sends(dict(fields["content"]), **_chosen(fields, WHO))}


def _shares_phone(people: People, fields: Json) -> Json:
    number = people.client_shares_phone(str(fields["phone"]), **_chosen(fields, WHO))
    return {"message_id": number}


def _starts(people: People, fields: Json) -> Json:
    payload = str(fields.get("payload") or fields.get("text") or "")
    return {"message_id": people.client_starts(payload, **_chosen(fields, WHO))}


def _edits(people: People, fields: Json) -> Json:
    where = _chosen(fields, (*WHERE, "connection"))
    people.client_edits(fields["message_id"], str(fields["text"]), **where)
    return {}


def _presses(people: People, fields: Json) -> Json:
    where = _chosen(fields, WHERE)
    return {"pressed": people.client_presses(fields["message_id"], fields["button"], **where)}


def _reacts(people: People, fields: Json) -> Json:
    people.client_reacts(fields["message_id"], fields.get("emoji"), **_chosen(fields, WHERE))
    return {}


def _blocks(people: People, fields: Json) -> Json:
    people.client_blocks(**_chosen(fields, WHERE))
    return {}


def _unblocks(people: People, fields: Json) -> Json:
    people.client_unblocks(**_chosen(fields, WHERE))
    return {}


def _pushes(people: People, fields: Json) -> Json:
    bot = fields.pop("bot", None)
    return {"update_id": people.push(fields, bot=bot)}


def _send_file(people: People, request: web.Request, content: bytes) -> int:
    """Let a client send the request's body as a file."""
    query = request.query
    file_id = people.add_file(content, query.get("name", "file.bin"))
    extra = {"caption": query["caption"]} if "caption" in query else {}
    shown = people.media(query.get("kind", "document"), file_id, **extra)
    numbers = {name: int(query[name]) for name in NUMBERS if name in query}
    words = {name: query[name] for name in ("name_of_client", "connection") if name in query}
    who = {name.removesuffix("_of_client"): word for name, word in words.items()}
    how: dict[str, Any] = {"chat_id": ANN, **numbers, **who}
    return people.client_sends(shown, **how)


def _picture(people: People, request: web.Request, content: bytes) -> web.Response:
    """Let a client have the request's body as their profile picture."""
    _introduce(people, dict(request.query))
    people.set_avatar(content, chat_id=int(request.query.get("chat_id", ANN)))
    return json_response({})


def _call(call: ApiCall) -> Json:
    files = {key: {"name": file.name, "size": file.size} for key, file in call.files.items()}
    return {
        "bot": call.bot_id,
        "method": call.method,
        "parameters": call.parameters,
        "files": files,
        "at": call.at,
    }


def _bot(bot: Bot) -> Json:
    return {
        "bot": bot.id,
        "username": bot.username,
        "pending": len(bot.updates),
        "confirmed": len(bot.confirmed),
    }


ACTS: Final[dict[str, Act]] = {
    "says": _says,
    "shows": _shows,
    "starts": _starts,
    "shares_phone": _shares_phone,
    "connects": connects,
    "edits": _edits,
    "presses": _presses,
    "reacts": _reacts,
    "blocks": _blocks,
    "unblocks": _unblocks,
    "pushes": _pushes,
}
