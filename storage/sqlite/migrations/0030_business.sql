-- Business accounts that a bot answers for: each connection that was ever made, and what it allows.
-- A new connection of the same account takes the place of the last one; the chats stay the same.
CREATE TABLE business_connections (
    connection_id TEXT PRIMARY KEY,      -- Telegram's; a new one after each reconnection
    bot_id INTEGER NOT NULL,
    business_user_id INTEGER NOT NULL,   -- the account's owner
    name TEXT NOT NULL,
    is_enabled INTEGER NOT NULL,         -- 0: the owner ended it
    can_reply INTEGER NOT NULL,
    can_read INTEGER NOT NULL,
    connected_at INTEGER NOT NULL,       -- Telegram's moment of the connection, Unix milliseconds
    known_at INTEGER NOT NULL            -- when this was last learned
);
CREATE INDEX business_connections_account ON business_connections (bot_id, business_user_id);

-- Messages that were deleted in the chats of business accounts.
CREATE TABLE business_deletions (
    bot_id INTEGER NOT NULL,
    business_user_id INTEGER NOT NULL,
    chat_id INTEGER NOT NULL,
    telegram_message_id INTEGER NOT NULL,
    conversation_id TEXT NOT NULL,
    at INTEGER NOT NULL,                 -- when that was learned, Unix milliseconds
    PRIMARY KEY (bot_id, business_user_id, chat_id, telegram_message_id)
);
CREATE INDEX business_deletions_conversation ON business_deletions (conversation_id);
CREATE INDEX business_deletions_at ON business_deletions (at);
