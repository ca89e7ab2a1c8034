"""The kernel: methods, segments, going on from a saved state, and machine code that is kept."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from monitor.schema import LOTS, MARKS, RELIEFS, SEGMENTS, SUMS, TRACK
from monitor.turnover.arrays import Terms
from monitor.turnover.columns import MADE
from monitor.turnover.partition import Finished, Marks, lay_out, run
from monitor.turnover.partitions import batches, partitions, planned
from monitor.turnover.track import Plan, PoolKey, Start, recompute
from tests.turnover.conftest import opened

if TYPE_CHECKING:
    from monitor.turnover.track import Tracks
    from tests.turnover.conftest import Desk

DAY = 86_400_000
METHODS = ("fifo", "lifo", "hifo", "lofo", "wac")


def busy(desk: Desk, fills: int, book: str = "margin") -> None:
    """Write a seeded book of many fills with ties, shorts and crossings."""
    random, day = Random(fills), 1.0  # noqa: S311  a book that is the same each time, not a secret
    for _ in range(fills):
        day += random.choice((0, 1e-6, 0.001, 0.05))
        amount, price = str(random.randint(1, 40) / 8), str(random.randint(900, 1100) / 10)
        more = {"contract_size": "10", "settle": "X", "inverse": 1} if book == "inverse" else {}
        desk.fill(day, random.choice(("buy", "sell")), amount, "X/USD", price, book=book, **more)
    desk.price(2, "X/USD", "100")
    desk.price(20, "X/USD", "101")


def test_frames_have_the_columns_of_the_tables(desk: Desk) -> None:
    """What comes out has the names and types that the schema states."""
    busy(desk, 5)
    tracks = desk.tracks()
    pool = tracks.pools[PoolKey("portfolio", "", "X", "margin", "fifo")]
    frames = (pool.track, pool.segments, pool.lots, pool.reliefs, tracks.marks)
    for frame, columns in zip(frames, (TRACK, SEGMENTS, LOTS, RELIEFS, MARKS), strict=True):
        assert {name: str(kind) for name, kind in frame.schema.items()} == columns


def test_segments_keep_the_sums_before_them(desk: Desk) -> None:
    """A segment's pairs hold the sums of all rows before it: its first row goes on from nothing."""
    busy(desk, 5_000)
    pool = desk.pool("X", book="margin")
    sums = [np.frombuffer(blob, dtype="<f8").reshape(len(SUMS), 2).sum(axis=1) for blob in pool.segments["sums"]]
    total = np.zeros(len(SUMS))
    for segment, before in enumerate(sums):
        assert before == pytest.approx(total, rel=1e-13)
        rows = opened(pool.track).filter(segment=segment)
        assert pool.segments["first_ordinal"][segment] == rows["ordinal"][0]
        assert pool.segments["peak"][segment] == rows["inventory_cost"].max()
        total += np.array([float(rows[name][-1]) for name in SUMS])
    assert len(sums) > 2
    assert dict(zip(SUMS, total, strict=True))["fills"] == 5_000


@pytest.mark.parametrize(("method", "book"), [*((method, "margin") for method in METHODS), ("wac", "inverse")])
def test_going_on_from_any_segment(desk: Desk, method: str, book: str) -> None:
    """Going on from the state before a segment gives the very bits of a run from nothing."""
    busy(desk, 7_000, book)
    whole = desk.pool("X", method=method, book=book)
    key = PoolKey("portfolio", "", "X", book, method)
    for segment in whole.segments.to_dicts():
        start = Start(segment["time_ms"], segment["sums"], segment["state"])
        pool = resumed(desk, method, {key: start}).pools[key]
        ordinal = segment["first_ordinal"]
        assert pool.track.equals(whole.track.filter(pl.col("ordinal") >= ordinal))
        assert pool.reliefs.equals(whole.reliefs.filter(pl.col("ordinal") >= ordinal))
        assert pool.segments.equals(whole.segments.filter(pl.col("segment") >= segment["segment"]))
        assert pool.lots.equals(whole.lots.filter(pl.col("lot").is_in(pool.lots["lot"].implode())))


@pytest.mark.parametrize(("method", "book"), [*((method, "margin") for method in METHODS), ("wac", "inverse")])
def test_going_on_in_the_middle_of_a_segment(desk: Desk, method: str, book: str) -> None:
    """Going on after any event, page by page across the ends of segments, gives the very bits of a run from nothing."""
    key, start = PoolKey("portfolio", "", "X", book, method), Start(0)
    busy(desk, 5_000, book)
    whole, (fills, movements, prices) = desk.pool("X", method=method, book=book), desk.frames()
    told: list[tuple[object, ...]] = []
    lots: dict[int, tuple[object, ...]] = {}
    # What has one instant comes with one page.
    begins = [at for at in range(200, 5_000) if fills["time_ms"][at] > fills["time_ms"][at - 1]]
    cuts = sorted({min(one for one in begins if one >= cut) for cut in (200, 201, 500, 2_047, 2_049, 4_090, 4_100)})
    for first, end in pairwise((0, *cuts, 5_000)):
        tracks = recompute(fills[first:end], movements, prices, desk.valued(method), plan=Plan({key: start}))
        told += tracks.rows[key]["track"]
        lots.update({int(str(row[0])): row for row in tracks.rows[key]["lots"]})
        assert tracks.rows[key]["segments"] == tracks.pools[key].segments.rows()
        last = tracks.pools[key].segments.row(-1, named=True)
        assert last["peak"] == max(float(str(row[4])) for row in told if row[2] == last["segment"])
        where = (tracks.tips[key], last["time_ms"], last["first_ordinal"])
        start = Start(int(str(told[-1][0])) + 1, last["sums"], last["state"], None, *where)
    assert told == whole.track.rows()
    assert tracks.rows[key]["segments"][-1] == whole.segments.row(-1)
    assert [lots[number] for number in sorted(lots)] == whole.lots.rows()


def test_plain_rows_are_the_frames(desk: Desk) -> None:
    """Rows made one by one are those of the frames: quantities of any size, what is missing, kinds and all."""
    desk.fill(1, "buy", "2.5", "X/USD", "10", fees=[("X", "0.0000001")])
    desk.fill(2, "buy", "123456789012345678.5", "X/ZZZ", "10")
    desk.fill(3, "sell", "1", "X/USD", "11", fees=[("Y", "0.25")])
    key = PoolKey("portfolio", "", "X", "spot", "fifo")
    tracks = resumed(desk, "fifo", {key: Start(0)})
    assert len(tracks.rows) == len(tracks.pools) > 2
    for pool, rows in tracks.rows.items():
        for table in MADE:
            assert rows[table] == getattr(tracks.pools[pool], table).rows()


def resumed(desk: Desk, method: str, starts: dict[PoolKey, Start]) -> Tracks:
    """Compute by the fast path, from starts."""
    return recompute(*desk.frames(), desk.valued(method), plan=Plan(starts))


def test_a_late_fill_restates_from_the_segment_before_it(desk: Desk) -> None:
    """A fill that comes late changes nothing before the segment it falls in, and ends like a run from nothing."""
    busy(desk, 7_000)
    before = desk.pool("X", book="margin")
    late = before.track["time_ms"][5_000] / DAY
    desk.fill(late, "buy", "3", "X/USD", "100", book="margin")
    segment = before.segments.filter(pl.col("time_ms") <= round(late * DAY)).row(-1, named=True)
    key = PoolKey("portfolio", "", "X", "margin", "fifo")
    start = Start(segment["time_ms"], segment["sums"], segment["state"])
    again, whole = resumed(desk, "fifo", {key: start}).pools[key], desk.pool("X", book="margin")
    ordinal = segment["first_ordinal"]
    assert again.track.equals(whole.track.filter(pl.col("ordinal") >= ordinal))
    assert whole.track.filter(pl.col("ordinal") < ordinal).equals(before.track.filter(pl.col("ordinal") < ordinal))


def test_a_start_is_refused_where_the_opening_would_change(desk: Desk) -> None:
    """A spot pool that gives up more than its state holds must be computed from its first event."""
    desk.fill(1, "buy", "2", "X/USD", "10")
    first = desk.pool("X").segments.row(0, named=True)
    desk.fill(2, "sell", "5", "X/USD", "10")
    key = PoolKey("portfolio", "", "X", "spot", "fifo")
    tracks = resumed(desk, "fifo", {key: Start(first["time_ms"], first["sums"], first["state"])})
    assert (tracks.refused, key in tracks.pools) == ((key,), False)


@pytest.mark.parametrize("method", METHODS)
def test_interpreted_source_gives_the_bits_of_machine_code(desk: Desk, method: str) -> None:
    """The slow way for quantities of any size runs the same source to the same numbers."""
    busy(desk, 300)
    fills, movements, prices = desk.frames()
    work = planned(fills, movements, prices, desk.valuation)
    part = next(partitions(work, next(batches(work)), ("portfolio",)))
    marks = Marks(np.array([2 * DAY]), np.array([100.0]), [(0, 1)])
    terms = Terms(METHODS.index(method), signed=True, inverse=False, dust=0.01, unit=1000.0)
    done = []
    for kind in (np.int64, object):
        quantity = (part.legs.records["units"] * 1000).astype(np.int64).astype(kind)
        job = lay_out(part.legs, (np.arange(300), quantity), marks, terms, 1)
        done.append(run(Finished(job, 1, np.arange(300), 3, ())).job)
    fast, slow = done
    assert isinstance(slow.events, list)
    assert np.array_equal(np.asarray(fast.track), np.asarray(slow.track))
    assert np.array_equal(np.asarray(fast.stand), np.asarray(slow.stand))
    assert np.asarray(fast.position).tolist() == np.asarray(slow.position).tolist()


@pytest.mark.parametrize(
    ("method", "relieved"),
    [("fifo", [0, 1]), ("lifo", [3, 2]), ("hifo", [1, 3]), ("lofo", [0, 2]), ("wac", [0])],
)
def test_which_lot_goes_first(desk: Desk, method: str, relieved: list[int]) -> None:
    """Each method names its lots; at equal unit basis HIFO and LOFO take the oldest."""
    for day, price in enumerate(("10", "30", "10", "30")):
        desk.fill(day, "buy", "1", "X/USD", price)
    desk.fill(5, "sell", "2", "X/USD", "50")
    assert desk.pool("X", method=method).reliefs["lot"].to_list() == relieved


@pytest.mark.parametrize(
    ("second", "fees", "relieved"),
    [
        # the other fee comes to the same unit cost, 0.11, by other roundings
        (("0.7", "0.1"), ("0.03", "0.007"), 0),
        # dearer by 3 parts in 10 ** 13: another price, not another rounding
        (("1", "0.110000000000033"), ("0.03", "0"), 1),
    ],
)
def test_what_is_one_unit_cost(desk: Desk, second: tuple[str, str], fees: tuple[str, str], relieved: int) -> None:
    """Under HIFO lots tie that differ by the rounding of their basis only, and then the oldest goes first."""
    desk.fill(1, "buy", "0.3", "X/USD", "0.01", fees=[("USD", fees[0])])
    desk.fill(2, "buy", second[0], "X/USD", second[1], fees=[("USD", fees[1])])
    desk.fill(3, "sell", "0.1", "X/USD", "1")
    assert desk.pool("X", method="hifo").reliefs["lot"].to_list() == [relieved]


@pytest.mark.parametrize("method", ["hifo", "lofo"])
def test_a_lot_without_a_price_goes_last(desk: Desk, method: str) -> None:
    """What ranks by unit cost relieves a lot of unknown cost only when no other is left, so that the number stays."""
    desk.move(1, "deposit", "1", "X")
    for day, price in ((2, "10"), (3, "20")):
        desk.fill(day, "buy", "1", "X/USD", price)
    desk.fill(4, "sell", "3", "X/USD", "30")
    assert desk.pool("X", method=method).reliefs["lot"].to_list() == {"hifo": [2, 1, 0], "lofo": [1, 2, 0]}[method]


def test_average_lot_has_the_mean_age(desk: Desk) -> None:
    """Under wac a relief was held since the basis-weighted mean of the purchases."""
    desk.fill(0, "buy", "1", "X/USD", "10")
    desk.fill(4, "buy", "1", "X/USD", "30")
    desk.fill(5, "sell", "1", "X/USD", "50")
    relief = desk.pool("X", method="wac").reliefs.row(0, named=True)
    assert relief["held_ms"] == (5 - 4 * 30 / 40) * DAY
    assert relief["basis"] == 20


@pytest.mark.parametrize(
    ("held", "bucket"),
    [
        *((0, "held_5s"), (4_999, "held_5s"), (5_000, "held_1m"), (59_999, "held_1m"), (60_000, "held_1h")),
        *((3_599_999, "held_1h"), (3_600_000, "held_1d"), (DAY - 1, "held_1d"), (DAY, None)),
    ],
)
def test_holding_time_buckets(desk: Desk, held: int, bucket: str | None) -> None:
    """Relieved basis counts in the bucket its holding time is below the end of, over a day in none."""
    desk.fill(1, "buy", "1", "X/USD", "10")
    desk.fill(1 + held / DAY, "sell", "1", "X/USD", "10")
    last = desk.last("X")
    buckets = {name: last[name] for name in ("held_5s", "held_1m", "held_1h", "held_1d") if last[name]}
    assert buckets == ({bucket: 10.0} if bucket else {})
    assert last["held_time"] == 10.0 * held


def test_a_crumb_of_a_great_lot_is_exact(desk: Desk) -> None:
    """What is taken off a lot is right within its own size, not the lot's."""
    desk.fill(1, "buy", "1000000000", "X/USD", "1000")
    desk.fill(2, "sell", "0.00000001", "X/USD", "1000")
    desk.fill(3, "sell", "999999999.99999998", "X/USD", "1000")
    pool = desk.pool("X")
    assert pool.reliefs["basis"][0] == 1e-5
    assert pool.track["inventory_cost"][-1] == pytest.approx(1e-5, rel=1e-12)


def test_kernel_is_compiled_once() -> None:
    """A process that runs after another one loads its machine code and compiles nothing."""
    script = (
        "from monitor.turnover import compiled, warm;warm.warm();"
        "print(sum(sum(one.stats.cache_misses.values()) for one in compiled.COMPILED))"
    )

    def compiled() -> int:
        told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        return int(told.stdout)

    assert compiled() == 0 or compiled() == 0
