-- Jobs, their deliveries, what was painted, and what it cost.
--
-- Instants are INTEGER microseconds since 1970, UTC. The request of a job and the recipe of a
-- picture are JSON that the database never looks into. States are checked here as well as in
-- lifecycle.py, so that no hand-written statement can leave a job in a state nobody knows.

CREATE TABLE jobs (
    -- AUTOINCREMENT: the order of acceptance, and no id is ever given twice, since buttons in
    -- old messages carry ids.
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id          INTEGER NOT NULL,
    channel_id        INTEGER NOT NULL,
    user_id           INTEGER NOT NULL,
    state             TEXT    NOT NULL CHECK (state IN
                          ('accepted', 'queued', 'painting', 'painted', 'cancelled', 'failed', 'expired')),
    request           TEXT    NOT NULL,
    prompt            TEXT    NOT NULL,
    seed              INTEGER NOT NULL,
    pictures          INTEGER NOT NULL CHECK (pictures >= 1),
    attempts          INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    parent_picture_id INTEGER REFERENCES pictures (id),
    locale            TEXT    NOT NULL,
    accepted_at       INTEGER NOT NULL,
    started_at        INTEGER,
    finished_at       INTEGER,
    error_code        TEXT,
    error_detail      TEXT,
    CHECK ((finished_at IS NULL) = (state IN ('accepted', 'queued', 'painting')))
) STRICT;

-- Indices are partial where only some rows are asked for: a million finished jobs cost a start
-- nothing. Where an index ends with the column of its own condition, it is covering that way.
CREATE INDEX jobs_live ON jobs (id) WHERE finished_at IS NULL;
-- For counting; a row enters once and stays.
CREATE INDEX jobs_finished ON jobs (state, finished_at) WHERE finished_at IS NOT NULL;
-- For the foreign key, once pictures are deleted for good.
CREATE INDEX jobs_by_parent ON jobs (parent_picture_id) WHERE parent_picture_id IS NOT NULL;

CREATE TABLE pictures (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    job_id      INTEGER NOT NULL REFERENCES jobs (id),
    -- Whose picture it is, repeated from the job: a page of history is one walk over one index.
    guild_id    INTEGER NOT NULL,
    user_id     INTEGER NOT NULL,
    file        TEXT    NOT NULL,
    sha256      TEXT    NOT NULL,
    recipe      TEXT    NOT NULL,
    seed        INTEGER NOT NULL,
    width_px    INTEGER NOT NULL CHECK (width_px > 0),
    height_px   INTEGER NOT NULL CHECK (height_px > 0),
    duration_s  REAL    NOT NULL,
    painted_at  INTEGER NOT NULL,
    deleted_at  INTEGER
) STRICT;

CREATE INDEX pictures_of_person ON pictures (guild_id, user_id, id, deleted_at)
    WHERE deleted_at IS NULL;
CREATE INDEX pictures_of_job ON pictures (job_id);

CREATE TABLE deliveries (
    job_id            INTEGER PRIMARY KEY REFERENCES jobs (id),
    state             TEXT    NOT NULL CHECK (state IN ('pending', 'delivered', 'kept', 'dropped')),
    channel_id        INTEGER NOT NULL,
    message_id        INTEGER,
    road              TEXT    CHECK (road IN ('edit', 'post')),
    -- Discord refuses a second message with the same nonce; it takes 25 characters at most.
    nonce             TEXT    NOT NULL UNIQUE CHECK (length(nonce) BETWEEN 1 AND 25),
    -- Finds the message that answered the command, after a crash before message_id was known.
    -- Worth something for minutes only, and gone as soon as it is not needed.
    reply_token       TEXT,
    attempted_at      INTEGER,
    settled_at        INTEGER,
    result_message_id INTEGER,
    detail            TEXT,
    CHECK ((settled_at IS NULL) = (state = 'pending')),
    CHECK (attempted_at IS NULL OR road IS NOT NULL)
) STRICT;

CREATE INDEX deliveries_pending ON deliveries (job_id) WHERE state = 'pending';

-- One row per job that was charged. What counts is what was not refunded.
CREATE TABLE ledger (
    job_id      INTEGER PRIMARY KEY REFERENCES jobs (id),
    guild_id    INTEGER NOT NULL,
    user_id     INTEGER NOT NULL,
    pictures    INTEGER NOT NULL CHECK (pictures >= 1),
    charged_at  INTEGER NOT NULL,
    refunded_at INTEGER
) STRICT;

-- Covering: what a person used is added up from the index alone.
CREATE INDEX ledger_counting ON ledger (guild_id, user_id, charged_at, pictures, refunded_at)
    WHERE refunded_at IS NULL;

CREATE TABLE user_quotas (
    guild_id INTEGER NOT NULL,
    user_id  INTEGER NOT NULL,
    pictures INTEGER NOT NULL CHECK (pictures BETWEEN 0 AND 1000000),
    hours    INTEGER NOT NULL CHECK (hours BETWEEN 1 AND 8760),
    set_by   INTEGER NOT NULL,
    set_at   INTEGER NOT NULL,
    PRIMARY KEY (guild_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE server_quotas (
    guild_id INTEGER PRIMARY KEY,
    pictures INTEGER NOT NULL CHECK (pictures BETWEEN 0 AND 1000000),
    hours    INTEGER NOT NULL CHECK (hours BETWEEN 1 AND 8760),
    set_by   INTEGER NOT NULL,
    set_at   INTEGER NOT NULL
) STRICT;
