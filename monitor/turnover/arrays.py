"""The columns the lot kernel works on.

One partition is one (scope, asset, book): its events in order, its pools of lots (one for the portfolio, one an account
for scope account), and what comes out. Quantities are integers at the partition's own decimal scale: int64, or Python
integers in arrays of objects where int64 does not hold them; the same source runs on both. Sums are pairs
(high, low) of float64 that together hold about 32 digits, so that neither order nor length of a history shows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol, TypeVar, get_type_hints

import numpy as np

from monitor.schema import SUMS

if TYPE_CHECKING:
    from collections.abc import Mapping

WIDTH = len(SUMS)
SEGMENT = 2048
NONE = -1
METHODS = ("fifo", "lifo", "hifo", "lofo", "wac")
FIFO, LIFO, HIFO, LOFO, WAC = range(len(METHODS))
# What an event does to lots: a trade turns them over, a fee and a disposal relieve them, a gain adds a lot, send and
# arrive move lots with basis and age, remake does so while their number of units changes.
TRADE, FEE, DISPOSAL, GAIN, SEND, ARRIVE, REMAKE = range(7)
ESTIMATED, CROSS = 1, 2  # flags of an event
LOT_COUNT, RELIEF_COUNT, SEGMENT_COUNT, SAVED_COUNT, SEGMENT_NOW, IN_SEGMENT, OPEN_LOTS, LAST_TIME, SERIAL = range(9)
COUNTS = 9


Row = TypeVar("Row")
Row_co = TypeVar("Row_co", covariant=True)


class Table(Protocol[Row_co]):
    """Rows by number: an array of records for compiled code, a list of objects where it is interpreted."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __getitem__(self, at: int, /) -> Row_co:
        """Return one of them, to read and to change."""
        ...


class Ints(Protocol):
    """A column of whole numbers."""

    def __len__(self) -> int:
        """Return how many there are."""
        ...

    def __getitem__(self, at: int, /) -> int:
        """Return one of them."""
        ...

    def __setitem__(self, at: int, value: int, /) -> None:
        """Replace one of them."""
        ...


class Grid(Protocol):
    """A float64 array of two or three dimensions."""

    def __getitem__(self, at: tuple[int, ...], /) -> float:
        """Return one cell."""
        ...

    def __setitem__(self, at: tuple[int, ...], value: float, /) -> None:
        """Replace one cell."""
        ...


class Terms(NamedTuple):
    """What holds for the whole partition; `unit` is 10 ** scale, `segment` the least number of events of a segment."""

    method: int
    signed: bool
    inverse: bool
    dust: float
    unit: float
    segment: int = SEGMENT


class Event:
    """One leg. Values in the reporting currency, NaN where unknown.

    `value` + `low` is the basis or the proceeds of the whole quantity, `gross` its notional without fees, `price` the
    price of an inverse contract, `mark` the value of one unit by the event itself, `transit` the pool that carries a
    transfer's lots.
    """

    pool: int
    time: int
    kind: int
    flags: int
    transit: int
    quantity: int
    value: float
    low: float
    gross: float
    price: float
    mark: float


class Mark:
    """The value of one unit from an instant on."""

    time: int
    value: float


class Lot:
    """A lot; `left` of `quantity` is still held, `basis` + `low` is the basis of `quantity` in 32 digits.

    `opened` + `drift` is the acquisition (a mean for wac), `entered` when it came into its pool, `share` the estimated
    part of its basis, `price` at which the basis of an inverse contract buys the coins it stands for, `side` +1 for a
    long and -1 for a short, `origin` its place among all acquisitions. `up` and `down` link the open lots of a pool:
    the older and the newer neighbour, or the two branches of a heap. `came`: what came in altogether (wac adds to a
    lot).
    """

    pool: int
    number: int
    event: int
    origin: int
    entered: int
    closed: int
    side: int
    up: int
    down: int
    quantity: int
    left: int
    came: int
    opened: float
    drift: float
    basis: float
    low: float
    came_basis: float
    share: float
    price: float


class Pool:
    """Where a pool stands.

    `ranked` pools order their lots by unit basis in a heap, the others by age in a list; `first` and `last` are the
    list's ends, `first` the heap's root. `slot` is the pool's row in the segments, `unpriced` counts open lots without
    a basis. The marks of its asset not yet reached are those from `next_mark` to before `end_mark`; `mark` is the last
    one reached, NaN before the first.
    """

    ranked: int
    first: int
    last: int
    quantity: int
    unpriced: int
    open: int
    lots: int
    active: int
    time: int
    ordinal: int
    segment: int
    slot: int
    next_mark: int
    end_mark: int
    mark: float


class Relief:
    """A part of a lot that an event relieved; `held` in milliseconds."""

    event: int
    lot: int
    quantity: int
    basis: float
    held: int


class Segment:
    """A stretch of events of a pool, as things stood before its first event.

    Its state: the lots open then (`open` rows of `saved`, from `saved` on), when the event before was, whether the
    position was active, its inventory cost and the estimated part of it as pairs (high, low).
    """

    pool: int
    segment: int
    ordinal: int
    time: int
    saved: int
    open: int
    lots: int
    serial: int
    before: int
    active: int
    peak: float
    cost_high: float
    cost_low: float
    guessed_high: float
    guessed_low: float


class SavedLot:
    """An open lot as it stood where a segment begins."""

    lot: int
    quantity: int
    left: int
    came: int
    opened: float
    drift: float
    basis: float
    low: float
    came_basis: float
    share: float
    price: float


class Job(NamedTuple):
    """A partition at work: everything the kernel reads and writes.

    Pairs (high, low): `sums[p, k]` of pool p since its segment began, `before[p, k]` those before it, `held[p, 0]` its
    inventory cost and `held[p, 1]` the part on estimated basis; `segment_sums[s, k]` those before segment s.
    `track[k, i]` is sum k after event i, `stand[:, i]` cost, estimated cost, unpriced, active, ordinal and segment,
    `position[i]` the quantity.
    """

    terms: Terms
    events: Table[Event]
    marks: Table[Mark]
    lots: Table[Lot]
    pools: Table[Pool]
    reliefs: Table[Relief]
    segments: Table[Segment]
    saved: Table[SavedLot]
    sums: Grid
    before: Grid
    held: Grid
    segment_sums: Grid
    track: Grid
    stand: Grid
    position: Ints
    counts: Ints


# Columns of events, lots and reliefs that need no 64 bits: what takes less memory takes less time.
SMALL = dict.fromkeys(("pool", "transit", "number", "event", "lot"), np.int32)
TINY = dict.fromkeys(("kind", "flags", "side"), np.int8)


def layout(row: type[object], narrow: Mapping[str, type[np.signedinteger]] | None = None) -> np.dtype[np.void]:
    """Return the record type of a row class, the small columns behind the others."""
    given, kinds = narrow or {}, {int: np.int64, float: np.float64}
    columns = [(name, given.get(name, kinds[kind])) for name, kind in get_type_hints(row).items()]
    return np.dtype(sorted(columns, key=lambda column: -np.dtype(column[1]).itemsize), align=True)


EVENT, LOT, RELIEF = layout(Event, SMALL | TINY), layout(Lot, SMALL | TINY), layout(Relief, SMALL)
MARK, POOL, SEGMENT_ROW, SAVED_LOT = layout(Mark), layout(Pool), layout(Segment), layout(SavedLot)
STAND = 6  # rows of Job.stand


def objects(row: type[Row], length: int) -> list[Row]:
    """Return rows as objects whose integers know no bound, for interpreted code."""
    blank = dict.fromkeys(get_type_hints(row), 0)
    rows = [row() for _ in range(length)]
    for one in rows:
        vars(one).update(blank)
    return rows
