"""Exports of Telegram Desktop as it writes them, made for tests."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ANN, OWNER, BEN = 555, 900, 556
BEGAN_S = 1_700_000_000

CHANNEL_BOT = "44444444-5555-4666-8777-888888888888"
"""Of the sandbox's Kommo."""

Json = dict[str, Any]


def message(number: int, text: str = "", *, by: int | None = ANN, **fields: Any) -> Json:
    """Return a message; each is ten seconds later than the one before."""
    at_s = fields.pop("at_s", BEGAN_S + 10 * number)
    names = {ANN: "Ann", OWNER: "Owner", BEN: "Ben"}
    author = {} if by is None else {"from": names.get(by, f"User {by}"), "from_id": f"user{by}"}
    return {
        "id": number,
        "type": "message",
        "date": datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%dT%H:%M:%S"),
        "date_unixtime": str(at_s),
        **author,
        "text": text,
        "text_entities": [{"type": "plain", "text": text}] if text else [],
        **fields,
    }


def chat(
    *messages: Json, peer: int = ANN, name: str | None = "Ann", kind: str = "personal_chat"
) -> Json:
    """Return an export of one chat."""
    return {"name": name, "type": kind, "id": peer, "messages": list(messages)}


def account(*chats: Json, owner: int = OWNER) -> Json:
    """Return an export of a whole account."""
    return {
        "about": "Here is the data you requested.",
        "personal_information": {"user_id": owner, "first_name": "Owner", "last_name": ""},
        "chats": {"about": "This page lists all chats.", "list": list(chats)},
        "left_chats": {"about": "Left chats.", "list": []},
    }


def naming_bot(config: Path) -> Path:
    """Let settings name the channel's bot."""
    text = config.read_text("utf-8")
    named = text.replace("[kommo]", f'[kommo]\nchannel_bot_id = "{CHANNEL_BOT}"')
    config.write_text(named, "utf-8")
    return config


def talk(count: int, *, peer: int = ANN, name: str = "Ann") -> Json:
    """Return a chat in which client and company write in turn."""
    return chat(
        *(
            message(number, f"{name} {number}", by=OWNER if number % 2 else peer)
            for number in range(count)
        ),
        peer=peer,
        name=name,
    )


def written(folder: Path, export: Json, **files: bytes) -> Path:
    """Write an export with its files into a folder; a file's name has / as __ and . as _dot_."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(export, ensure_ascii=False, indent=1)
    (folder / "result.json").write_text(text, encoding="utf-8")
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder
