-- Attempts that did not deliver their item. The last one of an item that is done has no row: the
-- item itself says when it ended, and by which attempt.
CREATE TABLE attempts (
    queue TEXT NOT NULL,                 -- inbox, outbox
    item_id INTEGER NOT NULL,
    number INTEGER NOT NULL,             -- which attempt of the item, from 1
    began_at INTEGER NOT NULL,           -- Unix milliseconds
    took_ms INTEGER,                     -- NULL: it was interrupted
    outcome TEXT NOT NULL,               -- retry_later, undeliverable, interrupted
    reason TEXT NOT NULL,
    is_uncertain INTEGER NOT NULL DEFAULT 0 -- 1: it may have been carried out all the same
);
CREATE INDEX attempts_item ON attempts (queue, item_id);
