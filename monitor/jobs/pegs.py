"""Are the pegs still true? The market of a pegged asset against what the settings assume of it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.clock import DAY
from monitor.exact import plain
from monitor.records import Finding
from monitor.store.findings import record_finding, resolve_finding
from monitor.store.settings import load_valuation
from monitor.store.vitals import peg_price

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from monitor.store.database import Writer

CODE = "depeg"
TOLERANCE = Decimal("0.01")
# A price older than this says nothing of today.
FRESH = DAY


@dataclass(frozen=True, slots=True)
class PegCheck:
    """A pegged asset beside its market: `price` and `peg` in the reporting currency, `source` the market."""

    asset: str
    price: Decimal
    peg: Decimal
    source: str

    @property
    def distance(self) -> Decimal:
        """The distance of the market from the peg, as a share of the peg."""
        return abs(self.price / self.peg - 1)


def peg_checks(connection: sqlite3.Connection, now: int) -> Iterator[PegCheck]:
    """Yield every pegged asset with a market of the last day: against the currency, else against another peg."""
    valuation = load_valuation(connection)
    for asset, peg in sorted(valuation.pegs.items()):
        others = {valuation.currency: Decimal(1)} | {
            one: worth for one, worth in valuation.pegs.items() if one != asset
        }
        for other, worth in others.items() if peg else ():
            found = peg_price(connection, asset, other, now - FRESH)
            if found is not None:
                yield PegCheck(asset, found[0] * worth, peg, found[1])
                break


def note_pegs(writer: Writer, now: int) -> tuple[str, ...]:
    """Raise a finding for each peg that its market contradicts by more than 1 %, take back the others; return whose."""
    broken = []
    with writer.transaction() as connection:
        for one in peg_checks(connection, now):
            if one.distance <= TOLERANCE:
                resolve_finding(connection, CODE, one.asset, now)
                continue
            broken.append(one.asset)
            record_finding(connection, _finding(one), now)
    return tuple(broken)


def _finding(one: PegCheck) -> Finding:
    price = plain(one.price.quantize(Decimal("0.0001")))
    share = f"{one.distance * 100:.1f}"
    message = f"{one.asset} is worth {price} by {one.source}; the settings take it for {plain(one.peg)}, {share} % off."
    remedy = "Numbers use the peg all the same: change or remove it in `pegs` if it no longer holds."
    return Finding(CODE, one.asset, message, remedy)
