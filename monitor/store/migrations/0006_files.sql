-- Which fills came from which imported file, so that an exchange's own row can take the place of a file's copy of it.

CREATE TABLE imports (                      -- one row a file and account
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (account),
    imported_ms INTEGER NOT NULL,
    first_fill INTEGER NOT NULL,            -- the file's fills have ids in this range
    last_fill INTEGER NOT NULL,
    grain_ms INTEGER NOT NULL               -- how fine the file's times are: 60000, 1000 or 1
) STRICT;
CREATE INDEX imports_account ON imports (account);

-- What was imported before: nearly all exports tell seconds.
INSERT INTO imports (account, imported_ms, first_fill, last_fill, grain_ms)
SELECT account, max(first_seen_ms), min(id), max(id), 1000 FROM fills WHERE source = 'file' GROUP BY account;
