-- Which channel of a server each kind of event is posted in: reports, what admins do, announcements
-- and others. Until now, the first three had a place of their own each.
CREATE TABLE log_channels (
    guild_id   INTEGER NOT NULL,
    event      TEXT    NOT NULL CHECK (
        event IN ('reports', 'audit', 'blocks', 'filter', 'quota', 'failures', 'erasures',
                  'announcements')
    ),
    channel_id INTEGER NOT NULL CHECK (channel_id > 0),
    -- Entries up to this one are posted, or are older than the choice of the channel.
    posted_id  INTEGER NOT NULL,
    -- Entries up to this one are in the message that is being posted.
    sending_id INTEGER NOT NULL CHECK (sending_id >= posted_id),
    -- The server's language, as Discord said it.
    locale     TEXT    NOT NULL,
    -- Why the newest message could not be posted; NULL: it was.
    problem    TEXT,
    set_by     INTEGER NOT NULL,
    set_at     INTEGER NOT NULL,
    PRIMARY KEY (guild_id, event)
) STRICT, WITHOUT ROWID;

INSERT INTO log_channels
SELECT guild_id, 'audit', channel_id, posted_id, sending_id, locale, problem, set_by, set_at
FROM audit_channels;

INSERT INTO log_channels
SELECT c.guild_id, 'announcements', c.channel_id, newest.id, newest.id, 'en-US', NULL, c.set_by,
       c.set_at
FROM announcement_channels AS c
JOIN (SELECT coalesce(max(id), 0) AS id FROM audit_log) AS newest;

INSERT INTO log_channels
SELECT s.guild_id, 'reports', s.reports_channel_id, newest.id, newest.id,
       coalesce(s.locale, 'en-US'), NULL, s.set_by, s.set_at
FROM server_settings AS s
JOIN (SELECT coalesce(max(id), 0) AS id FROM audit_log) AS newest
WHERE s.reports_channel_id IS NOT NULL;

DROP TABLE audit_channels;
DROP TABLE announcement_channels;
ALTER TABLE server_settings DROP COLUMN reports_channel_id;

-- The kind of an entry: what admins did, or another event of a server that posts such events.
ALTER TABLE audit_log ADD COLUMN event TEXT NOT NULL DEFAULT 'audit'
    CHECK (event IN ('audit', 'reports', 'filter', 'quota', 'failures', 'erasures'));
