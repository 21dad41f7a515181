-- The last press under each message, so that the same one, sent twice by the app, is said once.
CREATE TABLE presses (
    conversation_id TEXT NOT NULL,
    message_id INTEGER NOT NULL,         -- Telegram's, in the conversation's chat; 0: not told
    fingerprint TEXT NOT NULL,           -- what was pressed, under which keyboard
    pressed_at INTEGER NOT NULL,         -- Unix milliseconds
    PRIMARY KEY (conversation_id, message_id)
) WITHOUT ROWID;
CREATE INDEX presses_age ON presses (pressed_at);
