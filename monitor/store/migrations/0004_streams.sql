-- What a venue answered where its stream was stopped, markets that are read at night only, and contracts held.

CREATE TABLE refusals (                     -- the newest few of each stream; without secrets, of bounded length
    id INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES streams (id),
    seen_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    raw BLOB NOT NULL                       -- zlib of the body
) STRICT;
CREATE INDEX refusals_stream ON refusals (stream, id);

-- HTTP 403, 404 and 451 since the account was last read whole; the third one pauses it.
ALTER TABLE accounts ADD COLUMN blocked INTEGER NOT NULL DEFAULT 0;

-- 1: a market nothing is known to have happened in; it is read at night and holds no number back.
ALTER TABLE streams ADD COLUMN cold INTEGER NOT NULL DEFAULT 0;

-- Whether a snapshot looked at positions: null no, 'part' some may be missing, 'all'.
ALTER TABLE snapshots ADD COLUMN positions TEXT;

CREATE TABLE positions (                    -- a row where it differs from the account's last good snapshot
    account TEXT NOT NULL REFERENCES accounts (account),
    symbol TEXT NOT NULL,
    snapshot INTEGER NOT NULL REFERENCES snapshots (id),
    book TEXT NOT NULL,
    contracts TEXT NOT NULL,                -- signed, short is negative; '0' when it is closed
    contract_size TEXT,
    entry_price TEXT,                       -- as of the row
    PRIMARY KEY (account, symbol, snapshot)
) STRICT, WITHOUT ROWID;
