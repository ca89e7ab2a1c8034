"""From the ledger and its prices to tracks: the running sums of every pool of lots, from which any window is read.

    ledger -> legs -> values -> partitions -> kernel -> frames

Partitions (one asset, or assets that convert into each other, in one book, for one scope) share nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple, TypedDict, Unpack

from monitor.errors import UsageError
from monitor.turnover.ahead import MANY, ahead
from monitor.turnover.arrays import METHODS, SEGMENT, Terms
from monitor.turnover.buffers import Buffers
from monitor.turnover.findings import Unpriced, note_unpriced, short_findings, unpriced_findings
from monitor.turnover.market import marks_of
from monitor.turnover.partition import MarksByAsset, prepare, run
from monitor.turnover.partitions import SCOPES, Wanted, batches, partitions, planned, without_rows
from monitor.turnover.plain import plain_rows
from monitor.turnover.results import pool_frames
from monitor.turnover.state import extended, loaded, resumed, since, stood_since
from monitor.turnover.tips import Segment, reached, resumed_at, tip_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    import polars as pl

    from monitor.records import Finding, Valuation
    from monitor.turnover.partition import Finished, Marks
    from monitor.turnover.partitions import Origins, Partition
    from monitor.turnover.plain import Row
    from monitor.turnover.results import PoolFrames

# So many legs become frames at a time.
PORTION = 250_000


class PoolKey(NamedTuple):
    """What tells pools of lots apart; `account` is empty in scope portfolio."""

    scope: str
    account: str
    asset: str
    book: str
    method: str


class Start(NamedTuple):
    """Where a pool goes on from: a row of its segments (time_ms, sums, state); without a state, from nothing.

    `idle`: of a pool that lots move to and from, without an event since; how many of its lots are open. `tip`: where it
    stood after all its events before `time`; then `begun` is the instant and `ordinal` the number of the first event of
    the segment it was in.
    """

    time: int
    sums: bytes = b""
    state: bytes = b""
    idle: int | None = None
    tip: bytes = b""
    begun: int = 0
    ordinal: int = 0

    @property
    def reached(self) -> int:
        """Return the instant of the last event before the start, from when on marks are needed."""
        return reached(self.tip) if self.tip else stood_since(self.state) if self.state else self.time


class Plan(NamedTuple):
    """Which pools are computed and from where, of rows that are not all there are.

    Pools with None are left alone, those that are not named have not had an event before. Between the accounts of the
    (asset, book) in `together` lots have moved: they go on together. `marks` (schema.MARKS) are those that count; None:
    they follow from the prices at hand.
    """

    starts: Mapping[PoolKey, Start | None] = {}
    together: Collection[tuple[str, str]] = ()
    marks: pl.DataFrame | None = None


ANEW, EVERYTHING = Start(0), Plan()


@dataclass(frozen=True, slots=True)
class Tracks:
    """What was computed: frames for each pool, the marks of its assets, and what a person must know about them.

    `refused` pools have no frames: they could not go on from where they were told to and need all their legs.
    `unpriced` tells by asset and book how many legs have no value, and the first's instant: `findings` say it too.
    Of a plan, `rows` are what the frames hold, and `tips` tell where pools that share no lots stand now.
    """

    pools: dict[PoolKey, PoolFrames]
    marks: pl.DataFrame
    findings: tuple[Finding, ...] = ()
    refused: tuple[PoolKey, ...] = ()
    unpriced: Mapping[tuple[str, str], Unpriced] = field(default_factory=dict)
    rows: Mapping[PoolKey, Mapping[str, list[Row]]] = field(default_factory=dict)
    tips: Mapping[PoolKey, bytes] = field(default_factory=dict)


class Options(TypedDict, total=False):
    """What is to be computed: of all assets and books (None), for both scopes, from nothing, unless said otherwise."""

    assets: Collection[str] | None
    books: Collection[str] | None
    scopes: Collection[str]
    plan: Plan


class Computed(NamedTuple):
    """A finished partition, its kernel's work and where its events come from."""

    partition: Partition
    finished: Finished
    origins: Origins


def recompute(
    fills: pl.DataFrame,
    movements: pl.DataFrame,
    prices: pl.DataFrame,
    valuation: Valuation,
    **options: Unpack[Options],
) -> Tracks:
    """Return the tracks of `assets` (None: of all), computed from nothing but for pools that a `plan` lets go on.

    Fills, movements and prices have the columns of schema.FILLS, MOVEMENTS and PRICES and must be all there are of
    these assets; of pools that go on, all since then. Assets that convert into one of them are computed too. A pool
    that goes on from a start has the rows from that segment on, with the lots that were open there. It must not go on
    where an event came late and the pool opens with lots that nobody told (neither fill nor movement): late events may
    explain them.

    Raises:
        UsageError: the costing method is none of fifo, lifo, hifo, lofo, wac.
    """
    pieces = list(recompute_by_part(fills, movements, prices, valuation, **options))
    pools = {key: frames for piece in pieces for key, frames in piece.pools.items()}
    refused = tuple(key for piece in pieces for key in piece.refused)
    unpriced = pieces[-1].unpriced
    findings = (*unpriced_findings(unpriced), *(finding for piece in pieces for finding in piece.findings))
    rows = {key: some for piece in pieces for key, some in piece.rows.items()}
    tips = {key: tip for piece in pieces for key, tip in piece.tips.items()}
    return Tracks(pools, pieces[0].marks, findings, refused, unpriced, rows, tips)


def recompute_by_part(
    fills: pl.DataFrame,
    movements: pl.DataFrame,
    prices: pl.DataFrame,
    valuation: Valuation,
    **options: Unpack[Options],
) -> Iterator[Tracks]:
    """Yield what `recompute` returns a few partitions at a time, so that whoever lets them go needs little memory.

    The first has all marks and the last what is unpriced, without the findings of it; those between have pools.
    """
    if valuation.method not in METHODS:
        raise UsageError(f"{valuation.method!r} is no costing method.", f"Choose one of {', '.join(METHODS)}.")
    plan, many = options.get("plan", EVERYTHING), fills.height >= MANY
    wanted = Wanted(options.get("assets"), options.get("books"))
    work = planned(fills, movements, prices, valuation, wanted, plan.marks)
    del fills, movements, prices  # what is still needed of them is in the work
    yield Tracks({}, work.marks)
    terms = _Given(MarksByAsset(work.marks), work.marks.clear(), valuation, plan)
    unpriced: dict[tuple[str, str], Unpriced] = {}
    # The rows are let go with the last batch, which often is the greatest: spot comes last by name.
    made, work = batches(work), without_rows(work)
    for batch in ahead(made) if many else made:
        note_unpriced(work, batch, unpriced)
        # Nothing but the parts themselves is kept while whoever asked for the tracks has them.
        yield from map(terms.tracks, _portions(partitions(work, batch, options.get("scopes") or SCOPES, plan.together)))
        del batch
    yield Tracks({}, terms.nothing, unpriced=unpriced)


def _portions(parts: Iterable[Partition]) -> Iterator[list[Partition]]:
    """Yield partitions a few at a time: many small ones become frames at once, a great one alone."""
    some: list[Partition] = []
    size = 0
    for part in parts:
        if some and size + part.legs.size > PORTION:
            yield some
            some, size = [], 0
        some.append(part)
        size += part.legs.size
    if some:
        yield some


@dataclass(frozen=True, slots=True)
class _Given:
    """What the computation of every partition is given."""

    marks: MarksByAsset
    nothing: pl.DataFrame
    valuation: Valuation
    plan: Plan
    buffers: Buffers = field(default_factory=Buffers)

    def tracks(self, some: list[Partition]) -> Tracks:
        """Compute some partitions; return their pools and what was found about them."""
        done, refused = list[Computed](), list[PoolKey]()
        for partition in some:
            keys = _keys(partition, self.valuation)
            if self.plan.starts and all(self.plan.starts.get(key, ANEW) is None for key in keys):
                continue
            computed = _computed(partition, self)
            if computed is None:
                refused += keys
            else:
                done.append(computed)
        frames = pool_frames([(one.finished, one.origins, len(one.partition.pools)) for one in done])
        keys = [key for one in done for key in _keys(one.partition, self.valuation)]
        findings = [finding for one in done for finding in short_findings(one.partition, one.finished, self.valuation)]
        tracks = Tracks(dict(zip(keys, frames, strict=True)), self.nothing, tuple(findings), tuple(refused))
        return _with_rows(tracks, done) if self.plan.starts else tracks


def _with_rows(tracks: Tracks, done: list[Computed]) -> Tracks:
    """Return tracks with the rows of their pools, and where those stand that share no lots with others."""
    keys = iter(tracks.pools)
    rows: dict[PoolKey, dict[str, list[Row]]] = {}
    tips: dict[PoolKey, bytes] = {}
    for one in done:
        ours = [next(keys) for _ in one.partition.pools]
        rows.update(zip(ours, plain_rows(one.finished, one.origins, len(ours)), strict=True))
        if len(ours) == 1 and (tip := tip_of(one.finished, one.origins)):
            tips[ours[0]] = tip
    return replace(tracks, rows=rows, tips=tips)


def newer_marks(prices: pl.DataFrame, assets: Collection[str], valuation: Valuation) -> pl.DataFrame:
    """Return the marks (schema.MARKS) that follow from some prices."""
    return marks_of(prices, assets, valuation)


def _keys(partition: Partition, valuation: Valuation) -> list[PoolKey]:
    scope, book, method = partition.scope, partition.book, valuation.method
    return [PoolKey(scope, account, asset, book, method) for account, asset in partition.pools]


def _computed(partition: Partition, given: _Given) -> Computed | None:
    """Run the kernel over a partition, from its start if it has one; None where that cannot be."""
    plan, keys = given.plan, _keys(partition, given.valuation)
    terms, known = _terms(partition.book, given.valuation), given.marks.of(partition.pools)
    starts = [plan.starts.get(key) or ANEW for key in keys]
    mates = _mates(partition, plan)
    if not any(one.state for one in (*starts, *mates)) and not mates:
        finished = run(prepare(partition.legs, known, terms, len(partition.pools), given.buffers))
        return Computed(partition, finished, partition.origins)
    if any(one.idle is not None for one in starts) or not any(one.state for one in starts):
        return None
    if any(one.tip for one in starts):
        return _gone_on(partition, known, terms, starts)
    later = since(partition, min(one.time for one in starts if one.state))
    states = [loaded(one.state, one.sums) if one.state else None for one in starts]
    elsewhere = sum(one.idle or 0 for one in mates)
    ready = resumed(later.legs, known, terms, states, elsewhere)
    if ready is None:
        return None
    count = sum(len(state.lots) for state in states if state)
    return Computed(later, run(ready, -count), extended(later.origins, states))


def _gone_on(partition: Partition, marks: Marks, terms: Terms, starts: Sequence[Start]) -> Computed | None:
    """Run the kernel over what a pool has new; None where it is not alone, or has to begin before."""
    if len(starts) != 1:
        return None
    (start,) = starts
    later = since(partition, start.time)
    segment = Segment(start.ordinal, start.begun, start.sums, start.state)
    ready = resumed_at(later.legs, marks, terms, start.tip, segment)
    if ready is None:
        return None
    finished, state = ready
    return Computed(later, run(finished, -len(state.lots)), extended(later.origins, [state]))


def _mates(partition: Partition, plan: Plan) -> list[Start]:
    """Return the starts of pools that lots of a partition move to and from, and that have no legs in it."""
    asset = partition.pools[0][1]
    if partition.scope != "account" or (asset, partition.book) not in plan.together:
        return []
    here = {account for account, _ in partition.pools}
    return [
        start
        for key, start in plan.starts.items()
        if start and (key.scope, key.asset, key.book) == ("account", asset, partition.book) and key.account not in here
    ]


def _terms(book: str, valuation: Valuation) -> Terms:
    method, dust = METHODS.index(valuation.method), float(valuation.dust_value)
    return Terms(method, signed=book != "spot", inverse=book == "inverse", dust=dust, unit=1.0, segment=SEGMENT)
