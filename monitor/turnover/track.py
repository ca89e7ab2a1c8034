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
from monitor.turnover.arrays import ARRIVE, CROSS, ESTIMATED, GAIN, METHODS, NONE, REMAKE, SEND, TRADE, Terms
from monitor.turnover.legs import ORDER, legs
from monitor.turnover.partition import Legs, Marks, prepare, run
from monitor.turnover.results import pool_frames, texts
from monitor.turnover.state import Origins
from monitor.turnover.valuation import marks as marks_of
from monitor.turnover.valuation import value_legs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from monitor.records import Valuation
    from monitor.turnover.partition import Finished
    from monitor.turnover.results import PoolFrames

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


class Partition(NamedTuple):
    """The legs of one partition in order, and its pools as (account, asset) in the order of their numbers."""

    scope: str
    book: str
    legs: pl.DataFrame
    pools: list[tuple[str, str]]


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
    valued = ordered_legs(legs(fills, movements, valuation), prices, valuation, assets)
    marks = marks_of(prices, valued["asset"].unique(), valuation)
    pools: dict[PoolKey, PoolFrames] = {}
    findings = _unpriced(valued)
    for partition in partitions(valued, scopes):
        terms = _terms(partition.book, valuation)
        finished = run(prepare(_columns(partition.legs), _marks(marks, partition.pools), terms, len(partition.pools)))
        origins = Origins(*(partition.legs[name] for name in ("kind", "fill", "movement")))
        for number, (account, asset) in enumerate(partition.pools):
            key = PoolKey(partition.scope, account, asset, partition.book, valuation.method)
            pools[key] = pool_frames(finished, origins, number)
        findings += _short(partition, finished, valuation)
    return Tracks(pools, marks, tuple(findings))


def ordered_legs(
    all_legs: pl.DataFrame, prices: pl.DataFrame, valuation: Valuation, assets: Collection[str] | None = None
) -> pl.DataFrame:
    """Return the legs of assets and those they convert into, valued, in order, with the `group` they belong to.

    The first leg of a pool is valued whatever it is: an opening that the ledger does not tell takes its mark.
    """
    names = _groups(all_legs)
    group = pl.col("asset").replace_strict(names, return_dtype=pl.String)
    wanted = None if assets is None else [names[asset] for asset in assets if asset in names]
    found = all_legs.with_columns(group=group)
    found = found if wanted is None else found.filter(pl.col("group").is_in(wanted))
    found = found.sort(ORDER, nulls_last=True)
    alone = pl.struct("asset", "book", "account").is_first_distinct()
    together = pl.when(~pl.col("local")).then(pl.struct("asset", "book")).is_first_distinct()
    found = found.with_columns(first=alone | (together & ~pl.col("local")))
    return value_legs(found, prices, valuation)


def _groups(all_legs: pl.DataFrame) -> dict[str, str]:
    """Return for every asset the first, by name, of those it converts into: they share lots."""
    names = {asset: asset for asset in sorted(all_legs["asset"].unique())}
    moves = all_legs.filter(pl.col("action").is_in([SEND, REMAKE]) & ~pl.col("local")).select(
        "movement", "action", "asset"
    )
    ends = moves.filter(action=SEND).join(moves.filter(action=REMAKE), on="movement")
    for one, other in sorted(zip(ends["asset"], ends["asset_right"], strict=True)):
        low, high = sorted((names[one], names[other]))
        names = {asset: low if name == high else name for asset, name in names.items()}
    return names


def partitions(valued: pl.DataFrame, scopes: Collection[str]) -> Iterator[Partition]:
    """Yield what can be computed on its own: a group of assets in one book, for each scope."""
    for part in valued.partition_by("group", "book", maintain_order=True):
        for scope in scopes:
            chosen = part if scope == "account" else part.filter(~pl.col("local"))
            owner = "account" if scope == "account" else pl.lit("").alias("account")
            named = chosen.with_columns(pool=pl.struct(owner, "asset"))
            pools = (
                named.select(pl.col("pool").unique()).unnest("pool").sort("account", "asset").with_row_index("number")
            )
            number = pools.select(pl.struct("account", "asset").alias("pool"), "number")
            numbered = named.join(number, on="pool", how="left", maintain_order="left").drop("pool")
            if pools.height:
                yield Partition(scope, part["book"][0], numbered, list(pools.select("account", "asset").iter_rows()))


def _terms(book: str, valuation: Valuation) -> Terms:
    method, dust = METHODS.index(valuation.method), float(valuation.dust_value)
    return Terms(method, signed=book != "spot", inverse=book == "inverse", dust=dust, unit=1.0)


def _columns(chosen: pl.DataFrame) -> Legs:
    """Return the legs of a partition as arrays."""
    moving = pl.col("action").is_in([SEND, ARRIVE, REMAKE])
    movement = pl.when(moving).then("movement")
    chosen = chosen.with_columns(
        flags=ESTIMATED * pl.col("estimated").cast(pl.Int64) + CROSS * pl.col("cross").cast(pl.Int64),
        transit=pl.when(moving).then(movement.rank("dense").cast(pl.Int64) - 1).otherwise(NONE),
        mantissa=pl.col("mantissa").fill_null(0),
    )

    def whole(name: str) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        return chosen[name].cast(pl.Int64).to_numpy()

    def near(name: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return chosen[name].fill_null(float("nan")).to_numpy()

    return Legs(
        pool=whole("number"),
        time=whole("time_ms"),
        action=whole("action"),
        flags=whole("flags"),
        transit=whole("transit"),
        units=near("units"),
        mantissa=whole("mantissa"),
        decimals=whole("decimals"),
        wide=chosen["wide"].to_list(),
        value=near("value"),
        gross=near("gross"),
        price=near("price"),
        mark=near("mark"),
    )


def _marks(marks: pl.DataFrame, pools: list[tuple[str, str]]) -> Marks:
    """Return the marks of the pools' assets one after the other."""
    assets = sorted({asset for _, asset in pools})
    frames = [marks.filter(pl.col("asset") == asset) for asset in assets]
    ends = np.cumsum([frame.height for frame in frames]).tolist()
    bounds = {asset: (end - frame.height, end) for asset, frame, end in zip(assets, frames, ends, strict=True)}
    every = pl.concat(frames)
    return Marks(every["time_ms"].to_numpy(), every["mark"].to_numpy(), [bounds[asset] for _, asset in pools])


def _short(partition: Partition, finished: Finished, valuation: Valuation) -> list[Finding]:
    """Say which pools gave up more than the ledger brought in, and what was made of it."""
    found = []
    for short in finished.shortfalls:
        account, asset = partition.pools[short.pool]
        missing = texts(np.array([short.quantity]), finished.scale)[0]
        where, moment = f"{asset} on {account}" if account else asset, iso(partition.legs["time_ms"][short.first])
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
