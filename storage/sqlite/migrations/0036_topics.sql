-- Topics of private chats. Most chats have none, and no row here.
CREATE TABLE topics (
    conversation_id TEXT PRIMARY KEY,
    thread_id INTEGER                    -- where the client wrote last; NULL: in no topic
) WITHOUT ROWID;

-- In which topic a message stands; of a message in none there is no row.
CREATE TABLE topic_messages (
    conversation_id TEXT NOT NULL,
    telegram_message_id INTEGER NOT NULL,
    thread_id INTEGER NOT NULL,
    known_at INTEGER NOT NULL,           -- Unix milliseconds
    PRIMARY KEY (conversation_id, telegram_message_id)
);
CREATE INDEX topic_messages_age ON topic_messages (known_at);
