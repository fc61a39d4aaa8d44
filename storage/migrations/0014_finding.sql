-- Pictures are found again: by seed, day, model, LoRA and notes too; lists whose pages stay.

-- What the picture's person wrote on it, for themselves.
ALTER TABLE pictures ADD COLUMN note TEXT CHECK (length(note) BETWEEN 1 AND 500);

-- Who gave a picture of somebody else's a star. Its own person's mark is favourite_at.
CREATE TABLE stars (
    picture_id INTEGER NOT NULL REFERENCES pictures (id),
    user_id    INTEGER NOT NULL,
    starred_at INTEGER NOT NULL,
    PRIMARY KEY (picture_id, user_id)
) STRICT, WITHOUT ROWID;

-- What everybody in a channel or thread saw: delivered there, and not private.
CREATE TABLE shown_pictures (
    picture_id INTEGER PRIMARY KEY REFERENCES pictures (id),
    guild_id   INTEGER NOT NULL,
    channel_id INTEGER NOT NULL
) STRICT;

INSERT INTO shown_pictures (picture_id, guild_id, channel_id)
    SELECT p.id, p.guild_id, coalesce(d.thread_id, d.channel_id)
    FROM pictures AS p JOIN jobs AS j ON j.id = p.job_id JOIN deliveries AS d ON d.job_id = j.id
    WHERE p.deleted_at IS NULL AND j.private = 0 AND d.state = 'delivered'
    AND d.road IN ('edit', 'post', 'thread');
-- A page is one walk for each channel; and from one channel to the next is one step.
CREATE INDEX shown_pictures_in ON shown_pictures (guild_id, channel_id, picture_id);

CREATE TRIGGER results_are_shown AFTER UPDATE OF state ON deliveries
WHEN new.state = 'delivered' AND old.state <> 'delivered'
AND new.road IN ('edit', 'post', 'thread') BEGIN
    INSERT OR IGNORE INTO shown_pictures (picture_id, guild_id, channel_id)
        SELECT p.id, p.guild_id, coalesce(new.thread_id, new.channel_id)
        FROM pictures AS p JOIN jobs AS j ON j.id = p.job_id
        WHERE p.job_id = new.job_id AND p.deleted_at IS NULL AND j.private = 0;
END;

CREATE TRIGGER pictures_are_shown_no_more AFTER UPDATE OF deleted_at ON pictures
WHEN new.deleted_at IS NOT NULL BEGIN
    DELETE FROM stars WHERE picture_id = new.id;
    DELETE FROM shown_pictures WHERE picture_id = new.id;
END;

-- A page of a list that somebody was shown: what they looked for, and where the page begins.
-- Buttons carry the id. The same page of the same list is one row, however often it is turned to.
CREATE TABLE list_pages (
    -- AUTOINCREMENT: buttons carry the id, and none may ever mean something else.
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id  INTEGER NOT NULL,
    user_id   INTEGER NOT NULL,
    -- JSON that only search.py reads.
    query     TEXT    NOT NULL CHECK (json_valid(query)),
    -- Pictures with lower ids are on it; 0: it is the first.
    before_id INTEGER NOT NULL CHECK (before_id >= 0),
    used_at   INTEGER NOT NULL,
    UNIQUE (guild_id, user_id, query, before_id)
) STRICT;

CREATE INDEX list_pages_by_use ON list_pages (used_at);

-- The index of the search is filled anew, with more terms: search.py says which.
DROP TRIGGER pictures_become_found;
DROP TRIGGER pictures_become_lost;
DROP TRIGGER pictures_go;
DROP TRIGGER prompts_change;
INSERT INTO pictures_search (pictures_search) VALUES ('delete-all');
-- Person by person, as the index is sorted: half the time of filling it picture by picture.
INSERT INTO pictures_search (rowid, tokens)
    SELECT p.id, picture_terms(p.guild_id, p.user_id, j.prompt, p.note, p.seed, p.painted_at,
                               p.favourite_at, p.recipe)
    FROM pictures AS p INDEXED BY pictures_of_person CROSS JOIN jobs AS j ON j.id = p.job_id
    WHERE p.deleted_at IS NULL
    ORDER BY p.guild_id, p.user_id, p.id;
-- Now, at its leisure: one of the next pictures would wait a second or two for the same work.
INSERT INTO pictures_search (pictures_search) VALUES ('optimize');

CREATE TRIGGER pictures_become_found AFTER INSERT ON pictures WHEN new.deleted_at IS NULL BEGIN
    INSERT INTO pictures_search (rowid, tokens)
        SELECT new.id, picture_terms(new.guild_id, new.user_id, prompt, new.note, new.seed,
                                     new.painted_at, new.favourite_at, new.recipe)
        FROM jobs WHERE id = new.job_id;
END;
-- What is erased never comes back: there is no trigger for that.
CREATE TRIGGER pictures_become_lost AFTER UPDATE OF deleted_at ON pictures
WHEN old.deleted_at IS NULL AND new.deleted_at IS NOT NULL BEGIN
    INSERT INTO pictures_search (pictures_search, rowid, tokens)
        SELECT 'delete', old.id, picture_terms(old.guild_id, old.user_id, prompt, old.note,
                                               old.seed, old.painted_at, old.favourite_at,
                                               old.recipe)
        FROM jobs WHERE id = old.job_id;
END;
CREATE TRIGGER pictures_go BEFORE DELETE ON pictures WHEN old.deleted_at IS NULL BEGIN
    INSERT INTO pictures_search (pictures_search, rowid, tokens)
        SELECT 'delete', old.id, picture_terms(old.guild_id, old.user_id, prompt, old.note,
                                               old.seed, old.painted_at, old.favourite_at,
                                               old.recipe)
        FROM jobs WHERE id = old.job_id;
END;
CREATE TRIGGER pictures_change
AFTER UPDATE OF guild_id, user_id, note, seed, painted_at, favourite_at, recipe ON pictures
WHEN old.deleted_at IS NULL AND new.deleted_at IS NULL BEGIN
    INSERT INTO pictures_search (pictures_search, rowid, tokens)
        SELECT 'delete', old.id, picture_terms(old.guild_id, old.user_id, prompt, old.note,
                                               old.seed, old.painted_at, old.favourite_at,
                                               old.recipe)
        FROM jobs WHERE id = old.job_id;
    INSERT INTO pictures_search (rowid, tokens)
        SELECT new.id, picture_terms(new.guild_id, new.user_id, prompt, new.note, new.seed,
                                     new.painted_at, new.favourite_at, new.recipe)
        FROM jobs WHERE id = new.job_id;
END;
CREATE TRIGGER prompts_change AFTER UPDATE OF prompt ON jobs WHEN old.prompt <> new.prompt BEGIN
    INSERT INTO pictures_search (pictures_search, rowid, tokens)
        SELECT 'delete', id, picture_terms(guild_id, user_id, old.prompt, note, seed, painted_at,
                                           favourite_at, recipe)
        FROM pictures WHERE job_id = old.id AND deleted_at IS NULL;
    INSERT INTO pictures_search (rowid, tokens)
        SELECT id, picture_terms(guild_id, user_id, new.prompt, note, seed, painted_at,
                                 favourite_at, recipe)
        FROM pictures WHERE job_id = new.id AND deleted_at IS NULL;
END;
