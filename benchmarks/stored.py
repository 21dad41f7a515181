"""A database of a bridge that has been busy for years, made by SQL."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from benchmarks.world import BOT_ID, FIRST_CHAT

CONVERSATIONS, MESSAGES = 100_000, 1_000_000

NUMBERS = "WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :count) "

CONVERSATION = f"""
{NUMBERS}
INSERT OR IGNORE INTO conversations
    (conversation_id, bot_id, chat_id, name, created_at, last_incoming_at)
SELECT printf('tg:{BOT_ID}:%d', i + {FIRST_CHAT}), {BOT_ID}, i + {FIRST_CHAT},
    'Client', :at, :at FROM n
"""
MESSAGE = f"""
{NUMBERS}
INSERT INTO messages (bot_id, chat_id, telegram_message_id, conversation_id, direction,
    external_id, kommo_message_id, at)
SELECT {BOT_ID}, i % :chats + {FIRST_CHAT}, i + 1000000000,
    printf('tg:{BOT_ID}:%d', i % :chats + {FIRST_CHAT}), 'incoming',
    printf('tg:{BOT_ID}:%d:%d', i % :chats + {FIRST_CHAT}, i + 1000000000),
    printf('00000000-0000-4000-9000-%012d', i), :at + i FROM n
"""
ITEM = f"""
{NUMBERS}
INSERT INTO outbox (dedupe_key, ordering_key, conversation_id, kind, payload, state, created_at,
    expires_at, attempts, finished_at)
SELECT printf('tg:{BOT_ID}:%d:%d', i % :chats + {FIRST_CHAT}, i + 1000000000),
    printf('tg:{BOT_ID}:%d', i % :chats + {FIRST_CHAT}),
    printf('tg:{BOT_ID}:%d', i % :chats + {FIRST_CHAT}), 'new_message',
    printf('%0400d', i), 'done', :at + i, :at + i, 1, :at + i FROM n
"""


def fill(path: Path, messages: int, conversations: int) -> None:
    """Store messages that crossed the bridge lately, with their items in the outbox."""
    parameters = {
        "at": int(time.time() * 1000) - 86_400_000,
        "chats": conversations,
    }
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA synchronous = OFF")
        raw.execute("PRAGMA cache_size = -400000")
        raw.execute("BEGIN")
        raw.execute(CONVERSATION, {**parameters, "count": conversations})
        raw.execute(MESSAGE, {**parameters, "count": messages})
        raw.execute(ITEM, {**parameters, "count": messages})
        raw.execute("COMMIT")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
