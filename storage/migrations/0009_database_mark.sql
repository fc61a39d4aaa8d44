-- Which database this is. Buttons and forms carry the mark beside their ids, so that those of one
-- database never act on the rows of another.

CREATE TABLE database_mark (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    mark      TEXT    NOT NULL CHECK (length(mark) = 8),
    -- The highest ids that buttons without a mark may carry: what was given before there were
    -- marks. All are NULL in a database that had no ids by then, which has no such buttons.
    jobs      INTEGER,
    pictures  INTEGER,
    proposals INTEGER,
    CHECK ((jobs IS NULL) = (pictures IS NULL) AND (jobs IS NULL) = (proposals IS NULL))
) STRICT;

INSERT INTO database_mark (id, mark) VALUES (1, lower(hex(randomblob(4))));
UPDATE database_mark SET
    jobs      = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'jobs'), 0),
    pictures  = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'pictures'), 0),
    proposals = coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'proposals'), 0)
    WHERE EXISTS (SELECT 1 FROM sqlite_sequence WHERE seq > 0);
