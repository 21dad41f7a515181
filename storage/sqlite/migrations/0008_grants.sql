-- Access to Kommo's REST API that an administrator granted, one row for each integration.
CREATE TABLE grants (
    client_id TEXT PRIMARY KEY,
    account_url TEXT NOT NULL,           -- where the tokens were made, and are good
    access_token TEXT NOT NULL,
    refresh_token TEXT NOT NULL,         -- good for one renewal
    expires_at INTEGER NOT NULL,         -- of the access token
    granted_at INTEGER NOT NULL,
    problem TEXT,                        -- why Kommo does not renew it; NULL: it does
    renewing_by TEXT,                    -- whoever renews it at the moment ...
    renewing_until INTEGER               -- ... and when others need not wait any more
);

-- Links to the consent that were used up; until they would have expired anyway.
CREATE TABLE used_consents (
    state TEXT PRIMARY KEY,
    expires_at INTEGER NOT NULL
);
