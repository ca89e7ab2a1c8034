-- What the exchanges said: append only, exact text, one row a fact. Instants are milliseconds UTC.

CREATE TABLE meta (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE accounts (
    account TEXT PRIMARY KEY,
    exchange TEXT NOT NULL,                 -- ccxt id, or 'file'
    state TEXT NOT NULL DEFAULT 'active',   -- active, paused
    reason TEXT,                            -- why it is paused
    starts_ms INTEGER,                      -- nothing happened before this instant (settings), null if unknown
    last_success_ms INTEGER,
    last_error TEXT,
    last_error_ms INTEGER,
    first_seen_ms INTEGER
) STRICT;

CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (account),
    kind TEXT NOT NULL,
    book TEXT NOT NULL,
    symbol TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'active',   -- active, paused, archived, unsupported
    cursor_ms INTEGER,                      -- end of the last window proven complete, exchange time
    last_success_ms INTEGER,
    last_error TEXT,
    last_error_ms INTEGER,
    unreachable_before_ms INTEGER,          -- the venue serves nothing older
    UNIQUE (account, kind, book, symbol)
) STRICT;

CREATE TABLE intervals (                    -- proven complete, half open, merged
    stream INTEGER NOT NULL REFERENCES streams (id),
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL CHECK (end_ms > start_ms),
    PRIMARY KEY (stream, start_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE gaps (
    id INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES streams (id),
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    found_ms INTEGER NOT NULL,
    closed_ms INTEGER,                      -- set when a later read proved the span
    UNIQUE (stream, start_ms, end_ms)
) STRICT;

CREATE TABLE fills (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (account),
    exchange TEXT NOT NULL,
    key TEXT NOT NULL,                      -- identity within the account
    time_ms INTEGER NOT NULL,
    sequence INTEGER,                       -- the venue's numeric trade id
    book TEXT NOT NULL,
    kind TEXT NOT NULL,                     -- trade, liquidation
    market TEXT NOT NULL,                   -- raw market id
    symbol TEXT NOT NULL,
    base TEXT NOT NULL,
    quote TEXT NOT NULL,
    settle TEXT,
    side TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
    amount TEXT NOT NULL,                   -- units of base, or contracts
    price TEXT NOT NULL,
    cost TEXT,
    contract_size TEXT,
    inverse INTEGER NOT NULL DEFAULT 0,
    fees TEXT NOT NULL DEFAULT '[]',        -- JSON [[asset, amount], ...]; a negative amount is a rebate
    trade_id TEXT,
    order_id TEXT,
    liquidity TEXT,                         -- taker, maker
    source TEXT NOT NULL,                   -- api, file
    first_seen_ms INTEGER NOT NULL,
    raw BLOB,                               -- zlib of the venue's row, against one of `samples`
    UNIQUE (account, key)
) STRICT;
CREATE INDEX fills_time ON fills (time_ms);
CREATE INDEX fills_base ON fills (base, time_ms);
CREATE INDEX fills_quote ON fills (quote, time_ms);

CREATE TABLE movements (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (account),
    exchange TEXT NOT NULL,
    key TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    sequence INTEGER,
    kind TEXT NOT NULL,
    book TEXT NOT NULL DEFAULT 'spot',
    asset TEXT NOT NULL,
    amount TEXT NOT NULL,
    value TEXT,                             -- total, reporting currency
    fees TEXT NOT NULL DEFAULT '[]',
    to_account TEXT,
    to_asset TEXT,
    received TEXT,
    network_id TEXT,
    status TEXT NOT NULL DEFAULT 'ok',      -- ok, pending, failed
    source TEXT NOT NULL,
    first_seen_ms INTEGER NOT NULL,
    raw BLOB,
    UNIQUE (account, key)
) STRICT;
CREATE INDEX movements_asset ON movements (asset, time_ms);
CREATE INDEX movements_network ON movements (network_id) WHERE network_id IS NOT NULL;

CREATE TABLE matches (                      -- a withdrawal and a deposit that are one transfer between own accounts
    withdrawal INTEGER PRIMARY KEY REFERENCES movements (id),
    deposit INTEGER NOT NULL UNIQUE REFERENCES movements (id),
    how TEXT NOT NULL,                      -- network_id, amount
    found_ms INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE revisions (                    -- what a row said before the venue changed it
    id INTEGER PRIMARY KEY,
    ledger TEXT NOT NULL,                   -- fills, movements
    row INTEGER NOT NULL,
    seen_ms INTEGER NOT NULL,
    payload TEXT NOT NULL                   -- JSON of the old row
) STRICT;

CREATE TABLE samples (                      -- preset dictionaries of the compressed raw rows; never changed
    shape TEXT PRIMARY KEY,                 -- rows that look alike: 'kraken fills spot'
    checksum INTEGER NOT NULL,              -- Adler-32, which the compressed row names
    sample BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX samples_checksum ON samples (checksum);

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY,
    stream INTEGER NOT NULL REFERENCES streams (id),
    seen_ms INTEGER NOT NULL,
    reason TEXT NOT NULL,
    digest TEXT NOT NULL,
    raw BLOB NOT NULL,
    UNIQUE (stream, digest)
) STRICT;

CREATE TABLE prices (
    base TEXT NOT NULL,
    quote TEXT NOT NULL,
    time_ms INTEGER NOT NULL,               -- known from this instant on (a candle's close)
    exchange TEXT NOT NULL,
    price TEXT NOT NULL,
    source TEXT NOT NULL,                   -- candle, ticker, file
    PRIMARY KEY (base, quote, time_ms, exchange)
) STRICT, WITHOUT ROWID;

CREATE TABLE snapshots (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL REFERENCES accounts (account),
    time_ms INTEGER NOT NULL,
    error TEXT                              -- null: a good look
) STRICT;
CREATE INDEX snapshots_account ON snapshots (account, time_ms);

CREATE TABLE balances (                     -- a row where the balance differs from the account's last good snapshot
    account TEXT NOT NULL REFERENCES accounts (account),
    asset TEXT NOT NULL,
    snapshot INTEGER NOT NULL REFERENCES snapshots (id),
    total TEXT NOT NULL,                    -- '0' when the asset vanished from the answer
    free TEXT,
    used TEXT,
    PRIMARY KEY (account, asset, snapshot)  -- in this order: the newest of one asset is one seek
) STRICT, WITHOUT ROWID;

CREATE TABLE markets (                      -- every market structure ever seen, so that delisted ids still parse
    exchange TEXT NOT NULL,
    market TEXT NOT NULL,                   -- raw market id
    symbol TEXT NOT NULL,
    seen_ms INTEGER NOT NULL,
    structure TEXT NOT NULL,                -- ccxt's market structure, JSON
    PRIMARY KEY (exchange, symbol)
) STRICT, WITHOUT ROWID;

CREATE TABLE findings (
    code TEXT NOT NULL,
    subject TEXT NOT NULL,
    severity TEXT NOT NULL,
    message TEXT NOT NULL,
    remedy TEXT NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    resolved_ms INTEGER,
    PRIMARY KEY (code, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE touched (                      -- assets whose derived rows are older than the ledger, and from when
    asset TEXT PRIMARY KEY,
    since_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Small summaries kept with every commit, because a scan of ten million fills would answer them too late.

CREATE TABLE seen (                         -- assets an account ever had to do with
    account TEXT NOT NULL REFERENCES accounts (account),
    asset TEXT NOT NULL,
    last_ms INTEGER NOT NULL,               -- its newest fill or movement; for a balance alone 0
    PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;

CREATE TABLE pairs (                        -- pairs ever traded or priced: who is valued through whom
    base TEXT NOT NULL,
    quote TEXT NOT NULL,
    PRIMARY KEY (base, quote)
) STRICT, WITHOUT ROWID;

CREATE TABLE third_fees (                   -- fills with a fee in an asset that is neither base nor quote
    asset TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    fill INTEGER NOT NULL REFERENCES fills (id),
    PRIMARY KEY (asset, time_ms, fill)
) STRICT, WITHOUT ROWID;
