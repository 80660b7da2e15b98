-- What was done, by whom, to what. Appended to, never changed; it outlives the meeting.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_unix_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,
    room INTEGER,
    actor TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE INDEX audit_by_room ON audit (room, id);
CREATE INDEX audit_by_time ON audit (at_unix_ms);

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is never changed');
END;

-- Entries may go when they are 400 days old, and not before.
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
WHEN old.at_unix_ms > (CAST(strftime('%s', 'now') AS INTEGER) - 400 * 86400) * 1000
BEGIN
    SELECT RAISE(ABORT, 'the audit log is kept for 400 days');
END;
