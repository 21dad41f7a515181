-- Conversations of which the database does not know what was delivered: it was put back from a copy.
CREATE TABLE doubts (
    conversation_id TEXT PRIMARY KEY,
    doubtful_until INTEGER NOT NULL      -- Unix milliseconds; what was written before it, and is unknown
) WITHOUT ROWID;
