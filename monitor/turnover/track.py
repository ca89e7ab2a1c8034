"""From the ledger and its prices to tracks: the running sums of every pool of lots, from which any window is read.

    ledger -> legs -> values -> partitions -> kernel -> frames

Partitions (one asset, or assets that convert into each other, in one book, for one scope) share nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from monitor.clock import iso
from monitor.errors import UsageError
from monitor.records import Finding
from monitor.turnover.arrays import GAIN, METHODS, TRADE, Terms
from monitor.turnover.legs import legs
from monitor.turnover.partition import Marks, prepare, run
from monitor.turnover.partitions import grouped, partitions
from monitor.turnover.results import pool_frames, text
from monitor.turnover.valuation import marks as marks_of
from monitor.turnover.valuation import value_legs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from monitor.records import Valuation
    from monitor.turnover.partition import Finished
    from monitor.turnover.partitions import Partition
    from monitor.turnover.results import PoolFrames

BATCH = 1_000_000
SCOPES = ("portfolio", "account")


class PoolKey(NamedTuple):
    """What tells pools of lots apart; `account` is empty in scope portfolio."""

    scope: str
    account: str
    asset: str
    book: str
    method: str


@dataclass(frozen=True, slots=True)
class Tracks:
    """What was computed: frames for each pool, the marks of its assets, and what a person must know about them."""

    pools: dict[PoolKey, PoolFrames]
    marks: pl.DataFrame
    findings: tuple[Finding, ...]


def recompute(  # noqa: PLR0913  the three tables of the ledger, and what to make of them
    fills: pl.DataFrame,
    movements: pl.DataFrame,
    prices: pl.DataFrame,
    valuation: Valuation,
    *,
    assets: Collection[str] | None = None,
    scopes: Collection[str] = SCOPES,
) -> Tracks:
    """Return the tracks of `assets` (None: of all), computed from nothing.

    Fills, movements and prices have the columns of schema.FILLS, MOVEMENTS and PRICES and must be all there are of
    these assets. Assets that convert into one of them are computed too.

    Raises:
        UsageError: the costing method is none of fifo, lifo, hifo, lofo, wac.
    """
    if valuation.method not in METHODS:
        raise UsageError(f"{valuation.method!r} is no costing method.", f"Choose one of {', '.join(METHODS)}.")
    valued = value_legs(grouped(legs(fills, movements, valuation), assets), prices, valuation)
    marks = marks_of(prices, valued["asset"].unique(), valuation)
    findings, pools = _unpriced(valued), {}
    for batch in _batches(partitions(valued, scopes)):
        done = [_computed(partition, marks, valuation) for partition in batch]
        frames = iter(
            pool_frames([(one, part.origins, len(part.pools)) for one, part in zip(done, batch, strict=True)])
        )
        for partition, finished in zip(batch, done, strict=True):
            findings += _short(partition, finished, valuation)
            for account, asset in partition.pools:
                key = PoolKey(partition.scope, account, asset, partition.book, valuation.method)
                pools[key] = next(frames)
    return Tracks(pools, marks, tuple(findings))


def _batches(parts: Iterable[Partition]) -> Iterator[list[Partition]]:
    """Yield partitions in batches of some 10 ** 6 legs: many small ones become frames at once, a great one alone."""
    batch: list[Partition] = []
    size = 0
    for part in parts:
        if batch and size + len(part.legs) > BATCH:
            yield batch
            batch, size = [], 0
        batch.append(part)
        size += len(part.legs)
    if batch:
        yield batch


def _computed(partition: Partition, marks: pl.DataFrame, valuation: Valuation) -> Finished:
    """Run the kernel over a partition."""
    terms = _terms(partition.book, valuation)
    return run(prepare(partition.legs, _marks(marks, partition.pools), terms, len(partition.pools)))


def _terms(book: str, valuation: Valuation) -> Terms:
    method, dust = METHODS.index(valuation.method), float(valuation.dust_value)
    return Terms(method, signed=book != "spot", inverse=book == "inverse", dust=dust, unit=1.0)


def _marks(marks: pl.DataFrame, pools: list[tuple[str, str]]) -> Marks:
    """Return the marks of the pools' assets one after the other."""
    names, times, values = marks["asset"], marks["time_ms"].to_numpy(), marks["mark"].to_numpy()
    assets = sorted({asset for _, asset in pools})
    spans = {asset: (names.search_sorted(asset, "left"), names.search_sorted(asset, "right")) for asset in assets}
    ends = np.cumsum([end - start for start, end in spans.values()]).tolist()
    bounds = {
        asset: (last - (end - start), last) for (asset, (start, end)), last in zip(spans.items(), ends, strict=True)
    }
    chosen = np.concatenate([np.arange(*span) for span in spans.values()]).astype(np.int64)
    return Marks(times[chosen], values[chosen], [bounds[asset] for _, asset in pools])


def _short(partition: Partition, finished: Finished, valuation: Valuation) -> list[Finding]:
    """Say which pools gave up more than the ledger brought in, and what was made of it."""
    found = []
    for short in finished.shortfalls:
        account, asset = partition.pools[short.pool]
        missing = text(short.quantity, finished.scale)
        where, moment = f"{asset} on {account}" if account else asset, iso(int(partition.legs.time[short.first]))
        subject = f"{account}:{asset}" if account else asset
        if short.clipped:
            message = f"{where}: {missing} {asset} more left than came in, worth no more than dust; cut off."
            found.append(Finding("oversell_clipped", subject, message, severity="info"))
            continue
        price = "an unknown price" if np.isnan(short.mark) else f"{short.mark:.10g} {valuation.currency} each"
        message = f"{where}: {missing} {asset} must have been there before {moment}; taken as an opening at {price}."
        remedy = f"Import the earlier history, or an `opening` event for {asset} with its basis as `value`."
        found.append(Finding("missing_opening", subject, message, remedy))
    return found


def _unpriced(valued: pl.DataFrame) -> list[Finding]:
    """Say which assets have legs without a value."""
    missing = valued.filter(pl.col("action").is_in([TRADE, GAIN]) & pl.col("value").is_null() & ~pl.col("local"))
    counted = missing.group_by("asset").agg(pl.len(), pl.col("time_ms").min()).sort("asset")
    return [
        Finding(
            "unpriced",
            asset,
            f"{asset}: {count} {'leg has' if count == 1 else 'legs have'} no value, the first at {iso(first)}.",
            f"Give prices of {asset} or of what it was traded for, from before then, in a prices file.",
        )
        for asset, count, first in counted.iter_rows()
    ]
