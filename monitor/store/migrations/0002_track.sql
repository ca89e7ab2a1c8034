-- Derived: everything here follows from the ledger and the prices, and can be deleted and rebuilt.

CREATE TABLE pools (                        -- one pool of lots
    id INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,                    -- portfolio, account
    account TEXT NOT NULL DEFAULT '',       -- empty for scope portfolio
    asset TEXT NOT NULL,
    book TEXT NOT NULL,
    method TEXT NOT NULL,
    UNIQUE (scope, account, asset, book, method)
) STRICT;

-- One row an event. Sums run from the start of the row's segment; a segment's row holds the sums before it.
-- Money in the reporting currency, float64; quantity exact text; integrals in (unit * milliseconds).
CREATE TABLE track (
    pool INTEGER NOT NULL REFERENCES pools (id),
    time_ms INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,               -- place among all events of the pool
    segment INTEGER NOT NULL,
    quantity TEXT NOT NULL,                 -- signed position after the event
    inventory_cost REAL NOT NULL,           -- sum of |quantity| * unit basis over open lots, after the event
    estimated_cost REAL NOT NULL,           -- the part of it on estimated basis
    unpriced INTEGER NOT NULL,              -- 1 while a lot without a basis is open
    active INTEGER NOT NULL,                -- 1 while abs(quantity) is above dust
    fills INTEGER NOT NULL,
    cogs REAL NOT NULL,
    cover_basis REAL NOT NULL,
    units_relieved REAL NOT NULL,
    buy_notional REAL NOT NULL,
    sell_notional REAL NOT NULL,
    realised_pnl REAL NOT NULL,
    fee_basis REAL NOT NULL,
    withdrawn_basis REAL NOT NULL,
    estimated_relieved REAL NOT NULL,
    unvalued INTEGER NOT NULL,              -- trade legs and relieved lots that have no value
    cost_time REAL NOT NULL,                -- integral of inventory_cost
    estimated_time REAL NOT NULL,           -- integral of estimated_cost
    units_time REAL NOT NULL,               -- integral of abs(quantity)
    active_time INTEGER NOT NULL,
    unpriced_time INTEGER NOT NULL,
    market_time REAL NOT NULL,              -- integral of abs(quantity) * mark
    unmarked_time INTEGER NOT NULL,         -- time with a position and no mark
    held_time REAL NOT NULL,                -- sum of relieved basis * its holding time
    held_5s REAL NOT NULL,                  -- relieved basis held under 5 s
    held_1m REAL NOT NULL,                  -- 5 s to 1 min
    held_1h REAL NOT NULL,
    held_1d REAL NOT NULL,
    cross_buy REAL NOT NULL,                -- the part of buy_notional from quote legs of crosses: the fill shows it
    cross_sell REAL NOT NULL,               -- in both assets, a portfolio takes these off and so counts it once
    PRIMARY KEY (pool, time_ms, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE segments (
    pool INTEGER NOT NULL REFERENCES pools (id),
    segment INTEGER NOT NULL,
    first_ordinal INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,               -- of its first event
    peak REAL NOT NULL,                     -- greatest inventory_cost after any of its events
    sums BLOB NOT NULL,                     -- the running sums before its first event, float64 pairs (high, low)
    state BLOB NOT NULL,                    -- open lots before its first event: where a restatement starts from
    PRIMARY KEY (pool, segment)
) STRICT, WITHOUT ROWID;

CREATE TABLE lots (
    pool INTEGER NOT NULL REFERENCES pools (id),
    lot INTEGER NOT NULL,
    opened_ms INTEGER NOT NULL,             -- the acquisition, kept through transfers: its age counts from here
    entered_ms INTEGER NOT NULL,            -- when it came into this pool
    quantity TEXT NOT NULL,                 -- signed, as it came in
    basis REAL,                             -- total, as it came in; null if it could not be valued
    estimated INTEGER NOT NULL,
    closed_ms INTEGER,                      -- null while any of it is open
    fill INTEGER,                           -- the fill or movement that opened it
    movement INTEGER,
    PRIMARY KEY (pool, lot)
) STRICT, WITHOUT ROWID;
CREATE INDEX lots_closed ON lots (pool, closed_ms);

CREATE TABLE reliefs (                      -- one row for each part of a lot that an event relieved
    pool INTEGER NOT NULL REFERENCES pools (id),
    time_ms INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    lot INTEGER NOT NULL,
    quantity TEXT NOT NULL,                 -- positive
    basis REAL,
    held_ms INTEGER NOT NULL,
    kind TEXT NOT NULL,                     -- trade, fee, withdrawal, transfer, ...
    PRIMARY KEY (pool, time_ms, ordinal, lot)
) STRICT, WITHOUT ROWID;
CREATE INDEX reliefs_lot ON reliefs (pool, lot);

CREATE TABLE marks (                        -- last known price of one unit in the reporting currency
    asset TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    mark REAL NOT NULL,
    mark_time REAL NOT NULL,                -- integral of mark since the asset's first mark
    source TEXT NOT NULL,                   -- 'kraken BTC/USD candle', 'peg', ...
    PRIMARY KEY (asset, time_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE coverage (                     -- when an account's ledger is proven complete, as last measured
    account TEXT NOT NULL REFERENCES accounts (account),
    start_ms INTEGER NOT NULL,
    end_ms INTEGER NOT NULL,
    PRIMARY KEY (account, start_ms)
) STRICT, WITHOUT ROWID;

CREATE TABLE restatements (
    id INTEGER PRIMARY KEY,
    time_ms INTEGER NOT NULL,               -- when it was noticed
    asset TEXT NOT NULL,
    since_ms INTEGER NOT NULL,              -- earliest touched instant
    measure TEXT NOT NULL,                  -- what moved
    before REAL,
    after REAL,
    cause TEXT NOT NULL                     -- the fill or price that moved it
) STRICT;
