"""What a person must know about a computation: what is not priced, and what was there before the ledger begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from monitor.clock import iso
from monitor.records import Finding
from monitor.turnover.arrays import GAIN, TRADE
from monitor.turnover.columns import text
from monitor.turnover.leg_records import LOCAL

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.records import Valuation
    from monitor.turnover.partition import Finished
    from monitor.turnover.partitions import Batch, Partition, Work

Unpriced = tuple[int, int]  # how many legs, the first's instant


def short_findings(partition: Partition, finished: Finished, valuation: Valuation) -> list[Finding]:
    """Say which pools gave up more than the ledger brought in, and what was made of it."""
    found = []
    for short in finished.shortfalls:
        account, asset = partition.pools[short.pool]
        missing = text(short.quantity, finished.scale)
        where, moment = (
            f"{asset} on {account}" if account else asset,
            iso(int(partition.legs.records["time"][short.first])),
        )
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


def note_unpriced(work: Work, batch: Batch, counted: dict[tuple[str, str], Unpriced]) -> None:
    """Count the legs without a value by asset and book, and keep the first's instant."""
    if not batch.priceless:
        return
    legs = batch.legs.records
    missing = legs[np.isnan(legs["value"]) & ((legs["action"] == TRADE) | (legs["action"] == GAIN))]
    missing = missing[(missing["flags"] & LOCAL) == 0]
    assets, books = list(work.ledger.numbering.assets), list(work.ledger.numbering.books)
    for asset, book in np.unique(missing[["asset", "book"]]).tolist():
        times = missing["time"][(missing["asset"] == asset) & (missing["book"] == book)]
        counted[assets[asset], books[book]] = (len(times), int(times.min()))


def unpriced_findings(counted: Mapping[tuple[str, str], Unpriced]) -> list[Finding]:
    """Say which assets have legs without a value, by how many there are in each (asset, book)."""
    by_asset: dict[str, Unpriced] = {}
    for (asset, _), (count, first) in counted.items():
        before = by_asset.get(asset, (0, first))
        by_asset[asset] = (before[0] + count, min(before[1], first))
    return [
        Finding(
            "unpriced",
            asset,
            f"{asset}: {count} {'leg has' if count == 1 else 'legs have'} no value, the first at {iso(first)}.",
            f"Give prices of {asset} or of what it was traded for, from before then, in a prices file.",
        )
        for asset, (count, first) in sorted(by_asset.items())
    ]
