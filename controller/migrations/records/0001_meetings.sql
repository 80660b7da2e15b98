-- Ids are 64 random bits, kept as signed numbers. Times are milliseconds since 1970.
-- Of secrets only the SHA-256 is kept: whoever reads this file cannot use a link.
CREATE TABLE meetings (
    room INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    created_at_unix_ms INTEGER NOT NULL,
    expires_at_unix_ms INTEGER NOT NULL,
    owner_key_hash BLOB NOT NULL CHECK (length(owner_key_hash) = 32)
) STRICT;

CREATE INDEX meetings_by_expiry ON meetings (expires_at_unix_ms);

CREATE TABLE links (
    id INTEGER PRIMARY KEY,
    room INTEGER NOT NULL REFERENCES meetings (room) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'presenter', 'owner')),
    expires_at_unix_ms INTEGER NOT NULL,
    revoked_at_unix_ms INTEGER,
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32)
) STRICT;

CREATE INDEX links_by_room ON links (room);
