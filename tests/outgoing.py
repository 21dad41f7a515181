"""Managers' messages as Kommo's webhooks tell them, and as items that wait for Telegram."""

import json
from datetime import UTC, datetime, timedelta

from storage.queue.producer import Draft

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
ANN = "tg:700001:555"
BOT_ID = 700001


def says(text="hello", *, conversation=None, receiver=None, number=1, **content):
    """Return the body of a webhook in which a manager writes to a client."""
    return json.dumps(
        {
            "account_id": "a",
            "message": {
                "receiver": receiver or {"id": "r"},
                "sender": {"id": "s"},
                "conversation": conversation or {"id": "kommo-chat", "client_id": ANN},
                "msec_timestamp": int(NOON.timestamp() * 1000),
                "message": {"id": f"m{number}", "type": "text", "text": text, **content},
            },
        }
    )


def reacts(emoji, *, to):
    """Return the body of a webhook in which a manager reacts to a message of Kommo's id."""
    reaction = {"message": {"id": to}, "type": "react", "emoji": emoji, "user": {"id": "s"}}
    conversation = {"id": "kommo-chat", "client_id": ANN}
    return json.dumps({"action": {"reaction": {**reaction, "conversation": conversation}}})


async def claim(database, payload, *, conversation_id=ANN, kind="manager_message", number=1):
    """Put an item into the queue; return it as it is in flight."""
    async with database.transaction() as tx:
        await tx.to_telegram.add(
            Draft(
                dedupe_key=f"message:m{number}",
                ordering_key=conversation_id or f"message:m{number}",
                conversation_id=conversation_id,
                kind=kind,
                payload=payload,
            ),
            now=NOON,
            expires_at=NOON + timedelta(hours=1),
        )
        return (await tx.to_telegram.take(now=NOON, limit=1))[0]
