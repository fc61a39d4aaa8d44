-- What the bot's owners decided about painting as a whole; without a row, everything is as usual.
CREATE TABLE painting_control (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    -- 0: accepted requests wait.
    painting   INTEGER NOT NULL CHECK (painting IN (0, 1)),
    -- 0: no request is accepted.
    accepting  INTEGER NOT NULL CHECK (accepting IN (0, 1)),
    -- Whether the owners know that everything which waited then is painted.
    told       INTEGER NOT NULL CHECK (told IN (0, 1)),
    -- When painting went on after the last pause; NULL: there was none.
    resumed_at INTEGER,
    set_by     INTEGER NOT NULL,
    set_at     INTEGER NOT NULL
) STRICT;

-- Where the owners' announcements are posted; a server without a row gets none.
CREATE TABLE announcement_channels (
    guild_id   INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL,
    set_by     INTEGER NOT NULL,
    set_at     INTEGER NOT NULL
) STRICT;

-- Announcements that are being posted.
CREATE TABLE announcements (
    id         INTEGER PRIMARY KEY,
    text       TEXT    NOT NULL CHECK (text <> ''),
    sent_by    INTEGER NOT NULL,
    begun_at   INTEGER NOT NULL
) STRICT;

CREATE TABLE announcement_posts (
    announcement_id INTEGER NOT NULL REFERENCES announcements (id),
    guild_id        INTEGER NOT NULL,
    channel_id      INTEGER NOT NULL,
    -- Attempted: begun, and not known to have arrived; it is never posted again.
    state           TEXT    NOT NULL
                    CHECK (state IN ('waiting', 'attempted', 'posted', 'refused')),
    PRIMARY KEY (announcement_id, guild_id)
) STRICT, WITHOUT ROWID;
