-- Pictures that gathered enough stars are shown once more, in a channel that admins choose.

-- A server without a row shows none.
CREATE TABLE star_channels (
    guild_id   INTEGER PRIMARY KEY,
    channel_id INTEGER NOT NULL,
    -- How many a picture needs, its own person's mark among them.
    stars      INTEGER NOT NULL CHECK (stars >= 1),
    -- The server's language, as Discord said it.
    locale     TEXT    NOT NULL,
    set_by     INTEGER NOT NULL,
    set_at     INTEGER NOT NULL
) STRICT;

-- What was shown there, each picture once, whatever becomes of its stars or of the message.
CREATE TABLE star_posts (
    picture_id INTEGER PRIMARY KEY REFERENCES pictures (id),
    guild_id   INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    -- NULL: begun, and not known to have arrived.
    message_id INTEGER,
    begun_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX star_posts_begun ON star_posts (begun_at) WHERE message_id IS NULL;

-- The message goes with its picture. One that may be on its way is looked for by its job.
CREATE TRIGGER star_posts_go AFTER UPDATE OF deleted_at ON pictures
WHEN old.deleted_at IS NULL AND new.deleted_at IS NOT NULL BEGIN
    INSERT INTO message_removals (guild_id, channel_id, message_id, job_id, since, asked_at)
        SELECT guild_id, channel_id, message_id, iif(message_id IS NULL, new.job_id, NULL),
               iif(message_id IS NULL, begun_at, NULL), new.deleted_at
        FROM star_posts WHERE picture_id = new.id;
    DELETE FROM star_posts WHERE picture_id = new.id;
END;
