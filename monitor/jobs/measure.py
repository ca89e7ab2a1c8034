"""From the ledger to the derived tables: what the ledger touched is computed again and put in place.

It is idempotent, and with nothing touched it costs a few reads: new fills at the end of a history bring their tracks
along (`monitor.jobs.arrivals`). Everything it writes follows from the ledger, the prices and the valuation settings:
`rebuild` deletes all of it and comes to the same numbers.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from monitor.exact import plain
from monitor.jobs.anew import compute_all
from monitor.jobs.continuing import go_on
from monitor.jobs.derived import derived, note_findings
from monitor.store.frames import ledger_frames
from monitor.store.matches import match_transfers
from monitor.store.restatements import edges, log_restatements
from monitor.store.settings import load_valuation, measured_with, note_measured_with
from monitor.store.sweeping import unswept
from monitor.store.tails import option_symbols
from monitor.store.touched import notes, settle, touched
from monitor.store.track import converted_with, refresh_coverage, replace_tracks
from monitor.turnover.track import recompute

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from monitor.records import Valuation
    from monitor.store.database import Writer
    from monitor.store.touched import Note

# Raise it when the same ledger would give other tracks than the version before did.
ENGINE = 5


@dataclass(frozen=True, slots=True)
class MeasureSummary:
    """What a measurement did: the assets computed, figures of the past that moved, transfers newly matched."""

    assets: tuple[str, ...] = ()
    restatements: int = 0
    transfers: int = 0


def measure(writer: Writer, now: int) -> MeasureSummary:
    """Bring the derived tables up to the ledger, in one transaction.

    Other valuation settings than those of the last measurement, or another engine, compute everything again.
    """
    transfers = match_transfers(writer, now)
    with writer.transaction() as connection:
        refresh_coverage(connection)
        valuation = load_valuation(connection)
        since = touched(connection)
        if measured_with(connection) != terms(valuation):
            return MeasureSummary(_compute(connection, valuation, None, now), 0, transfers)
        stale = spread(connection, valuation)
        moved = _bring_up(connection, valuation, stale, now)
        settle(connection, since)
        return MeasureSummary(tuple(sorted(stale)), moved, transfers)


def _bring_up(connection: sqlite3.Connection, valuation: Valuation, stale: Mapping[str, list[Note]], now: int) -> int:
    """Compute stale assets, each from where it can; return how many figures of the past moved."""
    starts = {asset: min(note.since for note in about) for asset, about in stale.items()}
    before = edges(connection, valuation.method, stale)
    with unswept():
        rest = go_on(connection, valuation, stale, now)
    if rest:
        _compute(connection, valuation, {asset: starts[asset] for asset in rest}, now)
    return log_restatements(connection, before, starts, now)


def rebuild(writer: Writer, now: int, workers: int = 1) -> MeasureSummary:
    """Compute every derived row again from the ledger, in this process or in `workers` processes: the same rows."""
    transfers = match_transfers(writer, now, anew=True)
    with writer.transaction() as connection:
        refresh_coverage(connection)
        return MeasureSummary(_compute(connection, load_valuation(connection), None, now, workers), 0, transfers)


def spread(connection: sqlite3.Connection, valuation: Valuation) -> dict[str, list[Note]]:
    """Return what must be computed, and what is noted about it.

    Assets that convert into one another share lots, and so what is noted; what is noted about an asset may also be
    about the options on it.
    """
    cash = {*valuation.cash, valuation.currency}
    stale: dict[str, list[Note]] = {}
    for asset, about in notes(connection).items():
        for other in {*converted_with(connection, {asset}, cash), *option_symbols(connection, asset)}:
            # What is noted about an account or a book of one asset may move another account's lots of the other.
            stale.setdefault(other, []).extend(
                about if other == asset else [note._replace(account="", book="") for note in about]
            )
    return {asset: about for asset, about in stale.items() if asset not in cash}


def terms(valuation: Valuation) -> str:
    """Return what the tracks depend on besides the ledger, as text."""
    pegs = {asset: plain(value) for asset, value in sorted(valuation.pegs.items())}
    dust = plain(valuation.dust_value)
    return json.dumps([ENGINE, valuation.currency, sorted(valuation.cash), pegs, dust, valuation.method])


def _compute(
    connection: sqlite3.Connection, valuation: Valuation, since: Mapping[str, int] | None, now: int, workers: int = 1
) -> tuple[str, ...]:
    """Compute the tracks of assets from when they were touched (None: of all assets), and return whose they are."""
    if since is None:
        done = compute_all(connection, valuation, now, workers)
        settle(connection, touched(connection))
        note_measured_with(connection, terms(valuation))
        return done
    assets = since.keys()
    ledger = ledger_frames(connection, assets)
    tracks = recompute(*ledger, valuation, assets=assets)
    replace_tracks(connection, derived(tracks), assets, since)
    note_findings(connection, tracks.findings, lambda _, subject: subject.rpartition(":")[2] in assets, now)
    return tuple(sorted({key.asset for key in tracks.pools}.union(assets)))
