-- What the alerts remember and what they still have to say; one transaction an evaluation, one row a fact.

CREATE TABLE rule_states (                  -- where each (rule, subject) stands: monitor.episodes.AlertState
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,                  -- BTC, BTC@kraken-main, portfolio, kraken-main, a job's name
    since_ms INTEGER NOT NULL,              -- when the phase began
    evaluated_ms INTEGER NOT NULL,
    phase TEXT NOT NULL,                    -- ok, pending, firing, recovering
    verdict TEXT,                           -- breach, between, clear; null without data
    held_ms INTEGER NOT NULL,               -- evaluated time the phase's condition has held
    counter INTEGER NOT NULL,               -- last episode number given; numbers are never given twice
    episode INTEGER,                        -- the firing episode that is open
    breached_ms INTEGER,
    fired_ms INTEGER,
    told_ms INTEGER,
    reminders INTEGER NOT NULL,
    value REAL,
    worst REAL,
    blind TEXT,                             -- no_data, error; null with data
    blind_since_ms INTEGER,
    blind_held_ms INTEGER NOT NULL,
    blind_episode INTEGER,
    reason TEXT,
    PRIMARY KEY (rule, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE episodes (                     -- one stay in trouble, from its first notice to its end
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,
    episode INTEGER NOT NULL,
    kind TEXT NOT NULL,                     -- firing, no_data
    severity TEXT NOT NULL,
    metric TEXT NOT NULL,
    unit TEXT NOT NULL,
    since_ms INTEGER NOT NULL,              -- when the trouble began
    told_ms INTEGER NOT NULL,               -- when its first notice was decided
    ended_ms INTEGER,                       -- null while it lasts
    value REAL,                             -- at the first notice
    worst REAL,
    threshold REAL,
    reason TEXT,                            -- why it began (no_data) or ended
    notes TEXT NOT NULL DEFAULT '[]',       -- JSON list: restatements that touched it afterwards
    PRIMARY KEY (rule, subject, episode)
) STRICT, WITHOUT ROWID;
CREATE INDEX episodes_told ON episodes (told_ms);

CREATE TABLE measurements (                 -- what every rule saw; pruned
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    value REAL,
    reason TEXT,
    standing TEXT NOT NULL,                 -- measured, exempt, failed
    inventory REAL,
    fills INTEGER,
    context TEXT NOT NULL DEFAULT '{}',     -- JSON; kept where something changed by it
    PRIMARY KEY (rule, subject, time_ms)
) STRICT, WITHOUT ROWID;
CREATE INDEX measurements_time ON measurements (time_ms);

CREATE TABLE outbox (                       -- one row a message and channel: a dead channel never blocks another
    id INTEGER PRIMARY KEY AUTOINCREMENT,   -- the order in which they were decided
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,
    episode INTEGER NOT NULL,
    kind TEXT NOT NULL,                     -- firing, reminder, resolved, no_data
    ordinal INTEGER NOT NULL,               -- counts reminders; 0 otherwise
    channel TEXT NOT NULL,
    severity TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'collapsed', 'dead')),
    notice TEXT NOT NULL,                   -- monitor.episodes.Notice, JSON
    created_ms INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    next_try_ms INTEGER NOT NULL,
    holder TEXT,                            -- who is sending it now
    lease_until_ms INTEGER,                 -- after this instant anybody may send it
    last_error TEXT,
    finished_ms INTEGER,
    UNIQUE (rule, subject, episode, kind, ordinal, channel)
) STRICT;
CREATE INDEX outbox_waiting ON outbox (channel, rule, subject, id) WHERE state = 'waiting';
CREATE INDEX outbox_finished ON outbox (state, finished_ms);

CREATE TABLE silences (                     -- hold back sending, not states
    id INTEGER PRIMARY KEY,
    rule TEXT NOT NULL,                     -- patterns as in file names: *, ?, [...]
    subject TEXT NOT NULL,
    severity TEXT NOT NULL DEFAULT '*',
    from_ms INTEGER NOT NULL,
    until_ms INTEGER NOT NULL CHECK (until_ms > from_ms),
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    lifted_ms INTEGER                       -- ended before its time
) STRICT;

CREATE TABLE acks (                         -- somebody cares: no more of this episode but its end
    rule TEXT NOT NULL,
    subject TEXT NOT NULL,
    episode INTEGER NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    until_ms INTEGER,                       -- null: until it is resolved
    PRIMARY KEY (rule, subject, episode)
) STRICT, WITHOUT ROWID;

CREATE TABLE job_runs (
    id INTEGER PRIMARY KEY,
    job TEXT NOT NULL,
    started_ms INTEGER NOT NULL,
    finished_ms INTEGER,                    -- null: still running, or the process died
    ok INTEGER,
    error TEXT,
    committed_ms INTEGER                    -- its last commit, for the watchdog
) STRICT;
CREATE INDEX job_runs_job ON job_runs (job, id);
CREATE INDEX job_runs_started ON job_runs (started_ms);
