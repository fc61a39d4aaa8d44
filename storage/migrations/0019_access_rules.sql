-- Who may paint where and with what, by the admins of a server: one value for each subject and thing.
CREATE TABLE access_rules (
    guild_id   INTEGER NOT NULL,
    scope      TEXT    NOT NULL CHECK (scope IN ('user', 'channel', 'role', 'server')),
    -- Of the user, channel, category or role; 0: the whole server.
    subject_id INTEGER NOT NULL CHECK ((scope = 'server') = (subject_id = 0)),
    -- What it decides; what it says about it, as JSON.
    kind       TEXT    NOT NULL CHECK (kind <> ''),
    value      TEXT    NOT NULL CHECK (json_valid(value)),
    set_by     INTEGER NOT NULL,
    set_at     INTEGER NOT NULL,
    PRIMARY KEY (guild_id, scope, subject_id, kind)
) STRICT, WITHOUT ROWID;

-- Roles that may use /admin as Manage Server does.
CREATE TABLE admin_roles (
    guild_id INTEGER NOT NULL,
    role_id  INTEGER NOT NULL,
    set_by   INTEGER NOT NULL,
    set_at   INTEGER NOT NULL,
    PRIMARY KEY (guild_id, role_id)
) STRICT, WITHOUT ROWID;

-- When a block ends by itself; NULL: not before somebody lifts it.
ALTER TABLE blocks ADD COLUMN until INTEGER;
