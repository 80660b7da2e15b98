-- One row: the revision of the latest change, the oldest one that can be watched from, and the
-- number of the latest lease.
CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    revision INTEGER NOT NULL,
    oldest INTEGER NOT NULL,
    lease INTEGER NOT NULL
) STRICT;

CREATE TABLE leases (
    id INTEGER PRIMARY KEY,
    ttl_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE keys (
    key BLOB PRIMARY KEY,
    value BLOB NOT NULL,
    create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL,
    lease INTEGER REFERENCES leases (id)
) STRICT, WITHOUT ROWID;

CREATE INDEX keys_by_lease ON keys (lease) WHERE lease IS NOT NULL;

-- Changes in their order; a deletion has no value.
CREATE TABLE log (
    revision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    key BLOB NOT NULL,
    value BLOB,
    create_revision INTEGER NOT NULL,
    lease INTEGER,
    PRIMARY KEY (revision, position)
) STRICT, WITHOUT ROWID;
