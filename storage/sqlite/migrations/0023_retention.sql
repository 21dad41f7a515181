-- What is old enough is found by an index, so that it can go in small steps.
ALTER TABLE deliveries ADD COLUMN known_at INTEGER NOT NULL DEFAULT 0; -- Unix milliseconds; 0: sent_at tells
UPDATE deliveries SET known_at = CAST(strftime('%s', 'now') AS INTEGER) * 1000 WHERE sent_at IS NULL;
CREATE INDEX deliveries_age ON deliveries (coalesce(sent_at, known_at));
CREATE INDEX messages_age ON messages (at);
CREATE INDEX buttons_age ON buttons (created_at);
