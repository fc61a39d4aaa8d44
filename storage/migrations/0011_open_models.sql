-- Which models admins have opened on their server, or in one of its channels, which then decides.
-- Without a row, all that the owner of the bot offers are open.
CREATE TABLE open_models (
    guild_id   INTEGER NOT NULL,
    -- 0: the whole server.
    channel_id INTEGER NOT NULL,
    -- A JSON list of names; an empty one opens none.
    names      TEXT    NOT NULL CHECK (json_valid(names)),
    set_by     INTEGER NOT NULL,
    set_at     INTEGER NOT NULL,
    PRIMARY KEY (guild_id, channel_id)
) STRICT, WITHOUT ROWID;
