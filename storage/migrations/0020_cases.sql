-- Reminders of members whose quota is used up, and what moderators and reporters write each other.

CREATE TABLE quota_reminders (
    -- AUTOINCREMENT: whoever sends one must never take another for it.
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    guild_id     INTEGER NOT NULL,
    user_id      INTEGER NOT NULL,
    -- Where it was asked for; 0: in direct messages.
    channel_id   INTEGER NOT NULL,
    -- What did not fit, in pictures that count.
    pictures     INTEGER NOT NULL CHECK (pictures > 0),
    -- The language of everybody in the channel, and that of the person alone.
    locale       TEXT    NOT NULL,
    own_locale   TEXT    NOT NULL,
    asked_at     INTEGER NOT NULL,
    due_at       INTEGER NOT NULL,
    -- NULL: nothing was sent yet. Otherwise it may have arrived, and is looked for first.
    attempted_at INTEGER,
    UNIQUE (guild_id, user_id)
) STRICT;

CREATE INDEX quota_reminders_due ON quota_reminders (due_at);

-- The language that the reporter reads, as Discord calls it; NULL: unknown.
ALTER TABLE reports ADD COLUMN locale TEXT;

-- What moderators and the reporters of a picture write each other through the bot.
CREATE TABLE report_messages (
    -- AUTOINCREMENT: whoever sends one must never take another for it.
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    report_id    INTEGER NOT NULL REFERENCES reports (id),
    guild_id     INTEGER NOT NULL,
    -- answer: from a moderator to the reporter; verdict: the same, with the verdict; reply: from the
    -- reporter to the moderators.
    kind         TEXT    NOT NULL CHECK (kind IN ('answer', 'verdict', 'reply')),
    -- The reporter, to whom or from whom it is.
    user_id      INTEGER NOT NULL,
    -- The moderator who wrote it, whom the reporter is never told; NULL for a reply.
    moderator_id INTEGER,
    text         TEXT    NOT NULL CHECK (length(text) BETWEEN 1 AND 1000),
    -- waiting to be sent; delivered; refused: they take no direct messages; left: they are not on
    -- the server any more. A reply is delivered as soon as it is here.
    state        TEXT    NOT NULL CHECK (state IN ('waiting', 'delivered', 'refused', 'left')),
    written_at   INTEGER NOT NULL,
    attempted_at INTEGER,
    settled_at   INTEGER,
    -- The direct message that shows it.
    message_id   INTEGER,
    CHECK ((moderator_id IS NULL) = (kind = 'reply')),
    CHECK ((settled_at IS NULL) = (state = 'waiting'))
) STRICT;

CREATE INDEX report_messages_of_report ON report_messages (report_id, id);
CREATE INDEX report_messages_waiting ON report_messages (id) WHERE state = 'waiting';
