"""Stale assets brought up to the ledger from where each pool stood before: the rows, prices and marks since then."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.jobs.derived import note_findings, tail_rows
from monitor.jobs.tails import plan as plan_tails
from monitor.store.findings import findings
from monitor.store.frames import mark_frame, price_frame, rows_since, to_be_valued
from monitor.store.tails import known_marks
from monitor.store.track import Derived, PoolKey, Tail, extend_marks, extend_tracks
from monitor.turnover.track import Plan, newer_marks, recompute

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from monitor.jobs.tails import Tails
    from monitor.records import Valuation
    from monitor.store.touched import Note
    from monitor.turnover.track import Start, Tracks

    Mark = tuple[str, int, float, float, str]


def go_on(
    connection: sqlite3.Connection, valuation: Valuation, stale: Mapping[str, Sequence[Note]], now: int
) -> frozenset[str]:
    """Compute stale assets from the last segment before what is stale; return those that need all their rows."""
    standing = {(finding.code, finding.subject) for finding in findings(connection)} if stale else set()
    tails, whole = plan_tails(connection, valuation, stale, standing)
    if not tails.stale:
        return whole
    newer = _newer_marks(connection, valuation, {asset: tails.stale[asset] for asset in tails.priced})
    tracks = _tracks(connection, valuation, tails, newer)
    # A tail does not show how many legs of the whole history have no value.
    refused = {finding.subject for finding in tracks.findings if finding.code == "unpriced"}
    refused |= {key.asset for key in tracks.refused}
    pools = {key: rows for key, rows in tracks.rows.items() if key.asset not in refused}
    cuts = {
        PoolKey(*key): Tail(start.time, tails.since[key], not start.state, start.begun if start.tip else None)
        for key, start in tails.starts.items()
        if start and key in pools and key in tails.since
    }
    tips = {PoolKey(*key): tip for key, tip in tracks.tips.items()}
    refused |= extend_tracks(connection, Derived(tail_rows(pools), tips=tips), cuts)
    for asset, rows in newer.items():
        if asset not in refused:
            extend_marks(connection, asset, rows, tails.stale[asset])
    _note_findings(connection, tracks, tails, refused, now)
    return whole | refused


def _note_findings(connection: sqlite3.Connection, tracks: Tracks, tails: Tails, refused: set[str], now: int) -> None:
    """Note what was found; only a pool that was computed from its first event would find it again."""
    anew = {
        f"{key.account}:{key.asset}" if key.account else key.asset
        for key in tracks.pools
        if key.book == "spot" and not ((start := tails.starts.get(key)) and start.state)
    }
    found = [one for one in tracks.findings if one.subject.rpartition(":")[2] not in refused]
    note_findings(
        connection,
        found,
        lambda code, subject: code != "unpriced" and subject in anew and subject.rpartition(":")[2] not in refused,
        now,
    )


def _tracks(
    connection: sqlite3.Connection, valuation: Valuation, tails: Tails, newer: Mapping[str, Sequence[Mark]]
) -> Tracks:
    """Compute the tails."""
    fills, movements = rows_since(connection, tails.stale, tails.reads)
    money = {valuation.currency, *valuation.pegs}
    asked, first = to_be_valued(fills, movements, tails.stale, money)
    prices = price_frame(connection, asked, first)
    known = [
        mark
        for asset, since in sorted(tails.stale.items())
        for mark in (
            *known_marks(connection, asset, _begun(tails, asset), since if asset in newer else 2**62),
            *newer.get(asset, ()),
        )
    ]
    plan = Plan(tails.starts, tails.together, mark_frame(known))
    return recompute(fills, movements, prices, valuation, assets=tails.stale, plan=plan)


def _begun(tails: Tails, asset: str) -> int:
    """Return the first instant from which a pool's marks are needed: that of the last event before its start."""
    starts: list[Start] = [start for key, start in tails.starts.items() if start and key.asset == asset]
    return min((start.reached for start in starts), default=tails.stale[asset])


def _newer_marks(
    connection: sqlite3.Connection, valuation: Valuation, priced: Mapping[str, int]
) -> dict[str, list[Mark]]:
    """Return the marks of assets from when prices of theirs are new; they follow the stored ones.

    The last price of each series before that is read too, so that the mark between two prices is what it was.
    """
    if not priced:
        return {}
    found = newer_marks(price_frame(connection, priced.keys(), min(priced.values())), priced, valuation)
    rows: dict[str, list[Mark]] = {asset: [] for asset in priced}
    last = {asset: known_marks(connection, asset, since - 1, since)[-1:] for asset, since in priced.items()}
    for asset, time, mark, _, source in found.iter_rows():
        before = (rows[asset] or last[asset])[-1:]
        if time >= priced[asset] and not (before and before[0][2] == mark):
            grown = before[0][3] + before[0][2] * (time - before[0][1]) if before else 0.0
            rows[asset].append((asset, time, mark, grown, source))
    return rows
