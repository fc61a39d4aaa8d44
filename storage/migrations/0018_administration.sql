-- What admins and moderators changed on their server, where it is also posted, and servers on which
-- nothing is painted for now.

CREATE TABLE audit_log (
    -- Never that of another entry again: it says how far a channel has been told.
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id  INTEGER NOT NULL,
    -- 0: somebody who was erased.
    actor_id  INTEGER NOT NULL,
    -- The command, such as 'admin quota set', or what a button did, such as 'report dismiss'.
    action    TEXT    NOT NULL CHECK (action <> ''),
    -- The member that it is about; NULL: nobody, or somebody who was erased.
    target_id INTEGER,
    -- A JSON object: what was chosen, by the names of the command's options.
    data      TEXT    NOT NULL CHECK (json_valid(data)),
    done_at   INTEGER NOT NULL
) STRICT;

CREATE INDEX audit_log_of_server ON audit_log (guild_id, id);
CREATE INDEX audit_log_by_age ON audit_log (done_at);

-- Channels in which the entries of a server are posted.
CREATE TABLE audit_channels (
    guild_id   INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL,
    -- Entries up to this one are posted, or are older than the choice of the channel.
    posted_id  INTEGER NOT NULL,
    -- Entries up to this one are in the message that is being posted.
    sending_id INTEGER NOT NULL CHECK (sending_id >= posted_id),
    -- The server's language, as Discord said it.
    locale     TEXT    NOT NULL,
    -- Why the newest message could not be posted; NULL: it was.
    problem    TEXT,
    set_by     INTEGER NOT NULL,
    set_at     INTEGER NOT NULL
) STRICT;

CREATE TABLE server_pauses (
    guild_id  INTEGER PRIMARY KEY,
    reason    TEXT,
    paused_by INTEGER NOT NULL,
    paused_at INTEGER NOT NULL
) STRICT;
