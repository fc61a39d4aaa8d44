-- What admins filter out of their server's prompts: patterns with one action for all of them.
CREATE TABLE filter_rules (
    -- Never that of another rule again: jobs name the rules that do not concern them.
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id   INTEGER NOT NULL,
    name       TEXT    NOT NULL CHECK (name <> ''),
    -- The name as it is looked up: without regard to case and width.
    lookup     TEXT    NOT NULL,
    action     TEXT    NOT NULL CHECK (action IN ('refuse', 'spoiler', 'report', 'direct')),
    -- 0: not in channels that Discord marks as age-restricted.
    everywhere INTEGER NOT NULL CHECK (everywhere IN (0, 1)),
    -- JSON lists of texts, as admins typed them.
    words      TEXT    NOT NULL CHECK (json_valid(words)),
    regexes    TEXT    NOT NULL CHECK (json_valid(regexes)),
    allowed    TEXT    NOT NULL CHECK (json_valid(allowed)),
    -- JSON lists of ids: whom and where it does not concern.
    roles      TEXT    NOT NULL CHECK (json_valid(roles)),
    channels   TEXT    NOT NULL CHECK (json_valid(channels)),
    set_by     INTEGER NOT NULL,
    set_at     INTEGER NOT NULL,
    UNIQUE (guild_id, lookup)
) STRICT;

CREATE TABLE filter_settings (
    guild_id INTEGER PRIMARY KEY,
    -- Whether a refused member is told the pattern.
    tells    INTEGER NOT NULL CHECK (tells IN (0, 1)),
    set_by   INTEGER NOT NULL,
    set_at   INTEGER NOT NULL
) STRICT;

-- What is still to be done about a job once it is painted.
CREATE TABLE job_filters (
    job_id INTEGER PRIMARY KEY REFERENCES jobs (id),
    -- A JSON list: the rules that do not concern it, because of who asked and where.
    exempt TEXT    NOT NULL CHECK (json_valid(exempt)),
    -- Why its pictures are reported to the moderators; NULL: they are not.
    report TEXT
) STRICT;

-- Pictures that nothing is painted from on a server.
CREATE TABLE filter_pictures (
    id         INTEGER PRIMARY KEY,
    guild_id   INTEGER NOT NULL,
    -- Of the pixels, so that the same picture in another file has the same one.
    sha256     TEXT    NOT NULL,
    -- 16 hexadecimal digits that are alike where pictures look alike; NULL: it shows too little.
    perceptual TEXT,
    -- The bot's own picture that it was, if it was one.
    picture_id INTEGER,
    set_by     INTEGER NOT NULL,
    set_at     INTEGER NOT NULL,
    UNIQUE (guild_id, sha256)
) STRICT;
