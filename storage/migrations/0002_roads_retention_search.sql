-- Private jobs, more roads for a result, sizes and retention of picture files, full-text search.

ALTER TABLE jobs ADD COLUMN private INTEGER NOT NULL DEFAULT 0 CHECK (private IN (0, 1));
-- Nothing counts finished jobs by their state.
DROP INDEX jobs_finished;

-- Of the file; NULL where it was written before sizes were, until it is measured.
ALTER TABLE pictures ADD COLUMN size_bytes INTEGER CHECK (size_bytes >= 0);
-- Retention leaves a favourite alone.
ALTER TABLE pictures ADD COLUMN favourite_at INTEGER;
-- The file was taken off the disk; the recipe stays, and paints it again.
ALTER TABLE pictures ADD COLUMN file_removed_at INTEGER;

-- Retention: what lies on the disk is added up from the index alone, and walked oldest first.
CREATE INDEX pictures_on_disk ON pictures (painted_at, size_bytes, favourite_at, file_removed_at, deleted_at)
    WHERE file_removed_at IS NULL AND deleted_at IS NULL;
-- Erased, and a crash may have come before the file was removed.
CREATE INDEX pictures_to_remove ON pictures (id)
    WHERE deleted_at IS NOT NULL AND file_removed_at IS NULL;

-- SQLite cannot change a CHECK: the table is written anew.
CREATE TABLE deliveries_2 (
    job_id             INTEGER PRIMARY KEY REFERENCES jobs (id),
    state              TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'kept', 'dropped')),
    channel_id         INTEGER NOT NULL,
    message_id         INTEGER,
    -- edit: of the status message. post: a new message in the channel. reply: through the
    -- interaction's token, for what only its person may see. direct: a direct message.
    road               TEXT    CHECK (road IN ('edit', 'post', 'reply', 'direct')),
    -- Discord refuses a second message with the same nonce; it takes 25 characters at most.
    nonce              TEXT    NOT NULL UNIQUE CHECK (length(nonce) BETWEEN 1 AND 25),
    -- Finds the message that answered the command. Worth something for minutes only, and gone as
    -- soon as it is not needed.
    reply_token        TEXT,
    -- The largest file that Discord takes there, as it said with the command.
    upload_limit_bytes INTEGER CHECK (upload_limit_bytes > 0),
    -- The first try on this road since it was last known that no earlier one had arrived.
    attempted_at       INTEGER,
    settled_at         INTEGER,
    result_message_id  INTEGER,
    detail             TEXT,
    CHECK ((settled_at IS NULL) = (state = 'pending')),
    CHECK (attempted_at IS NULL OR road IS NOT NULL)
) STRICT;
INSERT INTO deliveries_2 (job_id, state, channel_id, message_id, road, nonce, reply_token,
                          attempted_at, settled_at, result_message_id, detail)
    SELECT job_id, state, channel_id, message_id, road, nonce, reply_token,
           attempted_at, settled_at, result_message_id, detail FROM deliveries;
DROP TABLE deliveries;
ALTER TABLE deliveries_2 RENAME TO deliveries;
CREATE INDEX deliveries_pending ON deliveries (job_id) WHERE state = 'pending';
-- What /history says of its pictures that no message shows.
CREATE INDEX deliveries_kept ON deliveries (job_id) WHERE state = 'kept';

-- Search: search.py says what the tokens are, and is what picture_tokens() calls. No content, no
-- positions: the index names candidates, and the prompts themselves stay with the jobs.
CREATE VIRTUAL TABLE pictures_search USING fts5 (
    tokens, content = '', detail = none, tokenize = 'ascii'
);
-- Merging twice as seldom as by default: a third of the work for each picture, and no slower to ask.
INSERT INTO pictures_search (pictures_search, rank) VALUES ('automerge', 8);
-- Person by person, as the index is sorted: half the time of filling it picture by picture.
INSERT INTO pictures_search (rowid, tokens)
    SELECT pictures.id, picture_tokens(pictures.guild_id, pictures.user_id, jobs.prompt)
    FROM pictures INDEXED BY pictures_of_person CROSS JOIN jobs ON jobs.id = pictures.job_id
    WHERE pictures.deleted_at IS NULL
    ORDER BY pictures.guild_id, pictures.user_id, pictures.id;
-- Now, at its leisure: one of the next pictures would wait a second or two for the same work.
INSERT INTO pictures_search (pictures_search) VALUES ('optimize');

CREATE TRIGGER pictures_become_found AFTER INSERT ON pictures WHEN new.deleted_at IS NULL BEGIN
    INSERT INTO pictures_search (rowid, tokens)
        SELECT new.id, picture_tokens(new.guild_id, new.user_id, prompt)
        FROM jobs WHERE id = new.job_id;
END;
-- What is erased never comes back: there is no trigger for that.
CREATE TRIGGER pictures_become_lost AFTER UPDATE OF deleted_at ON pictures
WHEN old.deleted_at IS NULL AND new.deleted_at IS NOT NULL BEGIN
    INSERT INTO pictures_search (pictures_search, rowid, tokens)
        SELECT 'delete', old.id, picture_tokens(old.guild_id, old.user_id, prompt)
        FROM jobs WHERE id = old.job_id;
END;
CREATE TRIGGER pictures_go BEFORE DELETE ON pictures WHEN old.deleted_at IS NULL BEGIN
    INSERT INTO pictures_search (pictures_search, rowid, tokens)
        SELECT 'delete', old.id, picture_tokens(old.guild_id, old.user_id, prompt)
        FROM jobs WHERE id = old.job_id;
END;
CREATE TRIGGER prompts_change AFTER UPDATE OF prompt ON jobs WHEN old.prompt <> new.prompt BEGIN
    INSERT INTO pictures_search (pictures_search, rowid, tokens)
        SELECT 'delete', id, picture_tokens(guild_id, user_id, old.prompt)
        FROM pictures WHERE job_id = old.id AND deleted_at IS NULL;
    INSERT INTO pictures_search (rowid, tokens)
        SELECT id, picture_tokens(guild_id, user_id, new.prompt)
        FROM pictures WHERE job_id = new.id AND deleted_at IS NULL;
END;
