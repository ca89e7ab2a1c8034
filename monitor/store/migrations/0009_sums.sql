-- The running sums of a track's row are one value: 25 columns, half of them 0, took most of the time of storing a row.
-- Everything that was computed is computed again by the next measurement; until then each asset is told as restating.

INSERT INTO touched (asset, since_ms, whole)
SELECT p.asset, min(t.time_ms), 1 FROM pools p
JOIN track t ON t.pool = p.id AND t.time_ms = (SELECT min(time_ms) FROM track WHERE pool = p.id)
GROUP BY p.asset
ON CONFLICT (asset, account, book) DO UPDATE SET since_ms = min(since_ms, excluded.since_ms), whole = 1;

DROP TABLE track;
CREATE TABLE track (                        -- one row an event
    pool INTEGER NOT NULL REFERENCES pools (id),
    time_ms INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,               -- place among all events of the pool
    segment INTEGER NOT NULL,
    quantity TEXT NOT NULL,                 -- signed position after the event
    inventory_cost REAL NOT NULL,           -- sum of |quantity| * unit basis over open lots, after the event
    estimated_cost REAL NOT NULL,           -- the part of it on estimated basis
    unpriced INTEGER NOT NULL,              -- 1 while a lot without a basis is open
    active INTEGER NOT NULL,                -- 1 while abs(quantity) is above dust
    sums BLOB NOT NULL,                     -- since the segment's start: monitor.schema.unpacked reads them
    PRIMARY KEY (pool, time_ms, ordinal)
) STRICT, WITHOUT ROWID;

DELETE FROM segments;
DELETE FROM lots;
DELETE FROM reliefs;
DELETE FROM marks;
DELETE FROM tips;
