-- Where a pool stands after its last event: what new events go on from without a look at those before.
-- It can be deleted at any time; a pool without one goes on from its last segment.

CREATE TABLE tips (
    pool INTEGER PRIMARY KEY REFERENCES pools (id),
    time_ms INTEGER NOT NULL,               -- of the last event
    events INTEGER NOT NULL,                -- how many there are
    tip BLOB NOT NULL                       -- monitor.turnover.tips
) STRICT;
