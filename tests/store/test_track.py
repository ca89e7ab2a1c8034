"""The derived tables: replaced for some assets or for all, and read back."""

from __future__ import annotations

import struct
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import Window
from monitor.records import Account, Batch, Movement, StreamKey
from monitor.schema import HEAD, MARKS, SUMS
from monitor.store import answers, peaks, samples, states
from monitor.store.ledger import commit_batch, commit_movements, register_account
from monitor.store.rewriting import CUT, TABLES
from monitor.store.track import Derived, PoolKey, converted_with, refresh_coverage, replace_tracks

if TYPE_CHECKING:
    from monitor.store.answers import Pool
    from monitor.store.database import Writer
    from monitor.store.rewriting import Rows, Value

ONE = Decimal(1)
NO_SUMS = bytes(HEAD)
PAIRS = 2 * len(SUMS)


def key(asset: str, account: str = "") -> PoolKey:
    """Return the key of an asset's spot pool."""
    return PoolKey("account" if account else "portfolio", account, asset, "spot", "fifo")


def table(name: str, *rows: tuple[Value, ...]) -> Rows:
    """Return rows of a table as a computation brings them."""
    cut = list({**TABLES, "marks": MARKS}[name]).index(CUT[name])

    def cut_rows(since: int | None) -> list[tuple[Value, ...]]:
        return [row for row in rows if since is None or row[cut] is None or int(str(row[cut])) >= since]

    return cut_rows


def prefix(first: float) -> bytes:
    """Return the sums before a segment: numbers in a row, so that no two of them are alike."""
    return struct.pack(f"<{PAIRS}d", *(first + place for place in range(PAIRS)))


def track(*events: tuple[int, str, float], segment_of: int = 100, before: float = 0.0) -> dict[str, Rows]:
    """Return the rows of a pool from (time, quantity, inventory cost) after each event, `segment_of` to a segment.

    The sums before its first segment count from `before` on, those of each further one from a thousand more.
    """
    numbered = list(enumerate(events))
    parts = [numbered[start : start + segment_of] for start in range(0, len(numbered), segment_of)]
    rows: list[tuple[Value, ...]] = [
        (time, ordinal, ordinal // segment_of, quantity, cost, 0.0, 0, 1, NO_SUMS)
        for ordinal, (time, quantity, cost) in numbered
    ]
    segments: list[tuple[Value, ...]] = [
        (number, part[0][0], part[0][1][0], max(cost for _, (_, _, cost) in part), prefix(before + 1000 * number), b"")
        for number, part in enumerate(parts)
    ]
    return {"track": table("track", *rows), "segments": table("segments", *segments)}


def put(writer: Writer, derived: Derived, assets: set[str] | None = None, since: dict[str, int] | None = None) -> None:
    """Store derived rows in a transaction."""
    with writer.transaction() as connection:
        replace_tracks(connection, derived, assets, since)


def pool(writer: Writer, asset: str) -> Pool:
    """Return the stored pool of an asset."""
    (found,) = answers.pools(writer.connection, "portfolio", "fifo", [asset])
    return found


def test_only_the_named_assets_are_replaced(writer: Writer) -> None:
    """Rows and marks of other assets stay; an asset that brings nothing any more is gone."""
    marks = {asset: table("marks", (asset, 1, 9.0, 0.0, "x")) for asset in ("BTC", "ETH")}
    put(writer, Derived({key("BTC"): track((5, "1", 10.0)), key("ETH"): track((6, "2", 20.0))}, marks))
    put(writer, Derived({key("BTC"): track((7, "3", 30.0))}), {"BTC", "ETH"})
    assert [p.asset for p in answers.pools(writer.connection, "portfolio", "fifo")] == ["BTC"]
    last = states.track_at(writer.connection, pool(writer, "BTC"), 10)
    assert last is not None
    assert (last.time, last.quantity, last.inventory_cost) == (7, "3", 30.0)
    assert writer.connection.execute("SELECT count(*) FROM marks").fetchone() == (0,)
    put(writer, Derived({key("ETH"): track((8, "4", 40.0))}), {"ETH"})
    assert states.track_at(writer.connection, pool(writer, "BTC"), 10) == last


def quantities(writer: Writer) -> list[str]:
    """Return the stored quantity after each event."""
    return [row[0] for row in writer.connection.execute("SELECT quantity FROM track ORDER BY time_ms, ordinal")]


def test_unchanged_past_is_not_written_again(writer: Writer) -> None:
    """Where the last row before the touched instant is the same, only what follows is replaced."""
    put(writer, Derived({key("BTC"): track((1, "1", 1.0), (2, "2", 2.0), (3, "3", 3.0))}))
    # The first row differs, which the engine never brings: that it stays shows that it was not written.
    put(writer, Derived({key("BTC"): track((1, "9", 9.0), (2, "2", 2.0), (4, "4", 4.0))}), {"BTC"}, {"BTC": 3})
    assert quantities(writer) == ["1", "2", "4"]


@pytest.mark.parametrize("events", [((1, "1", 1.0), (2, "7", 2.0)), ((1, "1", 1.0), (2, "2", 7.0)), ((2, "2", 2.0),)])
def test_changed_past_is_written_whole(writer: Writer, events: tuple[tuple[int, str, float], ...]) -> None:
    """Where the last row before the touched instant differs in anything, all of the pool is replaced."""
    put(writer, Derived({key("BTC"): track((1, "1", 1.0), (2, "2", 2.0), (3, "3", 3.0))}))
    put(writer, Derived({key("BTC"): track(*events)}), {"BTC"}, {"BTC": 3})
    assert quantities(writer) == [quantity for _, quantity, _ in events]


def test_state_before_an_instant(writer: Writer) -> None:
    """The state at an instant is that after the last event before it, ties by their place."""
    put(writer, Derived({key("BTC"): track((5, "1", 10.0), (5, "2", 20.0), (9, "3", 30.0))}))
    found = [states.track_at(writer.connection, pool(writer, "BTC"), instant) for instant in (5, 6, 9, 10)]
    assert [row.quantity if row else None for row in found] == [None, "2", "2", "3"]


def test_marks_run_on_from_the_last_event(writer: Writer) -> None:
    """From instant 3 to 10 with no mark before 5, 2 a unit until 8 and 4 from there: 2 * 3 + 4 * 2, 2 unmarked."""
    marks = table("marks", ("BTC", 5, 2.0, 0.0, "x"), ("BTC", 8, 4.0, 6.0, "x"))
    put(writer, Derived({key("BTC"): track((3, "7", 10.0))}, {"BTC": marks}))
    last = states.track_at(writer.connection, pool(writer, "BTC"), 10)
    assert last is not None
    assert (last.mark_time, last.unmarked) == (2 * 3 + 4 * 2, 5 - 3)


@pytest.mark.parametrize(
    ("start", "end", "integral"),
    [(5, 8, 2 * 3), (6, 8, 2 * 2), (6, 9, 2 * 2 + 4 * 1), (8, 9, 4), (9, 12, 4 * 3), (7, 7, 0)],
)
def test_mark_integral(writer: Writer, start: int, end: int, integral: float) -> None:
    """A mark counts from the instant it is known."""
    put(writer, Derived({}, {"BTC": table("marks", ("BTC", 5, 2.0, 0.0, "x"), ("BTC", 8, 4.0, 6.0, "x"))}))
    assert states.mark_integral(writer.connection, "BTC", start, end) == (integral, 0)


def test_peak_reads_whole_segments_by_their_summary(writer: Writer) -> None:
    """The greatest cost after an event of the window, whatever segments it begins and ends in."""
    costs = [3.0, 9.0, 4.0, 8.0, 5.0, 7.0, 1.0, 6.0]
    events = [(time, "1", cost) for time, cost in enumerate(costs)]
    put(writer, Derived({key("BTC"): track(*events, segment_of=2)}))
    for start in range(9):
        for end in range(start + 1, 10):
            found = peaks.peak(writer.connection, pool(writer, "BTC"), Window(start, end), (0, 3))
            assert found == max(costs[start:end], default=0.0)


def test_open_lots(writer: Writer) -> None:
    """A lot is open from its entry until its last unit has left; what is left of its basis is what was not relieved."""
    lots = table(
        "lots",
        (0, 1, 1, "4", 40.0, 0, 9, 1, None),
        (1, 2, 3, "-1", 7.0, 0, None, 2, None),
        (2, 1, 1, "1", None, 0, None, 2, None),
    )
    reliefs = table("reliefs", (5, 3, 0, "1", 10.0, 4, "trade"), (9, 4, 0, "3", 30.0, 8, "trade"))
    put(writer, Derived({key("BTC"): {"lots": lots, "reliefs": reliefs}}))
    found = [answers.open_lots(writer.connection, pool(writer, "BTC"), instant) for instant in (3, 4, 6, 9, 10)]
    first, short, unknown = (1, 0, 40.0), (2, 1, 7.0), (1, 0, None)
    rest = (1, 0, 30.0)
    assert found == [
        [first, unknown],
        [first, short, unknown],
        [rest, short, unknown],
        [rest, short, unknown],
        [short, unknown],
    ]


def test_grid_of_positions(writer: Writer) -> None:
    """Positions on an even grid, both ends included, each after all events before it."""
    put(writer, Derived({key("BTC"): track((0, "1", 1.0), (25, "-2", 1.0))}))
    assert peaks.grid(writer.connection, pool(writer, "BTC"), Window(0, 100), 4) == [0, 1, -2, -2, -2]


@pytest.mark.parametrize("times", [1, 70])
@pytest.mark.parametrize(("start", "end"), [(0, 12), (3, 9), (5, 6), (20, 30), (-9, 0), (-5, 4)])
def test_course_of_a_window(writer: Writer, start: int, end: int, times: int) -> None:
    """Peak and positions are those of each instant's state; few events are read through, many found by index."""
    costs = [3.0, 9.0, 4.0, 8.0, 5.0, 7.0, 1.0, 6.0, 2.0, 11.0, 1.5, 3.5] * times
    events = [(time, str(int(cost)), cost) for time, cost in enumerate(costs)]
    put(writer, Derived({key("BTC"): track(*events, segment_of=100)}))
    btc, window = pool(writer, "BTC"), Window(start * times, end * times)
    first, last = (states.track_at(writer.connection, btc, instant) for instant in (window.start, window.end))
    highest, positions = peaks.course(writer.connection, btc, window, (first, last))
    instants = [window.start + window.milliseconds * step // peaks.GRID for step in range(peaks.GRID + 1)]
    assert positions == [
        float(one.quantity) if one else 0.0
        for one in (states.track_at(writer.connection, btc, instant) for instant in instants)
    ]
    opening = [first.inventory_cost] if first else []
    assert highest == max([*opening, *costs[max(window.start, 0) : max(window.end, 0)]], default=0.0)


@pytest.mark.parametrize("instants", [(5, 9), (0, 40), (-1, 0, 1), (11, 40), range(-2, 16), (3,), (-3,)])
def test_many_instants_are_each_the_state_before_them(writer: Writer, instants: tuple[int, ...]) -> None:
    """Whether the events between them are read through or each is found by index; ties count by their place."""
    events = [(time, str(number), float(number)) for number, time in enumerate([0, 0, 1, 2, 2, 2, 5, 6, 7, 8, 11, 11])]
    other = track(*events, segment_of=3, before=500.0)
    put(writer, Derived({key("BTC"): track(*events, segment_of=3), key("ETH"): other, key("ADA"): other}))
    btc = pool(writer, "BTC")
    found = samples.stands(writer.connection, btc, instants, SUMS)
    wanted = {instant: states.track_at(writer.connection, btc, instant) for instant in instants}
    # What the mark adds to a state is left out of those of a line.
    assert found == {instant: one._replace(unmarked=0) for instant, one in wanted.items() if one}


def test_only_what_some_events_relieved_was_held(writer: Writer) -> None:
    """Fees and lots without a value have no holding time, and neither has what lies outside the window."""
    rows = [
        (5, 1, 0, "1", 5.0, 7, "trade"),
        (5, 2, 0, "1", 6.0, 7, "fee"),
        (5, 3, 0, "1", None, 7, "trade"),
        (9, 4, 0, "1", 8.0, 7, "trade"),
    ]
    put(writer, Derived({key("BTC"): {"reliefs": table("reliefs", *rows)}}))
    assert answers.held(writer.connection, pool(writer, "BTC"), Window(5, 9), ["trade"]) == [(7, 5.0)]


def test_conversions_join_assets(writer: Writer) -> None:
    """Assets that convert into each other, over any number of steps, are computed together; transfers join nothing."""
    moved = [
        Movement("paper", "file", "1", 1, "convert", "A", ONE, to_asset="B", received=ONE),
        Movement("paper", "file", "2", 1, "convert", "B", ONE, to_asset="C", received=ONE),
        Movement("paper", "file", "3", 1, "transfer", "D", ONE, to_account="main", received=ONE),
    ]
    commit_movements(writer, moved, 1)
    assert converted_with(writer.connection, {"A"}) == {"A", "B", "C"}
    assert converted_with(writer.connection, {"D"}) == {"D"}


def test_coverage_of_every_read_account(writer: Writer) -> None:
    """What the streams prove is copied for accounts that are read; imported ones need no proof."""
    register_account(writer, Account("extra", "okx"), 1)
    commit_batch(writer, Batch(StreamKey("main", "fills"), proven=(5, 9), cursor=9), 9)
    with writer.transaction() as connection:
        assert refresh_coverage(connection)
        assert not refresh_coverage(connection)
    assert answers.coverage(writer.connection) == {"extra": (), "main": ((5, 9),), "other": (), "paper": None}
