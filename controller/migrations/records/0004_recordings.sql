-- Recordings: what is known of them. Their media, and the keys to it, are the recorders'. A recording
-- outlives its meeting, until its own time is over.
CREATE TABLE recordings (
    id INTEGER PRIMARY KEY,
    room INTEGER NOT NULL,
    title TEXT NOT NULL,
    started_by TEXT NOT NULL,
    started_unix_ms INTEGER NOT NULL,
    -- NULL while it goes on.
    ended_unix_ms INTEGER,
    -- As its meeting wished; the operator's limit comes besides.
    expires_at_unix_ms INTEGER,
    -- Nobody sees it any more; it is there until its recorders have destroyed what they have.
    doomed INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX recordings_by_room ON recordings (room, started_unix_ms);
CREATE INDEX recordings_by_start ON recordings (started_unix_ms);
CREATE INDEX recordings_by_expiry ON recordings (expires_at_unix_ms);

-- What each recorder has of a recording, in the order in which they took it over.
CREATE TABLE recording_parts (
    recording INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    recorder TEXT NOT NULL,
    turn INTEGER NOT NULL,
    version INTEGER NOT NULL,
    -- As the recorder said it last, in MessagePack; NULL before it has said anything.
    status BLOB,
    PRIMARY KEY (recording, recorder)
) STRICT, WITHOUT ROWID;

CREATE INDEX recording_parts_by_recorder ON recording_parts (recorder);

CREATE TABLE shares (
    id INTEGER PRIMARY KEY,
    recording INTEGER NOT NULL REFERENCES recordings (id) ON DELETE CASCADE,
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    expires_at_unix_ms INTEGER NOT NULL,
    download INTEGER NOT NULL
) STRICT;

CREATE INDEX shares_by_recording ON shares (recording);
CREATE INDEX shares_by_expiry ON shares (expires_at_unix_ms);

ALTER TABLE meetings ADD COLUMN keep_recordings_days INTEGER;
