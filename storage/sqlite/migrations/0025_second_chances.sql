-- Which calls of an item Telegram found too long: each of them is several calls from then on.
ALTER TABLE inbox ADD COLUMN cuts TEXT NOT NULL DEFAULT '[]'; -- their numbers, as JSON, in the order of cutting
ALTER TABLE outbox ADD COLUMN cuts TEXT NOT NULL DEFAULT '[]';

-- An item that an operator tried again is tried in earnest, and its success is told after an error.
ALTER TABLE inbox ADD COLUMN is_retried INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN is_retried INTEGER NOT NULL DEFAULT 0;

-- When it was last learned whether the client lets the bot write; by our clock.
ALTER TABLE conversations ADD COLUMN reachability_at INTEGER;
