-- What makes a new or a late row cheap: which pools are stale, and the rows that belong to a moment found by index.

CREATE TABLE stale (                        -- pools whose derived rows are older than the ledger, and from when
    asset TEXT NOT NULL,
    account TEXT NOT NULL DEFAULT '',       -- empty: those of every account
    book TEXT NOT NULL DEFAULT '',          -- empty: of every book
    since_ms INTEGER NOT NULL,
    whole INTEGER NOT NULL DEFAULT 0,       -- 1: a row was replaced, nothing that was computed with it may be kept
    priced INTEGER NOT NULL DEFAULT 0,      -- 1: a price came in since that may value it
    PRIMARY KEY (asset, account, book)
) STRICT, WITHOUT ROWID;
INSERT INTO stale (asset, since_ms, whole) SELECT asset, since_ms, 1 FROM touched;
DROP TABLE touched;
ALTER TABLE stale RENAME TO touched;

-- The last price of each series before an instant is one descent.
CREATE INDEX prices_series ON prices (base, quote, exchange, source, time_ms);

CREATE INDEX movements_to ON movements (to_asset, time_ms) WHERE to_asset IS NOT NULL;

CREATE TABLE movement_fees (                -- who pays fees in an asset: kept by the two triggers below
    asset TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    movement INTEGER NOT NULL REFERENCES movements (id),
    PRIMARY KEY (asset, time_ms, movement)
) STRICT, WITHOUT ROWID;
INSERT OR IGNORE INTO movement_fees (asset, time_ms, movement)
SELECT json_extract(e.value, '$[0]'), m.time_ms, m.id FROM movements m JOIN json_each(m.fees) e;
CREATE TRIGGER movement_pays AFTER INSERT ON movements WHEN NEW.fees <> '[]' BEGIN
    INSERT OR IGNORE INTO movement_fees (asset, time_ms, movement)
    SELECT json_extract(e.value, '$[0]'), NEW.time_ms, NEW.id FROM json_each(NEW.fees) e;
END;
CREATE TRIGGER movement_revised AFTER UPDATE ON movements BEGIN
    DELETE FROM movement_fees WHERE movement = NEW.id;
    INSERT OR IGNORE INTO movement_fees (asset, time_ms, movement)
    SELECT json_extract(e.value, '$[0]'), NEW.time_ms, NEW.id FROM json_each(NEW.fees) e;
END;

-- An option is an asset of its own, by its symbol: however its fill comes in, the symbol is stale, not the coin alone.
CREATE TRIGGER option_filled AFTER INSERT ON fills WHEN NEW.book = 'option' BEGIN
    INSERT INTO touched (asset, account, book, since_ms) VALUES (NEW.symbol, NEW.account, NEW.book, NEW.time_ms)
    ON CONFLICT (asset, account, book) DO UPDATE SET since_ms = min(since_ms, excluded.since_ms);
END;
CREATE TRIGGER option_revised AFTER UPDATE ON fills WHEN 'option' IN (NEW.book, OLD.book) BEGIN
    INSERT INTO touched (asset, since_ms, whole) VALUES (OLD.symbol, OLD.time_ms, 1), (NEW.symbol, NEW.time_ms, 1)
    ON CONFLICT (asset, account, book) DO UPDATE SET since_ms = min(since_ms, excluded.since_ms), whole = 1;
END;
