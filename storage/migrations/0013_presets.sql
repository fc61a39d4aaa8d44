-- Settings of requests that members keep by name, and what is used where a request leaves a setting
-- open.
CREATE TABLE presets (
    id         INTEGER PRIMARY KEY,
    user_id    INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    -- The name as it is looked up: without regard to case and width.
    lookup     TEXT    NOT NULL,
    -- With it anybody can copy the preset.
    code       TEXT    NOT NULL UNIQUE,
    -- Words and flags as a prompt has them.
    line       TEXT    NOT NULL CHECK (line <> ''),
    saved_at   INTEGER NOT NULL,
    UNIQUE (user_id, lookup)
) STRICT;

CREATE TABLE request_defaults (
    guild_id   INTEGER NOT NULL,
    -- 0: on the whole server.
    channel_id INTEGER NOT NULL,
    -- 0: for everybody. A member's own hold on the whole server.
    user_id    INTEGER NOT NULL,
    line       TEXT    NOT NULL CHECK (line <> ''),
    set_by     INTEGER NOT NULL,
    set_at     INTEGER NOT NULL,
    PRIMARY KEY (guild_id, channel_id, user_id),
    CHECK (channel_id = 0 OR user_id = 0)
) STRICT, WITHOUT ROWID;
