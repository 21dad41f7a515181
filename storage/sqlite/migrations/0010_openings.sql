-- Conversations that a manager began, to a phone number: Kommo made a chat of its own for each, and
-- the client's first answer ties it to ours.
CREATE TABLE openings (
    kommo_chat_id TEXT PRIMARY KEY,
    conversation_id TEXT NOT NULL,
    kommo_user_id TEXT,                  -- the client as Kommo calls them in that chat
    number INTEGER NOT NULL,             -- counts those of one conversation, from 1
    name TEXT,                           -- what Kommo was told that we call it; NULL: nothing yet
    state TEXT NOT NULL CHECK (state IN ('open', 'bound', 'refused')),
    opened_at INTEGER NOT NULL           -- Unix milliseconds
);
CREATE INDEX openings_conversation ON openings (conversation_id, number);
