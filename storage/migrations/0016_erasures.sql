-- What was erased, at whose wish or because a server removed the bot, and what is left to do for it.

-- Everything of a person is found from their jobs.
CREATE INDEX jobs_of_person ON jobs (user_id, guild_id);

-- Requests whose words are still there, by age.
CREATE INDEX jobs_with_words ON jobs (finished_at)
    WHERE finished_at IS NOT NULL AND request <> '{}';

-- A copy of the database that lacks one of these, or has it without purged_at, still holds what was
-- erased.
CREATE TABLE erasures (
    -- Random.
    id         TEXT    NOT NULL PRIMARY KEY CHECK (length(id) = 32),
    -- A keyed hash of whose data it was; NULL: everything of the server.
    person     TEXT    CHECK (length(person) = 64),
    -- NULL: on every server.
    guild_id   INTEGER,
    -- The longest window of a quota that the person had then.
    hours      INTEGER NOT NULL CHECK (hours >= 0),
    -- A JSON list of the jobs that were cancelled with it: a file of theirs may be on the disk
    -- although no row names it.
    unrecorded TEXT    NOT NULL CHECK (json_valid(unrecorded)),
    erased_at  INTEGER NOT NULL,
    -- NULL: files, free pages or copies may still hold something.
    purged_at  INTEGER,
    CHECK (person IS NOT NULL OR guild_id IS NOT NULL)
) STRICT, WITHOUT ROWID;

CREATE INDEX erasures_to_purge ON erasures (erased_at) WHERE purged_at IS NULL;

-- Charges of persons who were erased, so that erasing buys no quota. They are the person's again
-- when the same person asks for a picture before `until`, and nobody's afterwards.
CREATE TABLE erased_usage (
    job_id   INTEGER PRIMARY KEY REFERENCES jobs (id),
    guild_id INTEGER NOT NULL,
    person   TEXT    NOT NULL CHECK (length(person) = 64),
    -- When the window of the quota ends.
    until    INTEGER NOT NULL
) STRICT;

CREATE INDEX erased_usage_of_person ON erased_usage (guild_id, person);

-- Files that are to be removed: erased in the same transaction, and tried again until they are gone.
CREATE TABLE file_removals (
    file     TEXT    NOT NULL PRIMARY KEY,
    asked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The bot's messages that are to be deleted.
CREATE TABLE message_removals (
    id          INTEGER PRIMARY KEY,
    -- 0: in direct messages.
    guild_id    INTEGER NOT NULL,
    -- NULL: the direct messages of user_id.
    channel_id  INTEGER,
    -- NULL: it is not known whether one arrived. It is looked for by its job, from `since` on.
    message_id  INTEGER,
    user_id     INTEGER,
    job_id      INTEGER,
    since       INTEGER,
    -- Deletes for minutes what nothing else reaches.
    reply_token TEXT,
    asked_at    INTEGER NOT NULL,
    CHECK (channel_id IS NOT NULL OR user_id IS NOT NULL),
    CHECK (message_id IS NOT NULL OR (job_id IS NOT NULL AND since IS NOT NULL))
) STRICT;

-- Servers that the bot is not on any more.
CREATE TABLE departed_servers (
    guild_id INTEGER PRIMARY KEY,
    left_at  INTEGER NOT NULL
) STRICT;
