-- The language that admins chose for what everybody on their server reads; NULL: Discord's.
ALTER TABLE server_settings ADD COLUMN locale TEXT CHECK (locale GLOB '[a-z][a-z]*');

-- The language of whoever asked, for what they alone read; '': not known, so that of the job.
ALTER TABLE jobs ADD COLUMN own_locale TEXT NOT NULL DEFAULT '';
