-- How a meeting receives people. Of the PIN only a slow, salted hash is kept (Argon2id, PHC format).
ALTER TABLE meetings ADD COLUMN locked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meetings ADD COLUMN lobby INTEGER NOT NULL DEFAULT 0;
ALTER TABLE meetings ADD COLUMN pin_hash TEXT;

-- What was decided about people, where it differs from what their sessions say.
CREATE TABLE standings (
    room INTEGER NOT NULL REFERENCES meetings (room) ON DELETE CASCADE,
    identity TEXT NOT NULL,
    role TEXT CHECK (role IN ('viewer', 'presenter', 'owner')),
    out TEXT CHECK (out IN ('removed', 'refused', 'ended')),
    at_unix_ms INTEGER NOT NULL,
    PRIMARY KEY (room, identity)
) STRICT, WITHOUT ROWID;
