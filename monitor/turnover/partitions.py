"""The ledger cut into partitions: what can be computed on its own, for each scope.

A partition is one asset, or assets that convert into each other, in one book. Scope portfolio has one pool of lots for
each asset of it, scope account one for each account and asset; only the latter knows transfers between own accounts.
Legs are made, ordered and valued for some partitions at a time, so that a ledger takes the memory of its greatest one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np

from monitor.turnover.arrays import ARRIVE, NONE, REMAKE, SEND
from monitor.turnover.chains import levels
from monitor.turnover.fees import Fees, read_fees, settled
from monitor.turnover.ledger import read_ledger
from monitor.turnover.leg_records import LOCAL, kept, moved_legs, together
from monitor.turnover.leg_records import Legs as LegRecords
from monitor.turnover.legs import Task, fill_legs
from monitor.turnover.market import market, marks, quotes
from monitor.turnover.movement_legs import movement_legs
from monitor.turnover.ordering import in_order, mark_first, parts_of
from monitor.turnover.quantities import Legs
from monitor.turnover.routes import Routes, routed
from monitor.turnover.sources import sources
from monitor.turnover.texts import NO_NUMBERS
from monitor.turnover.valuation import value_legs

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    import polars as pl
    from numpy.typing import NDArray

    from monitor.records import Valuation
    from monitor.turnover.fees import FeeTable
    from monitor.turnover.ledger import Ledger
    from monitor.turnover.leg_records import Records
    from monitor.turnover.movement_legs import LegRow
    from monitor.turnover.partition import Integers
    from monitor.turnover.valuation import Market

MOVES = (SEND, ARRIVE, REMAKE)
SCOPES = ("portfolio", "account")
# So many legs are made at a time: many small partitions together, a great one alone.
BATCH = 500_000
NOTHING = np.zeros(0, bool)


@dataclass(frozen=True, slots=True)
class Origins:
    """Where each leg comes from, by its place: its kind (a place in `kinds`), its fill, its movement; -1: none."""

    kinds: tuple[str, ...]
    kind: NDArray[np.integer]
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


class Wanted(NamedTuple):
    """The assets, with all that convert into them, and the books to be computed; None: all of them."""

    assets: Collection[str] | None = None
    books: Collection[str] | None = None


EVERYTHING = Wanted()


@dataclass(frozen=True, slots=True)
class Batch:
    """The valued legs of some partitions in order, and the number of each one's partition.

    `priceless` is how many legs that bring lots or turn them over have no value.
    """

    legs: LegRecords
    parts: NDArray[np.int32]
    priceless: int


@dataclass(frozen=True, slots=True)
class Work:
    """A ledger ready to be computed: where the legs of each partition come from, and what they are valued by.

    `parts[asset, book]` is a partition's number, -1 for what is not wanted.
    """

    ledger: Ledger
    fees: FeeTable
    routes: Routes
    moved: LegRecords
    market: Market
    marks: pl.DataFrame
    parts: NDArray[np.int32]
    keys: tuple[pl.Series, pl.Series]


def planned(  # noqa: PLR0913, PLR0917  the three tables of the ledger, and what to make of them
    fills: pl.DataFrame,
    movements: pl.DataFrame,
    prices: pl.DataFrame,
    valuation: Valuation,
    wanted: Wanted = EVERYTHING,
    known: pl.DataFrame | None = None,
) -> Work:
    """Return the partitions that are wanted, ready to be computed one by one.

    `known` are marks (schema.MARKS) to take in the place of those that follow from the prices.
    """
    rows = list(movements.iter_rows(named=True))
    level = levels(rows)
    legs = [
        (place, leg) for place, row in enumerate(rows) for leg in movement_legs(row, valuation, level.get(row["id"], 0))
    ]
    fees = read_fees(fills["fees"])
    ledger = read_ledger(fills, valuation, _names([leg for _, leg in legs], prices), fees.names)
    numbering = ledger.numbering
    fees = settled(fees, ledger.fills, numbering.assets, ledger.cash)
    moved = moved_legs([leg for _, leg in legs], [place for place, _ in legs], numbering)
    parts = _parts(ledger, moved, wanted)
    moved = kept(moved, parts[moved.records["asset"], moved.records["book"]] >= 0)
    routes = routed(ledger, fees.fees, parts, BATCH)
    routes.assets[moved.records["asset"]] = True
    both = quotes(prices, numbering)
    made = market(both, numbering, valuation, _asked(ledger, routes, moved))
    marked = np.flatnonzero(routes.assets & (parts >= 0).any(axis=1)).astype(np.int32)
    found = marks(made, marked, prices, list(numbering.assets)) if known is None else known
    return Work(ledger, fees, routes, moved, made, found, parts, (fills["key"], movements["key"]))


def _names(legs: Sequence[LegRow], prices: pl.DataFrame) -> dict[str, set[str | None]]:
    """Return the names that movements and prices bring."""
    told = {
        kind: {cast("str | None", leg[name]) for leg in legs for name in names}
        for kind, names in {
            "assets": ("asset", "worth_asset"),
            "accounts": ("account", "owner"),
            "exchanges": ("exchange",),
            "books": ("book",),
            "kinds": ("kind",),
        }.items()
    }
    told["assets"].update(prices["base"].unique(), prices["quote"].unique())
    told["exchanges"].update(prices["exchange"].unique())
    return told


def _parts(ledger: Ledger, moved: LegRecords, wanted: Wanted) -> NDArray[np.int32]:
    """Number the partitions by group and book; -1 for those that are not wanted."""
    names, books = ledger.numbering.assets, ledger.numbering.books
    group = _groups(moved, len(names))
    parts = (group[:, None] * len(books) + np.arange(len(books))).astype(np.int32)
    if wanted.assets is not None:
        chosen = {int(group[names[asset]]) for asset in wanted.assets if asset in names}
        parts[~np.isin(group, sorted(chosen))] = -1
    if wanted.books is not None:
        parts[:, [place for book, place in books.items() if book not in wanted.books]] = -1
    return parts


def _groups(moved: LegRecords, count: int) -> Integers:
    """Return for every asset the first, by name, of those it converts into: they share lots."""
    group = np.arange(count)
    legs = moved.records[(moved.records["flags"] & LOCAL) == 0]
    sent, made = legs[legs["action"] == SEND], legs[legs["action"] == REMAKE]
    becomes = dict(zip(made["origin"].tolist(), made["asset"].tolist(), strict=True))
    for movement, asset in zip(sent["origin"].tolist(), sent["asset"].tolist(), strict=True):
        if movement in becomes:
            low, high = sorted((group[asset], group[becomes[movement]]))
            group[group == high] = low
    return group


def _asked(ledger: Ledger, routes: Routes, moved: LegRecords) -> NDArray[np.bool_]:
    """Return which assets may need a price: those with legs, and what trades that are not paid in money are worth."""
    asked = routes.assets.copy()
    for codes in (ledger.fills.shapes["base"], ledger.fills.shapes["money"], moved.records["worth_asset"]):
        asked[codes[codes >= 0]] = True
    return asked


def without_rows(work: Work) -> Work:
    """Return what partitions of batches need of a work: names and numbers, so that the rows can be let go."""
    fills = work.ledger.fills
    fills = fills._replace(rows=fills.rows[:0].copy(), shape=fills.shape[:0].copy(), cost=NO_NUMBERS, size=NO_NUMBERS)
    fees = replace(work.fees, fees=Fees._make(np.empty(0, column.dtype) for column in work.fees.fees))
    routes = Routes._make(np.empty(0, column.dtype) for column in work.routes)
    keys = (work.keys[0].clear(), work.keys[1].clear())
    return replace(work, ledger=replace(work.ledger, fills=fills), fees=fees, routes=routes, keys=keys)


def batches(work: Work) -> Iterator[Batch]:
    """Yield the legs of all partitions, in order and valued: some small ones together, a great one alone."""
    moved, routes = work.parts[work.moved.records["asset"], work.moved.records["book"]], work.routes
    for batch in np.unique(routes.batches).tolist():
        first, last = (int(place) for place in np.flatnonzero(routes.batches == batch)[[0, -1]])
        if routes.sizes[first : last + 1].any() or ((moved >= first) & (moved <= last)).any():
            yield _batch(work, moved, batch, (first, last + 1))
    work.ledger.texts.clear()  # every leg has been made


def _batch(work: Work, moved: Integers, batch: int, span: tuple[int, int]) -> Batch:
    """Return the legs of the partitions of a span."""
    routes = work.routes
    own = slice(int(routes.ends[batch - 1]) if batch else 0, int(routes.ends[batch]))
    sizes = routes.sizes[span[0] : span[1]]
    task = Task(routes.picked[own], routes.roles[own], routes.parts[own], span[0], np.cumsum(sizes) - sizes)
    legs = together(fill_legs(work.ledger, work.fees, task), kept(work.moved, (moved >= span[0]) & (moved < span[1])))
    parts = parts_of(legs.records, work.parts)
    order = in_order(legs.records, parts, work.keys)
    if order is not None:
        places = np.empty_like(order)
        places[order] = np.arange(len(order))
        wide = {int(places[place]): text for place, text in legs.wide.items()}
        legs, parts = LegRecords(legs.records[order], wide), parts[order]
    mark_first(legs.records, parts, len(work.ledger.numbering.accounts), len(work.ledger.numbering.assets))
    return Batch(legs, parts, value_legs(work.market, legs.records))


def partitions(
    work: Work, batch: Batch, scopes: Collection[str], joined: Collection[tuple[str, str]] = ()
) -> Iterator[Partition]:
    """Yield the partitions of a batch, for each scope.

    Between the accounts of the (asset, book) in `joined` lots have moved, whether or not the legs show it.
    """
    records, parts = batch.legs.records, batch.parts
    edges = np.flatnonzero(parts[1:] != parts[:-1]) + 1
    books, assets = list(work.ledger.numbering.books), list(work.ledger.numbering.assets)
    moved = len(work.moved.records) > 0  # their legs alone are known to one scope only, or take lots elsewhere
    for start, end in zip([0, *edges.tolist()], [*edges.tolist(), len(parts)], strict=True):
        local = (records["flags"][start:end] & LOCAL) != 0 if moved else NOTHING
        pair = (assets[records["asset"][start]], books[records["book"][start]])
        for scope in scopes:
            everything = scope == "account" or not local.any()
            chosen = slice(start, end) if everything else start + np.flatnonzero(~local)
            tied = pair in joined or (moved and np.isin(records["action"][chosen], MOVES).any())
            for some in _apart(records, chosen) if scope == "account" and not tied else [chosen]:
                if len(records[some]):
                    yield _partition(work, scope, pair[1], (batch.legs, some))


def _apart(records: Records, chosen: slice | Integers) -> list[Integers]:
    """Return legs by account: where no lots move between accounts, each goes, and goes on, by itself."""
    account = records["account"][chosen]
    first = chosen.start if isinstance(chosen, slice) else 0
    return [first + np.flatnonzero(account == one) for one in np.flatnonzero(np.bincount(account))]


def _partition(work: Work, scope: str, book: str, where: tuple[LegRecords, slice | Integers]) -> Partition:
    legs, chosen = where
    some = legs.records[chosen]
    assets = list(work.ledger.numbering.assets)
    accounts = list(work.ledger.numbering.accounts) if scope == "account" else []
    kind, fill, pool, codes, moved = sources(some, len(accounts), len(assets))
    placed = (divmod(code, len(assets)) for code in codes.tolist())
    pools = [(accounts[owner] if accounts else "", assets[asset]) for owner, asset in placed]
    transit = movement = np.full(len(some), NONE, np.int64)
    if moved:
        movement = np.where(some["moved"] == 1, some["origin"], NONE)
        moving = np.isin(some["action"], MOVES)
        if moving.any():
            transit = transit.copy()
            transit[moving] = np.unique(some["origin"][moving], return_inverse=True)[1]
    found = Legs(some, pool, transit, _wide(legs, chosen))
    return Partition(scope, book, pools, found, Origins(tuple(work.ledger.numbering.kinds), kind, fill, movement))


def _wide(legs: LegRecords, chosen: slice | Integers) -> dict[int, str]:
    """Return the texts of quantities no int64 holds, by their place in the partition."""
    if not legs.wide:
        return {}
    places = np.arange(len(legs.records))[chosen]
    at = np.searchsorted(places, list(legs.wide))
    found = zip(at.tolist(), legs.wide.items(), strict=True)
    return {where: text for where, (place, text) in found if where < len(places) and places[where] == place}


def since(partition: Partition, time: int) -> Partition:
    """Return a partition without its legs before an instant."""
    legs, origins = partition.legs, partition.origins
    start = int(np.searchsorted(legs.records["time"], time))
    wide = {place - start: text for place, text in legs.wide.items() if place >= start}
    later = Legs(legs.records[start:], legs.pool[start:], legs.transit[start:], wide)
    rest = (origins.kind[start:], origins.fill[start:], origins.movement[start:])
    return replace(partition, legs=later, origins=Origins(origins.kinds, *rest))
