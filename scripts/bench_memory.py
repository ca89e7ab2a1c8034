"""What needs no database: the whole desk from frames to tracks, and the other costing methods against fifo."""

from __future__ import annotations

import struct
from dataclasses import replace
from functools import lru_cache, partial
from statistics import median
from time import perf_counter, process_time
from typing import TYPE_CHECKING

import numpy as np
from bench_data import SPAN
from bench_rows import Row, ratio, rounds, seconds, spread

from monitor.records import Valuation
from monitor.schema import SUMS, State, unpacked
from monitor.turnover.measures import difference
from monitor.turnover.partitions import batches, planned
from monitor.turnover.portfolio import total
from monitor.turnover.track import recompute

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench_data import Desk
    from bench_rows import Report

    from monitor.turnover.measures import Sums
    from monitor.turnover.partitions import Work
    from monitor.turnover.results import PoolFrames
    from monitor.turnover.track import Tracks

VALUATION = Valuation()
GREAT = 10_000_000
MOST_SECONDS = 3.0  # at GREAT fills
MOST_COPIES = 10.0
MOST_FIFOS = 3.0
OTHERS = ("lifo", "hifo", "wac")


def tracks_of(desk: Desk, method: str = "fifo") -> Tracks:
    """Return the tracks of the whole desk, scope portfolio."""
    valuation = replace(VALUATION, method=method)
    return recompute(desk.fills, desk.movements, desk.prices, valuation, scopes=("portfolio",))


def warm_up(desk: Desk, report: Report) -> None:
    """Run the kernel once, so that no timing holds its compilation."""
    start = perf_counter()
    expected(desk)
    taken = perf_counter() - start
    report.add(Row("first recompute of the process (compiles, or loads, the kernel)", len(desk), seconds(taken)))


def full(desk: Desk, report: Report) -> None:
    """Measure the recompute beside a plain copy of as many bytes as its input has, and its parts."""
    content = np.ones(desk.size, np.uint8)
    begun = process_time()
    copied, computed = rounds([content.copy, partial(tracks_of, desk)], budget=6.0)
    used = (process_time() - begun) / len(computed)
    middle, share = median(computed), len(desk) / GREAT
    target = f"<= {MOST_SECONDS:g} s at 1e7: {seconds(MOST_SECONDS * share)} here"
    to = "the same bytes copied"
    report.add(
        Row(f"plain copy of the input's {desk.size / 1e6:.0f} MB", len(desk), seconds(median(copied)), spread(copied))
    )
    what, figure = "full recompute, fifo, portfolio", f"{seconds(middle)}, {len(desk) / middle / 1e6:.2f} M fills/s"
    report.add(
        Row(
            what,
            len(desk),
            figure,
            spread(computed),
            None,
            "",
            target,
            holds=middle <= MOST_SECONDS * share,
            proven=len(desk) >= GREAT,
        )
    )
    share_of_cores = used / (sum(computed) / len(computed))
    report.add(Row(f"{what}, processor time", len(desk), seconds(used), "mean", share_of_cores, "its elapsed time"))
    copies = ratio(computed, copied)
    report.add(
        Row(f"{what}, in copies", len(desk), f"{copies:.3g} copies", "", copies, to, f"goal <= {MOST_COPIES:g}x",
            holds=copies <= MOST_COPIES)
    )  # fmt: skip
    # By processor time, which neighbours on the machine do not stretch.
    for name, run in (("names, fees, prices, partitions", _planned), ("that, and ordered and valued legs", _valued)):
        part = _processor(partial(run, desk))
        report.add(Row(f"of it, {name}", len(desk), seconds(part), "once", part / used, "the whole, processor time"))


def _processor(run: Callable[[], object]) -> float:
    start = process_time()
    run()
    return process_time() - start


def _planned(desk: Desk) -> Work:
    return planned(desk.fills, desk.movements, desk.prices, VALUATION)


def _valued(desk: Desk) -> None:
    for _ in batches(_planned(desk)):
        pass


def methods(desk: Desk, report: Report) -> None:
    """Measure the other costing methods in turns with fifo, by processor time: the ratio is what is to hold."""
    fifo, *rest = rounds(
        [partial(tracks_of, desk, method) for method in ("fifo", *OTHERS)], least=1, budget=6.0, clock=process_time
    )
    for name, times in zip(OTHERS, rest, strict=True):
        share = ratio(times, fifo)
        what = f"full recompute, {name}, processor time"
        report.add(
            Row(what, len(desk), seconds(median(times)), spread(times), share, "fifo",
                f"<= {MOST_FIFOS:g}x fifo", holds=share <= MOST_FIFOS)
        )  # fmt: skip


@lru_cache(maxsize=1)
def expected(desk: Desk) -> dict[tuple[str, str], Sums]:
    """Return the engine's sums of every pool over the whole span, by asset and book."""
    return {(key.asset, key.book): _sums(frames) for key, frames in tracks_of(desk).pools.items()}


def turnover_of(pools: dict[tuple[str, str], Sums]) -> float:
    """Return the turnover of all pools together: relieved basis over average inventory."""
    sums = total(pools.values())
    return (sums["cogs"] + sums["cover_basis"]) / (sums["cost_time"] / SPAN.milliseconds)


def _sums(frames: PoolFrames) -> Sums:
    row = frames.track.row(-1, named=True)
    pairs = struct.unpack(f"<{2 * len(SUMS)}d", frames.segments["sums"][-1])
    last = State(
        row["time_ms"],
        row["ordinal"],
        row["segment"],
        row["quantity"],
        row["inventory_cost"],
        row["estimated_cost"],
        row["unpriced"],
        row["active"],
        unpacked(row["sums"]),
        pairs,
    )
    return difference(None, last, SPAN)
