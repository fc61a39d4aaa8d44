-- What was shown in channels is found by words too. Another index than that of a member's own
-- pictures: it knows servers and channels instead of members, and neither notes nor favourites.

CREATE VIRTUAL TABLE shown_search USING fts5 (
    tokens, content = '', detail = none, tokenize = 'ascii'
);
-- As with the other one.
INSERT INTO shown_search (shown_search, rank) VALUES ('automerge', 8);
-- Server by server, as the index is sorted, and channel by channel: nothing has to be sorted for it.
INSERT INTO shown_search (rowid, tokens)
    SELECT p.id, shown_terms(s.guild_id, s.channel_id, j.prompt, p.seed, p.painted_at, p.recipe)
    FROM shown_pictures AS s INDEXED BY shown_pictures_in
    CROSS JOIN pictures AS p ON p.id = s.picture_id CROSS JOIN jobs AS j ON j.id = p.job_id
    WHERE p.deleted_at IS NULL
    ORDER BY s.guild_id, s.channel_id, s.picture_id;
INSERT INTO shown_search (shown_search) VALUES ('optimize');

-- The index has the row of a picture from when it is shown until it is erased or shown no more.
CREATE TRIGGER shown_become_found AFTER INSERT ON shown_pictures BEGIN
    INSERT INTO shown_search (rowid, tokens)
        SELECT p.id, shown_terms(new.guild_id, new.channel_id, j.prompt, p.seed, p.painted_at,
                                 p.recipe)
        FROM pictures AS p CROSS JOIN jobs AS j ON j.id = p.job_id
        WHERE p.id = new.picture_id AND p.deleted_at IS NULL;
END;
-- Not if the picture is erased: shown_change_from has taken it out then.
CREATE TRIGGER shown_become_lost BEFORE DELETE ON shown_pictures BEGIN
    INSERT INTO shown_search (shown_search, rowid, tokens)
        SELECT 'delete', p.id, shown_terms(old.guild_id, old.channel_id, j.prompt, p.seed,
                                           p.painted_at, p.recipe)
        FROM pictures AS p CROSS JOIN jobs AS j ON j.id = p.job_id
        WHERE p.id = old.picture_id AND p.deleted_at IS NULL;
END;
-- Before and after: another trigger of the same change may end that the picture is shown, and no
-- order holds among those that run after it.
CREATE TRIGGER shown_change_from BEFORE UPDATE OF seed, painted_at, recipe, deleted_at ON pictures
WHEN old.deleted_at IS NULL BEGIN
    INSERT INTO shown_search (shown_search, rowid, tokens)
        SELECT 'delete', old.id, shown_terms(s.guild_id, s.channel_id, j.prompt, old.seed,
                                             old.painted_at, old.recipe)
        FROM shown_pictures AS s CROSS JOIN jobs AS j
        WHERE s.picture_id = old.id AND j.id = old.job_id;
END;
CREATE TRIGGER shown_change_to AFTER UPDATE OF seed, painted_at, recipe, deleted_at ON pictures
WHEN old.deleted_at IS NULL AND new.deleted_at IS NULL BEGIN
    INSERT INTO shown_search (rowid, tokens)
        SELECT new.id, shown_terms(s.guild_id, s.channel_id, j.prompt, new.seed, new.painted_at,
                                   new.recipe)
        FROM shown_pictures AS s CROSS JOIN jobs AS j
        WHERE s.picture_id = new.id AND j.id = new.job_id;
END;
CREATE TRIGGER shown_prompts_change AFTER UPDATE OF prompt ON jobs
WHEN old.prompt <> new.prompt BEGIN
    INSERT INTO shown_search (shown_search, rowid, tokens)
        SELECT 'delete', p.id, shown_terms(s.guild_id, s.channel_id, old.prompt, p.seed,
                                           p.painted_at, p.recipe)
        FROM pictures AS p CROSS JOIN shown_pictures AS s ON s.picture_id = p.id
        WHERE p.job_id = old.id AND p.deleted_at IS NULL;
    INSERT INTO shown_search (rowid, tokens)
        SELECT p.id, shown_terms(s.guild_id, s.channel_id, new.prompt, p.seed, p.painted_at,
                                 p.recipe)
        FROM pictures AS p CROSS JOIN shown_pictures AS s ON s.picture_id = p.id
        WHERE p.job_id = new.id AND p.deleted_at IS NULL;
END;
