-- Questions whose buttons wait for an answer: what somebody wants to be painted, taken once.

CREATE TABLE proposals (
    -- AUTOINCREMENT: buttons carry the id, and none may ever mean something else.
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id   INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    user_id    INTEGER NOT NULL,
    -- JSON that storage never reads.
    wish       TEXT    NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'taken', 'declined')),
    asked_at   INTEGER NOT NULL,
    settled_at INTEGER,
    CHECK ((state = 'open') = (settled_at IS NULL))
) STRICT;

CREATE INDEX proposals_by_age ON proposals (asked_at);
