"""What the owner of a business account does, driven from outside.

curl -d '{"owner": 900, "name": "Olga"}' URL/sandbox/owner/connects
curl -d '{"connection": "connection1", "text": "On my way", "to": 555}' URL/sandbox/owner/says
curl -d '{"connection": "connection1", "message_ids": [1], "to": 555}' URL/sandbox/owner/deletes
curl -d '{"connection": "connection1", "rights": {"can_reply": false}}' URL/sandbox/owner/allows
curl -d '{"connection": "connection1"}' URL/sandbox/owner/disconnects
"""

from collections.abc import Callable, Mapping

from sandbox.telegram.model import Json
from sandbox.telegram.people import People
from sandbox.telegram.world import ANN


def connects(people: People, fields: Json) -> Json:
    """Let a business account connect the bot, which then answers that account's clients."""
    chosen = {key: fields[key] for key in ("name", "bot") if fields.get(key) is not None}
    return {"connection": people.owner_connects(int(fields["owner"]), **chosen)}


def _says(people: People, fields: Json) -> Json:
    to = int(fields.get("to") or ANN)
    connection = str(fields["connection"])
    said = people.owner_says(
        str(fields["text"]), connection=connection, to=to, bot=fields.get("bot")
    )
    return {"message_id": said}


def _deletes(people: People, fields: Json) -> Json:
    people.client_deletes(
        *map(int, fields["message_ids"]),
        connection=str(fields["connection"]),
        chat_id=int(fields.get("to") or ANN),
        bot=fields.get("bot"),
    )
    return {}


def _allows(people: People, fields: Json) -> Json:
    given = {str(name): bool(value) for name, value in dict(fields["rights"]).items()}
    people.owner_changes_rights(str(fields["connection"]), bot=fields.get("bot"), **given)
    return {}


def _disconnects(people: People, fields: Json) -> Json:
    people.owner_disconnects(str(fields["connection"]), bot=fields.get("bot"))
    return {}


OWNER_ACTS: Mapping[str, Callable[[People, Json], Json]] = {
    "connects": connects,
    "says": _says,
    "deletes": _deletes,
    "allows": _allows,
    "disconnects": _disconnects,
}
