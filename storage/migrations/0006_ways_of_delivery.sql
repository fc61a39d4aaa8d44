-- How a person wants their pictures, as it held when they asked; and threads as a place for them.

ALTER TABLE jobs ADD COLUMN delivery TEXT NOT NULL DEFAULT 'channel'
    CHECK (delivery IN ('channel', 'thread', 'direct'));
ALTER TABLE jobs ADD COLUMN spoiler INTEGER NOT NULL DEFAULT 0 CHECK (spoiler IN (0, 1));
ALTER TABLE jobs ADD COLUMN quiet   INTEGER NOT NULL DEFAULT 0 CHECK (quiet IN (0, 1));

-- SQLite cannot change a CHECK: the table is written anew.
CREATE TABLE deliveries_3 (
    job_id             INTEGER PRIMARY KEY REFERENCES jobs (id),
    state              TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'kept', 'dropped')),
    channel_id         INTEGER NOT NULL,
    message_id         INTEGER,
    -- edit: of the status message. post: a new message in the channel. thread: a new message in
    -- its person's thread. reply: through the interaction's token, for what only its person may
    -- see. direct: a direct message.
    road               TEXT    CHECK (road IN ('edit', 'post', 'thread', 'reply', 'direct')),
    -- Which thread, once it is known: only then can anything have been sent there.
    thread_id          INTEGER,
    -- Discord refuses a second message with the same nonce; it takes 25 characters at most.
    nonce              TEXT    NOT NULL UNIQUE CHECK (length(nonce) BETWEEN 1 AND 25),
    -- Finds the message that answered the command. Worth something for minutes only, and gone as
    -- soon as it is not needed.
    reply_token        TEXT,
    -- The largest file that Discord takes there, as it said with the command.
    upload_limit_bytes INTEGER CHECK (upload_limit_bytes > 0),
    -- The first try on this road since it was last known that no earlier one had arrived.
    attempted_at       INTEGER,
    -- Why the way that its person wanted was closed, where it was.
    detour             TEXT,
    settled_at         INTEGER,
    result_message_id  INTEGER,
    detail             TEXT,
    CHECK ((settled_at IS NULL) = (state = 'pending')),
    CHECK (attempted_at IS NULL OR road IS NOT NULL),
    CHECK (thread_id IS NULL OR road IS 'thread')
) STRICT;
INSERT INTO deliveries_3 (job_id, state, channel_id, message_id, road, nonce, reply_token,
                          upload_limit_bytes, attempted_at, settled_at, result_message_id, detail)
    SELECT job_id, state, channel_id, message_id, road, nonce, reply_token,
           upload_limit_bytes, attempted_at, settled_at, result_message_id, detail FROM deliveries;
DROP TABLE deliveries;
ALTER TABLE deliveries_3 RENAME TO deliveries;
CREATE INDEX deliveries_pending ON deliveries (job_id) WHERE state = 'pending';
-- What /history says of its pictures that no message shows.
CREATE INDEX deliveries_kept ON deliveries (job_id) WHERE state = 'kept';

-- People may choose every way of delivery, and hide their pictures behind a spoiler; what of it
-- holds where moderators chose something else is not the database's to say.
CREATE TABLE user_settings_2 (
    guild_id INTEGER NOT NULL,
    user_id  INTEGER NOT NULL,
    delivery TEXT    CHECK (delivery IN ('channel', 'thread', 'direct')),
    spoiler  INTEGER CHECK (spoiler IN (0, 1)),
    quiet    INTEGER CHECK (quiet IN (0, 1)),
    set_by   INTEGER NOT NULL,
    set_at   INTEGER NOT NULL,
    PRIMARY KEY (guild_id, user_id)
) STRICT, WITHOUT ROWID;
INSERT INTO user_settings_2 (guild_id, user_id, delivery, quiet, set_by, set_at)
    SELECT guild_id, user_id, delivery, quiet, set_by, set_at FROM user_settings;
DROP TABLE user_settings;
ALTER TABLE user_settings_2 RENAME TO user_settings;
