-- Chats that were forgotten, so that the media links of their files are dead; no chat is named.
CREATE TABLE forgotten (
    tag TEXT PRIMARY KEY,                -- a keyed hash of bot and chat
    links_end_at INTEGER NOT NULL        -- Unix milliseconds: links that end until then are dead
);
