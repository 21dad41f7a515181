-- Inline buttons that stand under a manager's message in Telegram. A press names one by its id, as
-- Telegram lets a button carry no more than 64 bytes; it may come weeks later, so rows stay.
CREATE TABLE buttons (
    id TEXT PRIMARY KEY,                 -- the press says b:<id>
    conversation_id TEXT NOT NULL,
    text TEXT NOT NULL,                  -- what a press says in the client's name
    callback_data TEXT,                  -- of a list message's row: the answer repeats it
    created_at INTEGER NOT NULL          -- Unix milliseconds
);
CREATE INDEX buttons_conversation ON buttons (conversation_id);
