-- How well an account's venue is known: by recorded answers, by its profile alone, or not at all.

ALTER TABLE accounts ADD COLUMN tier TEXT;  -- proven, profile, default; null of imported files, and before the next read
