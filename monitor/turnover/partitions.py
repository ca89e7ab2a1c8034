"""The ordered legs cut into partitions: what can be computed on its own, for each scope.

A partition is one asset, or assets that convert into each other, in one book. Scope portfolio has one pool of lots for
each asset of it, scope account one for each account and asset; only the latter knows transfers between own accounts.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from monitor.turnover.arrays import ARRIVE, CROSS, ESTIMATED, NONE, REMAKE, SEND
from monitor.turnover.legs import ORDER
from monitor.turnover.partition import Legs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from numpy.typing import NDArray

    from monitor.turnover.partition import Integers, Numbers

MOVES = (SEND, ARRIVE, REMAKE)
NUMBERS = ("units", "value", "gross", "price", "mark")


@dataclass(frozen=True, slots=True)
class Origins:
    """Where each leg comes from, by its place: its kind (a place in `kinds`), its fill, its movement; -1: none."""

    kinds: tuple[str, ...]
    kind: Integers
    fill: Integers
    movement: Integers


@dataclass(frozen=True, slots=True)
class Partition:
    """The legs of one partition in order, and its pools as (account, asset) in the order of their numbers."""

    scope: str
    book: str
    pools: list[tuple[str, str]]
    legs: Legs
    origins: Origins


def grouped(all_legs: pl.DataFrame, assets: Collection[str] | None = None) -> pl.DataFrame:
    """Return legs in order within their `part`, a number for each group and book; of `assets` and what they convert to.

    The first leg of each pool is marked `first`: it is valued whatever it is, for an opening that nobody told.
    """
    group = _groups(all_legs)
    wanted = set(group.values()) if assets is None else {group[asset] for asset in assets if asset in group}
    chosen = sorted(asset for asset, name in group.items() if name in wanted)
    found = all_legs if len(chosen) == len(group) else all_legs.filter(pl.col("asset").is_in(chosen))
    books, accounts = sorted(found["book"].unique()), sorted(found["account"].unique())
    names = {"asset": chosen, "book": books, "account": accounts}
    code = {name: pl.col(name).cast(pl.Enum(known)).to_physical().cast(pl.Int64) for name, known in names.items()}
    groups = pl.Series([chosen.index(group[asset]) for asset in chosen], dtype=pl.Int64)
    part = pl.lit(groups).gather(code["asset"]) * len(books) + code["book"]
    found = found.with_columns(part=part, pool=code["asset"] * len(books) + code["book"], owner_code=code["account"])
    found = found[in_order(found)]
    alone = (pl.col("pool") * len(accounts) + pl.col("owner_code")).is_first_distinct()
    together = (2 * pl.col("pool") + pl.col("local")).is_first_distinct() & ~pl.col("local")
    return found.with_columns(first=alone | together).drop("pool", "owner_code")


def in_order(found: pl.DataFrame) -> Integers:
    """Return the places of legs by part and ORDER.

    Three integers settle all but what shares an instant; only that is sorted by the rest of the order, which is text.
    """
    keys = [found[name].to_numpy() for name in ("part", "time_ms", "phase")]
    order = np.lexsort(keys[::-1])
    as_before = np.logical_and.reduce([column[order][1:] == column[order][:-1] for column in keys])
    tied = np.flatnonzero(np.append(as_before, [False]) | np.insert(as_before, 0, [False]))
    if len(tied):
        some = found.select("part", *ORDER)[order[tied]].with_row_index("place")
        order[tied] = order[tied][some.sort("part", *ORDER, nulls_last=True)["place"].to_numpy()]
    return order


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


@dataclass(frozen=True, slots=True)
class _Columns:
    """All legs as arrays; accounts, assets and kinds as places in sorted lists of names."""

    integers: dict[str, Integers]
    numbers: dict[str, Numbers]
    accounts: list[str]
    assets: list[str]
    kinds: tuple[str, ...]
    wide: dict[int, str]


def _columns(valued: pl.DataFrame) -> _Columns:
    names = {name: sorted(valued[name].unique()) for name in ("account", "asset", "kind")}
    coded = valued.select(
        *(pl.col(name).cast(pl.Enum(known)).to_physical().cast(pl.Int64) for name, known in names.items()),
        *("time_ms", "mantissa", "decimals", "fill", "movement", "action", "local"),
        flags=ESTIMATED * pl.col("estimated").cast(pl.Int64) + CROSS * pl.col("cross").cast(pl.Int64),
    )
    integers = {
        series.name: series.cast(pl.Int64).fill_null(0 if series.name == "mantissa" else NONE).to_numpy()
        for series in coded
    }
    numbers = {name: valued[name].fill_null(float("nan")).to_numpy() for name in NUMBERS}
    wide = valued.with_row_index("place").filter(pl.col("wide").is_not_null()).select("place", "wide")
    return _Columns(integers, numbers, names["account"], names["asset"], tuple(names["kind"]), dict(wide.iter_rows()))


def partitions(
    valued: pl.DataFrame, scopes: Collection[str], together: Collection[tuple[str, str]] = ()
) -> Iterator[Partition]:
    """Yield the partitions of ordered, valued legs, for each scope.

    Between the accounts of the (asset, book) in `together` lots have moved, whether or not the legs show it.
    """
    columns = _columns(valued)
    ends = valued.select(pl.col("part").rle().struct.field("len").cum_sum()).to_series().to_list()
    books, assets = valued["book"], valued["asset"]
    for start, end in zip([0, *ends][:-1], ends, strict=True):
        local = columns.integers["local"][start:end] == 1
        for scope in scopes:
            whole = scope == "account" or not local.any()
            chosen = np.arange(start, end) if whole else start + np.flatnonzero(~local)
            for part in _apart(columns, scope, chosen, joined=(assets[start], books[start]) in together):
                yield _partition(columns, scope, books[start], part)


def _apart(columns: _Columns, scope: str, chosen: Integers, *, joined: bool) -> list[Integers]:
    """Return legs by account where no lots move between accounts: so each goes, and goes on, by itself."""
    if scope != "account" or joined or np.isin(columns.integers["action"][chosen], MOVES).any():
        return [chosen] if len(chosen) else []
    account = columns.integers["account"][chosen]
    return [chosen[account == one] for one in np.unique(account)]


def since(partition: Partition, time: int) -> Partition:
    """Return a partition without its legs before an instant."""
    start = int(np.searchsorted(partition.legs.time, time))
    legs, origins = partition.legs, partition.origins
    columns = {item.name: getattr(legs, item.name) for item in fields(legs) if item.name != "wide"}
    wide = {place - start: text for place, text in legs.wide.items() if place >= start}
    later = Legs(**{name: column[start:] for name, column in columns.items()}, wide=wide)
    rest = (origins.kind[start:], origins.fill[start:], origins.movement[start:])
    return replace(partition, legs=later, origins=Origins(origins.kinds, *rest))


def _partition(columns: _Columns, scope: str, book: str, chosen: Integers) -> Partition:
    part = {name: column[chosen] for name, column in columns.integers.items()}
    near = {name: column[chosen] for name, column in columns.numbers.items()}
    owner = part["account"] if scope == "account" else np.full(len(chosen), NONE)
    codes, pool = np.unique(owner * len(columns.assets) + part["asset"], return_inverse=True)
    pools = [_name(columns, int(code)) for code in codes]
    moving = np.isin(part["action"], MOVES)
    transit = np.full(len(chosen), NONE)
    transit[moving] = np.unique(part["movement"][moving], return_inverse=True)[1]
    wide = _wide(columns, chosen)
    legs = Legs(
        pool=pool,
        time=part["time_ms"],
        action=part["action"],
        flags=part["flags"],
        transit=transit,
        mantissa=part["mantissa"],
        decimals=part["decimals"],
        wide=wide,
        **near,
    )
    return Partition(scope, book, pools, legs, Origins(columns.kinds, part["kind"], part["fill"], part["movement"]))


def _name(columns: _Columns, code: int) -> tuple[str, str]:
    account, asset = divmod(code, len(columns.assets))
    return ("" if account == NONE else columns.accounts[account]), columns.assets[asset]


def _wide(columns: _Columns, chosen: NDArray[np.int64]) -> dict[int, str]:
    """Return the texts of quantities no int64 holds, by their place in the partition."""
    places = np.searchsorted(chosen, list(columns.wide))
    found = zip(places.tolist(), columns.wide.items(), strict=True)
    return {at: text for at, (place, text) in found if at < len(chosen) and chosen[at] == place}
