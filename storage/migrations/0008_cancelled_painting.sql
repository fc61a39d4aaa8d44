-- How long what people cancelled had been painted: free up to a limit within the window of their
-- quota, and charged beyond it.

CREATE TABLE cancelled_painting (
    job_id       INTEGER PRIMARY KEY REFERENCES jobs (id),
    guild_id     INTEGER NOT NULL,
    user_id      INTEGER NOT NULL,
    cancelled_at INTEGER NOT NULL,
    painted_us   INTEGER NOT NULL CHECK (painted_us >= 0),
    -- 1: it was beyond the limit, and the job stays charged. Only what was free counts.
    charged      INTEGER NOT NULL CHECK (charged IN (0, 1))
) STRICT;

-- Covering: what counts is added up from the index alone.
CREATE INDEX cancelled_painting_free
    ON cancelled_painting (guild_id, user_id, cancelled_at, painted_us) WHERE charged = 0;
