-- The profile pictures of clients, so that Telegram is not asked for them with every message.
CREATE TABLE avatars (
    conversation_id TEXT PRIMARY KEY,
    file_id TEXT,                        -- Telegram's, for the conversation's bot; NULL: no picture
    checked_at INTEGER NOT NULL          -- Unix milliseconds
);
