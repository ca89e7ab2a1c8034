"""New fills at the end of a history, stored and measured in one transaction; all else waits for `measure`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.jobs.continuing import go_on
from monitor.jobs.measure import spread, terms
from monitor.store.database import attempt
from monitor.store.findings import findings
from monitor.store.ledger import store_batch
from monitor.store.settings import load_valuation, measured_with
from monitor.store.sweeping import unswept
from monitor.store.tails import stored_pools
from monitor.store.touched import settle, touched

if TYPE_CHECKING:
    import sqlite3

    from monitor.records import Batch, Commit, Fill, Valuation
    from monitor.store.database import Writer


def commit_measured(writer: Writer, batch: Batch, now: int) -> Commit:
    """Store one window of a stream in one transaction, with the tracks of new fills that come after all others.

    What is late, replaces a row, needs a price of the market or gives up more than is known to be there waits for
    `measure`, when prices and the other streams are read too, and so does all while older rows wait; until then answers
    say that these rows are not in them.
    """
    with unswept(), writer.transaction() as connection:
        valuation, behind = load_valuation(connection), bool(touched(connection))
        commit = store_batch(connection, batch, now)
        plain_enough = not batch.movements and all(_valued_by_itself(fill, valuation) for fill in batch.fills)
        # In a first sync every page stands behind the one before: that is measured once, at its end.
        if commit.new and plain_enough and not behind:
            with attempt(connection):
                _extend(connection, valuation, now)
        return commit


class _LaterError(Exception):
    """What was stored is for `measure`."""


def _valued_by_itself(fill: Fill, valuation: Valuation) -> bool:
    """Tell whether a fill needs no price of a market: it was paid in money, and no rebate brings a lot at the mark."""
    told = {fill.base, fill.quote, valuation.currency, *valuation.cash}
    paid = fill.quote == valuation.currency or fill.quote in valuation.pegs
    return paid and all(fee.amount >= 0 or fee.asset in told for fee in fill.fees)


def _extend(connection: sqlite3.Connection, valuation: Valuation, now: int) -> None:
    """Measure what the open transaction stored, if it comes after all that was measured of its assets.

    Raises:
        _LaterError: some of it cannot go on from there, or something seems to be missing, which may be read a moment
            later; what was written until then is to be undone.
    """
    if measured_with(connection) != terms(valuation):
        return
    since, stale = touched(connection), spread(connection, valuation)
    last: dict[str, int] = {}
    for pool in stored_pools(connection, stale, valuation.method):
        last[pool.key[2]] = max(pool.last, last.get(pool.key[2], pool.last))
    if any(asset not in last or min(note.since for note in about) <= last[asset] for asset, about in stale.items()):
        return
    found = findings(connection)
    if go_on(connection, valuation, stale, now) or findings(connection) != found:
        raise _LaterError
    settle(connection, since)
