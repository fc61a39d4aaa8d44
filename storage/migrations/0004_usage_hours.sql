-- What counts of the ledger, added up by the hour: a quota of a year is read from some thousand
-- rows at most, however much was painted. Triggers keep it, so that no statement can forget to.

CREATE TABLE usage_hours (
    guild_id INTEGER NOT NULL,
    user_id  INTEGER NOT NULL,
    -- Since 1970, UTC.
    hour     INTEGER NOT NULL,
    -- Charged in that hour and not refunded; there is no row where that is nothing.
    pictures INTEGER NOT NULL,
    PRIMARY KEY (guild_id, user_id, hour)
) STRICT, WITHOUT ROWID;

INSERT INTO usage_hours (guild_id, user_id, hour, pictures)
    SELECT guild_id, user_id, charged_at / 3600000000, sum(pictures) FROM ledger
    WHERE refunded_at IS NULL GROUP BY 1, 2, 3;

CREATE TRIGGER ledger_is_charged AFTER INSERT ON ledger WHEN new.refunded_at IS NULL BEGIN
    INSERT INTO usage_hours (guild_id, user_id, hour, pictures)
        VALUES (new.guild_id, new.user_id, new.charged_at / 3600000000, new.pictures)
        ON CONFLICT (guild_id, user_id, hour) DO UPDATE SET pictures = pictures + excluded.pictures;
END;
CREATE TRIGGER ledger_is_deleted AFTER DELETE ON ledger WHEN old.refunded_at IS NULL BEGIN
    UPDATE usage_hours SET pictures = pictures - old.pictures
        WHERE guild_id = old.guild_id AND user_id = old.user_id
        AND hour = old.charged_at / 3600000000;
    DELETE FROM usage_hours
        WHERE guild_id = old.guild_id AND user_id = old.user_id
        AND hour = old.charged_at / 3600000000 AND pictures = 0;
END;
-- A refund, its opposite, or another charge instead: the old one goes, the new one comes.
CREATE TRIGGER ledger_is_changed
AFTER UPDATE OF guild_id, user_id, pictures, charged_at, refunded_at ON ledger BEGIN
    UPDATE usage_hours SET pictures = pictures - old.pictures
        WHERE old.refunded_at IS NULL AND guild_id = old.guild_id AND user_id = old.user_id
        AND hour = old.charged_at / 3600000000;
    INSERT INTO usage_hours (guild_id, user_id, hour, pictures)
        SELECT new.guild_id, new.user_id, new.charged_at / 3600000000, new.pictures
        WHERE new.refunded_at IS NULL
        ON CONFLICT (guild_id, user_id, hour) DO UPDATE SET pictures = pictures + excluded.pictures;
    DELETE FROM usage_hours
        WHERE guild_id = old.guild_id AND user_id = old.user_id
        AND hour = old.charged_at / 3600000000 AND pictures = 0;
END;
