-- Clients whose messages are not shown in Kommo: whatever bot they write to.
CREATE TABLE blocks (
    chat_id INTEGER PRIMARY KEY,         -- of the client's private chat: the client's own id
    reason TEXT,                         -- an operator's words
    is_both INTEGER NOT NULL,            -- 1: managers' answers do not go out either
    blocked_at INTEGER NOT NULL          -- Unix milliseconds
);
