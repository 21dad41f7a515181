-- An item that is dropped while an attempt of it is under way ends with that attempt.
ALTER TABLE inbox ADD COLUMN is_dropped INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN is_dropped INTEGER NOT NULL DEFAULT 0;
