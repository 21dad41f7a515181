-- Kommo's chats of a conversation. Several may lead to one Telegram chat: the plain one, which Kommo
-- made of the client's messages, and each that a manager started, to a phone number.
CREATE TABLE conversation_chats (
    kommo_chat_id TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    kommo_user_id TEXT,                  -- the client as Kommo calls them in that chat
    alias TEXT,                          -- the id by which Kommo knows it as ours; NULL: told none yet
    state TEXT NOT NULL CHECK (state IN ('plain', 'open', 'bound', 'refused')),
    number INTEGER NOT NULL,             -- 0: plain; those that were started count from 1
    known_at INTEGER NOT NULL            -- Unix milliseconds
);
CREATE INDEX conversation_chats_conversation ON conversation_chats (conversation_id, number);
CREATE INDEX conversation_chats_alias ON conversation_chats (alias) WHERE alias IS NOT NULL;

INSERT INTO conversation_chats
SELECT kommo_chat_id, conversation_id, kommo_user_id, name, state, number, opened_at FROM openings;

-- of two conversations that were told the same chat, the younger one has it
INSERT INTO conversation_chats
SELECT kommo_chat_id, conversation_id, kommo_user_id, conversation_id, 'plain', 0, created_at
FROM conversations WHERE kommo_chat_id IS NOT NULL
ORDER BY created_at DESC ON CONFLICT (kommo_chat_id) DO NOTHING;

DROP TABLE openings;
DROP INDEX conversations_kommo_chat;
ALTER TABLE conversations DROP COLUMN kommo_chat_id;
ALTER TABLE conversations DROP COLUMN kommo_user_id;

-- The items of one key stand by the moment at which they were written, then by id.
ALTER TABLE inbox ADD COLUMN ordered_at INTEGER NOT NULL DEFAULT 0; -- Unix milliseconds; of what has no moment, that of the item before it
ALTER TABLE outbox ADD COLUMN ordered_at INTEGER NOT NULL DEFAULT 0;
DROP INDEX inbox_order;
DROP INDEX outbox_order;
CREATE INDEX inbox_order ON inbox (ordering_key, ordered_at, id) WHERE state = 'pending';
CREATE INDEX outbox_order ON outbox (ordering_key, ordered_at, id) WHERE state = 'pending';

-- What waits in a chat that a manager started stands in its conversation's order, once that is known.
UPDATE inbox SET (ordering_key, conversation_id) = (
    SELECT conversation_id, conversation_id FROM conversation_chats
    WHERE kommo_chat_id = substr(inbox.ordering_key, 9)
)
WHERE state <> 'done' AND ordering_key LIKE 'opening:%'
AND substr(ordering_key, 9) IN (SELECT kommo_chat_id FROM conversation_chats);
UPDATE inbox SET ordering_key = 'started:' || substr(ordering_key, 9)
WHERE state <> 'done' AND ordering_key LIKE 'opening:%';
