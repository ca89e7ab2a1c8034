"""Stage two: one SQLite file, written by one process, read by everybody."""
