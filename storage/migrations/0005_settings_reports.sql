-- What servers, channels and people set, threads of people, reports, blocks, pages of favourites.

-- NULL in a setting: nothing was chosen here, and the next level decides. A row in which nothing
-- is chosen any more stays: it says who cleared it, and when.
CREATE TABLE server_settings (
    guild_id           INTEGER PRIMARY KEY,
    delivery           TEXT    CHECK (delivery IN ('channel', 'thread', 'direct')),
    spoiler            INTEGER CHECK (spoiler IN (0, 1)),
    quiet              INTEGER CHECK (quiet IN (0, 1)),
    reports_channel_id INTEGER CHECK (reports_channel_id > 0),
    set_by             INTEGER NOT NULL,
    set_at             INTEGER NOT NULL
) STRICT;

CREATE TABLE channel_settings (
    guild_id   INTEGER NOT NULL,
    channel_id INTEGER NOT NULL,
    delivery   TEXT    CHECK (delivery IN ('channel', 'thread', 'direct')),
    spoiler    INTEGER CHECK (spoiler IN (0, 1)),
    quiet      INTEGER CHECK (quiet IN (0, 1)),
    set_by     INTEGER NOT NULL,
    set_at     INTEGER NOT NULL,
    PRIMARY KEY (guild_id, channel_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE user_settings (
    guild_id INTEGER NOT NULL,
    user_id  INTEGER NOT NULL,
    -- A person may keep their pictures to themselves, and not send them where others see them.
    delivery TEXT    CHECK (delivery = 'direct'),
    quiet    INTEGER CHECK (quiet IN (0, 1)),
    set_by   INTEGER NOT NULL,
    set_at   INTEGER NOT NULL,
    PRIMARY KEY (guild_id, user_id)
) STRICT, WITHOUT ROWID;

-- Whose thread it is: one per person and channel.
CREATE TABLE threads (
    thread_id     INTEGER PRIMARY KEY,
    guild_id      INTEGER NOT NULL,
    channel_id    INTEGER NOT NULL,
    user_id       INTEGER NOT NULL,
    remembered_at INTEGER NOT NULL,
    UNIQUE (guild_id, channel_id, user_id)
) STRICT;

-- All open reports of one picture: one card in the moderators' channel, and one verdict. Erasing
-- the picture leaves the case as it is: the picture's row stays, and says so. Buttons carry the
-- picture's id, never a case's: that is the one that a restore gives to nothing else.
CREATE TABLE cases (
    id          INTEGER PRIMARY KEY,
    picture_id  INTEGER NOT NULL REFERENCES pictures (id),
    -- Whose picture it is, and where, repeated from the picture.
    guild_id    INTEGER NOT NULL,
    user_id     INTEGER NOT NULL,
    opened_at   INTEGER NOT NULL,
    -- Where the card lies, once it does.
    channel_id  INTEGER,
    message_id  INTEGER,
    verdict     TEXT    CHECK (verdict IN ('deleted', 'blocked', 'dismissed')),
    resolved_by INTEGER,
    resolved_at INTEGER,
    CHECK ((channel_id IS NULL) = (message_id IS NULL)),
    CHECK ((verdict IS NULL) = (resolved_at IS NULL)),
    CHECK ((resolved_by IS NULL) = (resolved_at IS NULL))
) STRICT;

CREATE UNIQUE INDEX cases_open ON cases (picture_id) WHERE resolved_at IS NULL;
CREATE INDEX cases_open_in_server ON cases (guild_id, id) WHERE resolved_at IS NULL;
-- The newest verdict on a picture; and the foreign key.
CREATE INDEX cases_of_picture ON cases (picture_id, id);

CREATE TABLE reports (
    id       INTEGER PRIMARY KEY,
    case_id  INTEGER NOT NULL REFERENCES cases (id),
    guild_id INTEGER NOT NULL,
    -- Who reported: once while the case is open.
    user_id  INTEGER NOT NULL,
    reason   TEXT    CHECK (length(reason) <= 500),
    filed_at INTEGER NOT NULL,
    UNIQUE (case_id, user_id)
) STRICT;

-- Who may not paint in a server.
CREATE TABLE blocks (
    guild_id   INTEGER NOT NULL,
    user_id    INTEGER NOT NULL,
    reason     TEXT    CHECK (length(reason) <= 500),
    blocked_by INTEGER NOT NULL,
    blocked_at INTEGER NOT NULL,
    PRIMARY KEY (guild_id, user_id)
) STRICT, WITHOUT ROWID;

-- Newest first; it ends with the primary key.
CREATE INDEX blocks_of_server ON blocks (guild_id, blocked_at);

CREATE INDEX pictures_favourite ON pictures (guild_id, user_id, id, favourite_at, deleted_at)
    WHERE favourite_at IS NOT NULL AND deleted_at IS NULL;
