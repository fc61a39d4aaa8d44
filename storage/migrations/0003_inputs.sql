-- The pictures that a job starts from. Their files are named by the hash, and shared between jobs.

CREATE TABLE job_inputs (
    job_id   INTEGER NOT NULL REFERENCES jobs (id),
    -- The order in which the request speaks of them.
    position INTEGER NOT NULL CHECK (position >= 0),
    -- Of the pixels. It becomes a path: nothing but lower-case hex digits, also by hand.
    sha256   TEXT    NOT NULL CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
    PRIMARY KEY (job_id, position)
) STRICT, WITHOUT ROWID;

-- Who else needs a file: covering, for it ends with the primary key.
CREATE INDEX job_inputs_by_sha256 ON job_inputs (sha256);
