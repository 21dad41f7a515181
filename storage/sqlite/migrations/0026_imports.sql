-- Old messages that were brought along from elsewhere. A row is written before Kommo is told of a
-- message, so that no repetition doubles it and nothing that comes back is taken for an answer.
CREATE TABLE imported (
    external_id TEXT PRIMARY KEY,        -- our id in Kommo
    conversation_id TEXT NOT NULL,
    msec INTEGER NOT NULL,               -- Unix milliseconds, as Kommo was told them
    is_outgoing INTEGER NOT NULL,        -- 1: written on the company's side
    state TEXT NOT NULL CHECK (state IN ('planned', 'sent', 'refused'))
) WITHOUT ROWID;
CREATE INDEX imported_moment ON imported (conversation_id, msec);

-- Where the files of imported messages lie.
CREATE TABLE exports (
    id TEXT PRIMARY KEY,                 -- media links name it
    folder TEXT NOT NULL
) WITHOUT ROWID;
