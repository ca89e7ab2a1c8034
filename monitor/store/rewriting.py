"""The rows of one pool put in the place of those that are stored, all of them or what may have changed."""

# ruff: noqa: S608  the names of tables and columns are our own constants; every value is bound

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from monitor.schema import LOTS, MARKS, RELIEFS, SEGMENTS, TRACK

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

Value = str | int | float | bytes | None

Row = Sequence[Value]

# Tables of one pool each, in the order they are filled: lots before what was relieved of them.
TABLES = {"track": TRACK, "segments": SEGMENTS, "lots": LOTS, "reliefs": RELIEFS}
# The instant that tells whether a row may have changed: a lot does until it is closed.
CUT = {"track": "time_ms", "segments": "time_ms", "lots": "closed_ms", "reliefs": "time_ms", "marks": "time_ms"}
FIRST = -(2**62)  # before every instant
PEAK, SEGMENT = list(SEGMENTS).index("peak"), list(SEGMENTS).index("segment")
LOT, CLOSED = list(LOTS).index("lot"), list(LOTS).index("closed_ms")


class Rows(Protocol):
    """The rows of one table, of one pool or of the marks, in the order of its columns in `monitor.schema`."""

    def __call__(self, since: int | None) -> Iterable[Row]:
        """Return all rows, or those whose instant (`CUT`) is `since` or later, or is missing."""
        ...


def replace_pool(
    connection: sqlite3.Connection, pool: int, tables: Mapping[str, Rows], cut: tuple[int, int] | None
) -> None:
    """Replace the rows of a pool; `cut` tells from when on, the segments from another instant (None: all of them)."""
    connection.execute("DELETE FROM tips WHERE pool = ?", (pool,))
    for table in TABLES:
        start = None if cut is None else cut[table == "segments"]
        if table not in tables:
            continue
        if start is not None and table in TAILS:
            TAILS[table](connection, pool, tables[table], start)
        else:
            write(connection, (table, "pool"), pool, tables[table], start)


def _write_lots(connection: sqlite3.Connection, pool: int, rows: Rows, since: int) -> None:
    """Replace the lots that came in or were closed from an instant on; most of those open before are as they were.

    Lots are numbered as they come in, so that the new ones are the last. An average lot, the only one open, grows.
    """
    (kept,) = connection.execute(
        "SELECT coalesce((SELECT lot FROM lots WHERE pool = ? AND entered_ms < ? ORDER BY lot DESC LIMIT 1), -1)",
        (pool, since),
    ).fetchone()
    (averaged,) = connection.execute("SELECT method = 'wac' FROM pools WHERE id = ?", (pool,)).fetchone()
    connection.execute("DELETE FROM lots WHERE pool = ? AND lot > ?", (pool, kept))
    # What is not closed again is open again.
    connection.execute("UPDATE lots SET closed_ms = NULL WHERE pool = ? AND closed_ms >= ?", (pool, since))
    lots = [*rows(since)]
    new = [row for row in lots if averaged or int(str(row[LOT])) > kept]
    closed = [(row[CLOSED], row[LOT]) for row in lots if row[CLOSED] is not None]
    # A lot is told as it came in: nothing else of it changes, and to write it anew takes several times as long.
    connection.executemany(f"UPDATE lots SET closed_ms = ? WHERE pool = {pool} AND lot = ?", closed)
    names, marks, how = ", ".join(LOTS), ", ".join("?" * len(LOTS)), "OR REPLACE" if averaged else ""
    connection.executemany(f"INSERT {how} INTO lots (pool, {names}) VALUES ({pool}, {marks})", new)


def _write_segments(connection: sqlite3.Connection, pool: int, rows: Rows, since: int) -> None:
    """Replace the segments that begin at an instant or later; one that only went on keeps what it began with.

    Its open lots may be megabytes, and to find segments by their time would pass over those of the whole history.
    """
    segments = [*rows(since)]
    if not segments:
        write(connection, ("segments", "pool"), pool, rows, since)
        return
    first = int(str(segments[0][SEGMENT]))
    names, marks = ", ".join(SEGMENTS), ", ".join("?" * len(SEGMENTS))
    ask = f"SELECT {names} FROM segments WHERE (pool, segment) = (?, ?)"
    goes_on = same_but_peak(connection.execute(ask, (pool, first)).fetchone() or (), segments[0])
    connection.execute("DELETE FROM segments WHERE pool = ? AND segment >= ?", (pool, first + goes_on))
    if goes_on:
        change = "UPDATE segments SET peak = ?1 WHERE (pool, segment) = (?2, ?3) AND peak <> ?1"
        connection.execute(change, (segments[0][PEAK], pool, first))
    connection.executemany(f"INSERT INTO segments (pool, {names}) VALUES ({pool}, {marks})", segments[goes_on:])


def same_but_peak(one: Row, other: Row) -> bool:
    """Tell whether two rows of a segment begin with the same; the peak is of all of it, of which the end may be new."""
    return [*one[:PEAK], *one[PEAK + 1 :]] == [*other[:PEAK], *other[PEAK + 1 :]]


def write(
    connection: sqlite3.Connection, place: tuple[str, str], owner: int | str, rows: Rows, since: int | None
) -> None:
    """Replace the rows of one pool or asset, or those from an instant on."""
    table, column = place
    start = FIRST if since is None else since
    for changed in (f"{CUT[table]} >= {start}", f"{CUT[table]} IS NULL"):
        connection.execute(f"DELETE FROM {table} WHERE {column} = ? AND {changed}", (owner,))
    columns = [f'"{name}"' for name in {**TABLES, "marks": MARKS}[table]]
    values = ["?"] * len(columns)
    if column not in MARKS:
        # A pool's number stands in the statement: as a parameter it would have to be put before every row.
        columns, values = [column, *columns], [str(owner), *values]
    connection.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join(values)})", rows(since))


TAILS = {"lots": _write_lots, "segments": _write_segments}
