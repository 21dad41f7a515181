-- Clients who wrote more than is shown: the notice that says so, while it can still be changed.
CREATE TABLE floods (
    conversation_id TEXT PRIMARY KEY,
    notice_key TEXT NOT NULL,            -- the dedupe key of the notice's item
    held INTEGER NOT NULL                -- so many messages it speaks of
) WITHOUT ROWID;
