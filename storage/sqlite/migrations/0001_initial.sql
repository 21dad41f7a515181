-- The two queues (each index serves its own questions and no other; a plain one on state would be
-- preferred to all of them, and read the whole queue), what is known of each conversation, and which message is which on the other side.

-- inbox: events of Kommo that wait to go to Telegram.
CREATE TABLE inbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dedupe_key TEXT NOT NULL UNIQUE,     -- the same thing a second time changes nothing
    ordering_key TEXT NOT NULL,          -- items of one key are delivered in the order of their ids
    conversation_id TEXT,                -- whose item it is; NULL: nobody's in particular
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,               -- JSON
    state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'dead')),
    created_at INTEGER NOT NULL,         -- all moments: Unix milliseconds
    due_at INTEGER,                      -- NULL: waits behind an earlier item, or an attempt is under way
    expires_at INTEGER NOT NULL,         -- a failure after this moment is the last one
    started_at INTEGER,                  -- an attempt is under way, or was when the process died
    attempts INTEGER NOT NULL DEFAULT 0,
    progress INTEGER NOT NULL DEFAULT 0, -- calls that were made of a delivery that needs several
    is_uncertain INTEGER NOT NULL DEFAULT 0, -- 1: an earlier attempt may have been carried out
    reason TEXT,                         -- why the last attempt failed, or why the item is dead
    finished_at INTEGER,                 -- when it became done or dead
    CHECK (state = 'pending' OR (due_at IS NULL AND started_at IS NULL))
);
CREATE INDEX inbox_due ON inbox (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX inbox_order ON inbox (ordering_key, id) WHERE state = 'pending';
CREATE INDEX inbox_under_way ON inbox (ordering_key) WHERE started_at IS NOT NULL;
CREATE INDEX inbox_open ON inbox (state, id) WHERE state <> 'done';
CREATE INDEX inbox_finished ON inbox (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX inbox_conversation ON inbox (conversation_id) WHERE conversation_id IS NOT NULL;

-- outbox: calls that wait to go to Kommo.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dedupe_key TEXT NOT NULL UNIQUE,     -- the same thing a second time changes nothing
    ordering_key TEXT NOT NULL,          -- items of one key are delivered in the order of their ids
    conversation_id TEXT,                -- whose item it is; NULL: nobody's in particular
    kind TEXT NOT NULL,
    payload TEXT NOT NULL,               -- JSON
    state TEXT NOT NULL CHECK (state IN ('pending', 'done', 'dead')),
    created_at INTEGER NOT NULL,         -- all moments: Unix milliseconds
    due_at INTEGER,                      -- NULL: waits behind an earlier item, or an attempt is under way
    expires_at INTEGER NOT NULL,         -- a failure after this moment is the last one
    started_at INTEGER,                  -- an attempt is under way, or was when the process died
    attempts INTEGER NOT NULL DEFAULT 0,
    progress INTEGER NOT NULL DEFAULT 0, -- calls that were made of a delivery that needs several
    is_uncertain INTEGER NOT NULL DEFAULT 0, -- 1: an earlier attempt may have been carried out
    reason TEXT,                         -- why the last attempt failed, or why the item is dead
    finished_at INTEGER,                 -- when it became done or dead
    CHECK (state = 'pending' OR (due_at IS NULL AND started_at IS NULL))
);
CREATE INDEX outbox_due ON outbox (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX outbox_order ON outbox (ordering_key, id) WHERE state = 'pending';
CREATE INDEX outbox_under_way ON outbox (ordering_key) WHERE started_at IS NOT NULL;
CREATE INDEX outbox_open ON outbox (state, id) WHERE state <> 'done';
CREATE INDEX outbox_finished ON outbox (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX outbox_conversation ON outbox (conversation_id) WHERE conversation_id IS NOT NULL;

-- A Telegram chat and its Kommo counterpart.
CREATE TABLE conversations (
    conversation_id TEXT PRIMARY KEY,
    bot_id INTEGER NOT NULL,
    business_user_id INTEGER NOT NULL DEFAULT 0, -- 0: the bot's own chat
    chat_id INTEGER NOT NULL,
    kommo_chat_id TEXT,
    kommo_user_id TEXT,                  -- Kommo's id of the client
    name TEXT NOT NULL,
    username TEXT,
    phone TEXT,
    source_id TEXT,
    is_reachable INTEGER NOT NULL DEFAULT 1, -- 0: the client blocked the bot
    created_at INTEGER NOT NULL,
    last_incoming_at INTEGER,
    last_outgoing_at INTEGER,
    last_msec INTEGER NOT NULL DEFAULT 0, -- the newest msec_timestamp used: Kommo orders by it
    UNIQUE (bot_id, business_user_id, chat_id)
);
CREATE INDEX conversations_kommo_chat ON conversations (kommo_chat_id)
    WHERE kommo_chat_id IS NOT NULL;
CREATE INDEX conversations_phone ON conversations (phone) WHERE phone IS NOT NULL;

-- One row for each Telegram message that crossed the bridge, or for each part that it became in Kommo.
CREATE TABLE messages (
    bot_id INTEGER NOT NULL,
    business_user_id INTEGER NOT NULL DEFAULT 0,
    chat_id INTEGER NOT NULL,
    telegram_message_id INTEGER NOT NULL,
    conversation_id TEXT NOT NULL,
    direction TEXT NOT NULL,             -- incoming, outgoing
    external_id TEXT,                    -- our id in Kommo; of incoming messages
    kommo_message_id TEXT,
    part INTEGER NOT NULL DEFAULT 1,     -- incoming: which message in Kommo; outgoing: which call
    content_hash TEXT,                   -- tells an edit from an update that changes nothing
    at INTEGER NOT NULL,
    PRIMARY KEY (bot_id, chat_id, telegram_message_id, business_user_id, part)
);
CREATE INDEX messages_external ON messages (external_id) WHERE external_id IS NOT NULL;
CREATE INDEX messages_kommo ON messages (kommo_message_id, part) WHERE kommo_message_id IS NOT NULL;
CREATE INDEX messages_conversation ON messages (conversation_id);

-- How far each message of a manager got.
CREATE TABLE deliveries (
    kommo_message_id TEXT PRIMARY KEY,
    conversation_id TEXT,
    status INTEGER,                      -- NULL none yet, 1 delivered, 2 read, -1 error
    sent_at INTEGER                      -- Telegram's time of its last part
);
CREATE INDEX deliveries_conversation ON deliveries (conversation_id);
CREATE INDEX deliveries_unread ON deliveries (conversation_id, sent_at) WHERE status = 1;

-- Small facts that must survive a restart.
CREATE TABLE notes (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
