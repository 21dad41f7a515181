-- What `trace` says of an imported message. Empty for those that were imported before.
ALTER TABLE imported ADD COLUMN kommo_message_id TEXT;
ALTER TABLE imported ADD COLUMN imported_at INTEGER;      -- Unix milliseconds: Kommo was about to be told
ALTER TABLE imported ADD COLUMN ended_at INTEGER;         -- Unix milliseconds: sent or refused
CREATE INDEX imported_kommo_message ON imported (kommo_message_id)
    WHERE kommo_message_id IS NOT NULL;
