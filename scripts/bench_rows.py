"""Timings and the table of the benchmark: medians with their spread, ratios inside one run, and what was to hold."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from statistics import median
from time import perf_counter

Runs = Sequence[float]
HEADINGS = ("what", "fills", "figure", "spread", "ratio", "to", "target", "verdict")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a figure with the range it had, a ratio to something of the same run, and what it must be.

    `holds` None: there is no target, or it cannot be judged here; the target's text says so. `proven` is false where
    the target speaks of more fills than there are.
    """

    what: str
    fills: int
    figure: str
    spread: str = ""
    ratio: float | None = None
    to: str = ""
    target: str = ""
    holds: bool | None = None
    proven: bool = True

    @property
    def verdict(self) -> str:
        """Return what became of the target."""
        if self.holds and not self.proven:
            return "holds at this size"
        return {True: "holds", False: "misses", None: ""}[self.holds]


@dataclass(slots=True)
class Report:
    """All rows of a run, each printed as soon as it is known to standard error."""

    rows: list[Row] = field(default_factory=list)

    def add(self, row: Row) -> None:
        """Keep a row, and say it: a run of ten million fills takes a while."""
        self.rows.append(row)
        cells = (row.what, row.figure, row.spread, "" if row.ratio is None else f"{row.ratio:.3g}x {row.to}")
        print("  ", *(cell for cell in (*cells, row.target, row.verdict) if cell), file=sys.stderr, flush=True)

    def records(self) -> list[dict[str, object]]:
        """Return the rows as JSON has them."""
        return [{**asdict(row), "verdict": row.verdict} for row in self.rows]


def timed(run: Callable[[], object], *, least: int = 3, most: int = 9, budget: float = 3.0) -> list[float]:
    """Return the seconds of some runs: at least `least`, up to `most` while they stay within `budget` seconds."""
    return rounds([run], least=least, most=most, budget=budget)[0]


def rounds(
    runs: Sequence[Callable[[], object]],
    *,
    least: int = 3,
    most: int = 9,
    budget: float = 3.0,
    clock: Callable[[], float] = perf_counter,
) -> list[list[float]]:
    """Return the seconds of several things run in turns, so that a noisy minute strikes all of them alike.

    `clock` process_time counts what this process computes, on all cores: neighbours do not stretch it.
    """
    times: list[list[float]] = [[] for _ in runs]
    begun = perf_counter()
    while len(times[0]) < least or (len(times[0]) < most and perf_counter() - begun < budget):
        for taken, run in zip(times, runs, strict=True):
            start = clock()
            run()
            taken.append(clock() - start)
    return times


def ratio(one: Runs, other: Runs) -> float:
    """Return the median of the ratios round by round."""
    return median(a / b for a, b in zip(one, other, strict=True))


def seconds(value: float) -> str:
    """Return a time in the unit that reads best."""
    for unit, size in (("s", 1.0), ("ms", 1e-3)):
        if value >= size:
            return f"{value / size:.3g} {unit}" if value < 100 * size else f"{value / size:.0f} {unit}"
    return f"{value / 1e-6:.3g} us"


def spread(times: Runs) -> str:
    """Return the range of some times and how many there are."""
    return f"{seconds(min(times))} .. {seconds(max(times))} ({len(times)})"


def table(rows: Iterable[Row]) -> str:
    """Return the rows as aligned text."""
    cells = [
        (
            row.what,
            f"{row.fills:.0e}".replace("e+0", "e") if row.fills else "",
            row.figure,
            row.spread,
            "" if row.ratio is None else f"{row.ratio:.3g}x",
            row.to,
            row.target,
            row.verdict,
        )
        for row in rows
    ]
    widths = [max(map(len, column)) for column in zip(HEADINGS, *cells, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in (HEADINGS, *cells)
    ]
    return "\n".join(line.rstrip() for line in (lines[0], "-" * len(lines[0]), *lines[1:]))
