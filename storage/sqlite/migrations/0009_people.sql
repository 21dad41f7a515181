-- Who a client is in Kommo, and the links that say so beforehand.

ALTER TABLE conversations ADD COLUMN contact_id INTEGER; -- the contact it was linked to by the bridge
CREATE INDEX conversations_person ON conversations (chat_id) WHERE phone IS NOT NULL;

CREATE TABLE invitations (
    payload TEXT PRIMARY KEY,            -- what the deep link carries
    contact_id INTEGER NOT NULL,         -- Kommo's
    is_single INTEGER NOT NULL,          -- 1: for the first person who opens it, and no other
    created_at INTEGER NOT NULL,         -- Unix milliseconds
    expires_at INTEGER NOT NULL
);
CREATE INDEX invitations_expires ON invitations (expires_at);

-- Who opened an invitation.
CREATE TABLE invitation_uses (
    payload TEXT NOT NULL,
    conversation_id TEXT NOT NULL,
    used_at INTEGER NOT NULL,
    PRIMARY KEY (payload, conversation_id)
);
CREATE INDEX invitation_uses_conversation ON invitation_uses (conversation_id);
