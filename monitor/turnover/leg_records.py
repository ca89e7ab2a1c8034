"""Legs as records: everything that changes the lots of one asset in one book of one account, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monitor.turnover.amounts import NO_INTEGER
from monitor.turnover.arrays import ESTIMATED
from monitor.turnover.ledger import LAST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from monitor.turnover.ledger import Numbering
    from monitor.turnover.movement_legs import LegRow

    Records = NDArray[np.void]

# Of the legs of movements: names and where they are numbered, and what is taken as it is.
NAMED = {
    "account": "accounts",
    "owner": "accounts",
    "exchange": "exchanges",
    "asset": "assets",
    "worth_asset": "assets",
    "book": "books",
    "kind": "kinds",
}
SAME = ("phase", "role", "action", "units", "decimals", "worth", "gross", "traded")
LOCAL = 4  # flag of a leg of scope account only
LEG = np.dtype(
    [
        *((name, np.int64) for name in ("time", "sequence", "origin", "mantissa", "decimals")),
        *((name, np.float64) for name in ("units", "worth", "gross", "traded", "other_worth", "other_gross")),
        *((name, np.float64) for name in ("given", "price", "value", "low", "mark")),
        *((name, np.int32) for name in ("row", "account", "owner", "exchange", "asset", "kind")),
        *((name, np.int32) for name in ("worth_asset", "other_asset", "task")),
        *((name, np.int16) for name in ("role",)),
        *((name, np.int8) for name in ("book", "phase", "action", "flags", "moved", "first")),
    ],
)


class Leg:
    """One leg. `units` is the signed quantity, `mantissa` / 10 ** `decimals` the exact one, `traded` its size.

    NaN is unknown, -1 no asset. `origin` is the id of the fill or, where `moved` is 1, of the movement, `row` its row.
    `task` is its number among the legs made with it, `owner` the account whose row it was. `gross`, like `worth`, is in
    units of `worth_asset` until it is valued. `low` is what the exact worth, and value, is more than its float64.
    """

    time: int
    sequence: int
    origin: int
    mantissa: int
    decimals: int
    units: float
    worth: float
    gross: float
    traded: float
    other_worth: float
    other_gross: float
    given: float
    price: float
    value: float
    low: float
    mark: float
    row: int
    account: int
    owner: int
    exchange: int
    asset: int
    kind: int
    worth_asset: int
    other_asset: int
    task: int
    role: int
    book: int
    phase: int
    action: int
    flags: int
    moved: int
    first: int


class Legs(NamedTuple):
    """Legs as records, and by their place the texts of quantities that no int64 holds."""

    records: Records
    wide: dict[int, str]


def kept(legs: Legs, wanted: NDArray[np.bool_]) -> Legs:
    """Return some of the legs."""
    if wanted.all():
        return legs
    places = np.cumsum(wanted) - 1
    wide = {int(places[place]): text for place, text in legs.wide.items() if wanted[place]}
    return Legs(legs.records[wanted], wide)


def moved_legs(rows: Sequence[LegRow], places: Sequence[int], numbering: Numbering) -> Legs:
    """Return the legs of movements, given as `movement_legs` makes them with the row of each one's movement."""
    records, wide = np.zeros(len(rows), dtype=LEG), dict[int, str]()
    for at, (leg, place) in enumerate(zip(rows, places, strict=True)):
        record = records[at]
        for name, table in NAMED.items():
            record[name] = -1 if leg[name] is None else getattr(numbering, table)[leg[name]]
        for name in SAME:
            record[name] = leg[name]
        record["given"] = np.nan if leg["given"] is None else leg["given"]
        record["sequence"] = LAST if leg["sequence"] is None else leg["sequence"]
        record["time"], record["origin"], record["row"] = leg["time_ms"], leg["movement"], place
        record["flags"] = (ESTIMATED if leg["estimated"] else 0) | (LOCAL if leg["local"] else 0)
        record["mantissa"] = NO_INTEGER if leg["mantissa"] is None else leg["mantissa"]
        if leg["wide"] is not None:
            wide[at] = str(leg["wide"])
    records["moved"], records["other_asset"] = 1, -1
    for name in ("other_worth", "other_gross", "price", "value", "mark"):
        records[name] = np.nan
    return kept(Legs(records, wide), records["units"] != 0)


def together(one: Legs, other: Legs) -> Legs:
    """Return the legs of both."""
    if not len(other.records):
        return one
    wide = one.wide | {len(one.records) + place: text for place, text in other.wide.items()}
    return Legs(np.concatenate([one.records, other.records]), wide)
