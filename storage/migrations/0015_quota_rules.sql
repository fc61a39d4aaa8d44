-- Quotas for roles, by calendar days and without a limit; pictures granted on top of them; charges
-- that weigh more than one picture, or that do not count.

-- SQLite cannot change a CHECK: the tables are written anew. NULL pictures: as many as they like.
-- NULL hours: within a calendar day of the server's time zone.
CREATE TABLE user_quotas_2 (
    guild_id INTEGER NOT NULL,
    user_id  INTEGER NOT NULL,
    pictures INTEGER CHECK (pictures BETWEEN 0 AND 1000000),
    hours    INTEGER CHECK (hours BETWEEN 1 AND 8760),
    set_by   INTEGER NOT NULL,
    set_at   INTEGER NOT NULL,
    PRIMARY KEY (guild_id, user_id)
) STRICT, WITHOUT ROWID;
INSERT INTO user_quotas_2 SELECT guild_id, user_id, pictures, hours, set_by, set_at FROM user_quotas;
DROP TABLE user_quotas;
ALTER TABLE user_quotas_2 RENAME TO user_quotas;

CREATE TABLE server_quotas_2 (
    guild_id INTEGER PRIMARY KEY,
    pictures INTEGER CHECK (pictures BETWEEN 0 AND 1000000),
    hours    INTEGER CHECK (hours BETWEEN 1 AND 8760),
    set_by   INTEGER NOT NULL,
    set_at   INTEGER NOT NULL
) STRICT;
INSERT INTO server_quotas_2 SELECT guild_id, pictures, hours, set_by, set_at FROM server_quotas;
DROP TABLE server_quotas;
ALTER TABLE server_quotas_2 RENAME TO server_quotas;

CREATE TABLE role_quotas (
    guild_id INTEGER NOT NULL,
    role_id  INTEGER NOT NULL,
    pictures INTEGER CHECK (pictures BETWEEN 0 AND 1000000),
    hours    INTEGER CHECK (hours BETWEEN 1 AND 8760),
    set_by   INTEGER NOT NULL,
    set_at   INTEGER NOT NULL,
    PRIMARY KEY (guild_id, role_id)
) STRICT, WITHOUT ROWID;

-- A name of the time zone database; NULL: UTC. Weighted: large pictures count more than one.
ALTER TABLE server_settings ADD COLUMN timezone TEXT CHECK (length(timezone) BETWEEN 1 AND 64);
ALTER TABLE server_settings ADD COLUMN weighted INTEGER CHECK (weighted IN (0, 1));

-- How many pictures each of the job's counts as; and how many of all those do not count against the
-- quota, because they were granted or forgiven.
ALTER TABLE ledger ADD COLUMN weight INTEGER NOT NULL DEFAULT 1 CHECK (weight >= 1);
ALTER TABLE ledger ADD COLUMN waived INTEGER NOT NULL DEFAULT 0
    CHECK (waived BETWEEN 0 AND pictures * weight);

DROP INDEX ledger_counting;
-- Covering: what a person used is added up from the index alone.
CREATE INDEX ledger_counting
    ON ledger (guild_id, user_id, charged_at, pictures, weight, waived, refunded_at)
    WHERE refunded_at IS NULL;

-- Pictures: what counts against the quota. Cost: that, and what does not count.
ALTER TABLE usage_hours ADD COLUMN cost INTEGER NOT NULL DEFAULT 0;
UPDATE usage_hours SET cost = pictures;
-- Who used what of late.
CREATE INDEX usage_hours_of_server ON usage_hours (guild_id, hour);

-- The cost of all that was painted on a server.
CREATE TABLE server_usage_hours (
    guild_id INTEGER NOT NULL,
    hour     INTEGER NOT NULL,
    cost     INTEGER NOT NULL,
    PRIMARY KEY (guild_id, hour)
) STRICT, WITHOUT ROWID;
INSERT INTO server_usage_hours (guild_id, hour, cost)
    SELECT guild_id, hour, sum(cost) FROM usage_hours GROUP BY 1, 2;

DROP TRIGGER ledger_is_charged;
DROP TRIGGER ledger_is_deleted;
DROP TRIGGER ledger_is_changed;
CREATE TRIGGER ledger_is_charged AFTER INSERT ON ledger WHEN new.refunded_at IS NULL BEGIN
    INSERT INTO usage_hours (guild_id, user_id, hour, pictures, cost)
        VALUES (new.guild_id, new.user_id, new.charged_at / 3600000000,
                new.pictures * new.weight - new.waived, new.pictures * new.weight)
        ON CONFLICT (guild_id, user_id, hour) DO UPDATE SET
        pictures = pictures + excluded.pictures, cost = cost + excluded.cost;
    INSERT INTO server_usage_hours (guild_id, hour, cost)
        VALUES (new.guild_id, new.charged_at / 3600000000, new.pictures * new.weight)
        ON CONFLICT (guild_id, hour) DO UPDATE SET cost = cost + excluded.cost;
END;
CREATE TRIGGER ledger_is_deleted AFTER DELETE ON ledger WHEN old.refunded_at IS NULL BEGIN
    UPDATE usage_hours SET pictures = pictures - (old.pictures * old.weight - old.waived),
        cost = cost - old.pictures * old.weight
        WHERE guild_id = old.guild_id AND user_id = old.user_id
        AND hour = old.charged_at / 3600000000;
    DELETE FROM usage_hours
        WHERE guild_id = old.guild_id AND user_id = old.user_id
        AND hour = old.charged_at / 3600000000 AND cost = 0;
    UPDATE server_usage_hours SET cost = cost - old.pictures * old.weight
        WHERE guild_id = old.guild_id AND hour = old.charged_at / 3600000000;
    DELETE FROM server_usage_hours
        WHERE guild_id = old.guild_id AND hour = old.charged_at / 3600000000 AND cost = 0;
END;
-- A refund, its opposite, or another charge instead: the old one goes, the new one comes.
CREATE TRIGGER ledger_is_changed
AFTER UPDATE OF guild_id, user_id, pictures, weight, waived, charged_at, refunded_at ON ledger BEGIN
    UPDATE usage_hours SET pictures = pictures - (old.pictures * old.weight - old.waived),
        cost = cost - old.pictures * old.weight
        WHERE old.refunded_at IS NULL AND guild_id = old.guild_id AND user_id = old.user_id
        AND hour = old.charged_at / 3600000000;
    INSERT INTO usage_hours (guild_id, user_id, hour, pictures, cost)
        SELECT new.guild_id, new.user_id, new.charged_at / 3600000000,
               new.pictures * new.weight - new.waived, new.pictures * new.weight
        WHERE new.refunded_at IS NULL
        ON CONFLICT (guild_id, user_id, hour) DO UPDATE SET
        pictures = pictures + excluded.pictures, cost = cost + excluded.cost;
    DELETE FROM usage_hours
        WHERE guild_id = old.guild_id AND user_id = old.user_id
        AND hour = old.charged_at / 3600000000 AND cost = 0;
    UPDATE server_usage_hours SET cost = cost - old.pictures * old.weight
        WHERE old.refunded_at IS NULL AND guild_id = old.guild_id
        AND hour = old.charged_at / 3600000000;
    INSERT INTO server_usage_hours (guild_id, hour, cost)
        SELECT new.guild_id, new.charged_at / 3600000000, new.pictures * new.weight
        WHERE new.refunded_at IS NULL
        ON CONFLICT (guild_id, hour) DO UPDATE SET cost = cost + excluded.cost;
    DELETE FROM server_usage_hours
        WHERE guild_id = old.guild_id AND hour = old.charged_at / 3600000000 AND cost = 0;
END;

-- Pictures that an admin gave somebody on top of the quota; they are taken once it is used up.
CREATE TABLE quota_grants (
    id         INTEGER PRIMARY KEY,
    guild_id   INTEGER NOT NULL,
    user_id    INTEGER NOT NULL,
    pictures   INTEGER NOT NULL CHECK (pictures BETWEEN 1 AND 1000000),
    used       INTEGER NOT NULL DEFAULT 0 CHECK (used BETWEEN 0 AND pictures),
    -- NULL: they stay until they are used.
    expires_at INTEGER,
    granted_by INTEGER NOT NULL,
    granted_at INTEGER NOT NULL
) STRICT;
CREATE INDEX quota_grants_left ON quota_grants (guild_id, user_id) WHERE used < pictures;

-- Which jobs took how many of them. A row goes with its job's refund.
CREATE TABLE grant_uses (
    job_id   INTEGER NOT NULL REFERENCES jobs (id),
    grant_id INTEGER NOT NULL REFERENCES quota_grants (id),
    pictures INTEGER NOT NULL CHECK (pictures >= 1),
    PRIMARY KEY (job_id, grant_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX grant_uses_by_grant ON grant_uses (grant_id);

CREATE TRIGGER grants_are_used AFTER INSERT ON grant_uses BEGIN
    UPDATE quota_grants SET used = used + new.pictures WHERE id = new.grant_id;
END;
CREATE TRIGGER grants_are_used_less AFTER UPDATE OF pictures ON grant_uses BEGIN
    UPDATE quota_grants SET used = used - old.pictures + new.pictures WHERE id = new.grant_id;
END;
CREATE TRIGGER grants_are_given_back AFTER DELETE ON grant_uses BEGIN
    UPDATE quota_grants SET used = used - old.pictures WHERE id = old.grant_id;
END;
CREATE TRIGGER refunds_give_grants_back AFTER UPDATE OF refunded_at ON ledger
WHEN old.refunded_at IS NULL AND new.refunded_at IS NOT NULL AND new.waived > 0 BEGIN
    DELETE FROM grant_uses WHERE job_id = new.job_id;
END;
