"""Reconcile: every balance against the ledger, exactly; what differs is read again, and then it is a finding.

A first disagreement asks for a reading as deep as the weekly one: a row may only be late. What still stands at a later
balance after that is a finding with its likely cause; it goes by itself when the balance agrees again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.clock import HOUR, WEEK, iso
from monitor.exact import plain
from monitor.jobs.holdings import add_up, beginning, compared, kept, standing
from monitor.jobs.unmatched import note_unmatched
from monitor.records import Fill, Finding
from monitor.store import holdings
from monitor.store.findings import findings, record_finding, resolve_finding
from monitor.store.runs import job_states
from monitor.store.streams import gaps, streams
from monitor.turnover.drift import Cause, Evidence, likely_cause

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from monitor.clock import Clock
    from monitor.jobs.desk import Outcome
    from monitor.jobs.holdings import Standing
    from monitor.store.database import Writer
    from monitor.turnover.reconcile import Line

CODE = "drift"
# The deep read that a disagreement waits for; where an account keeps it from finishing, this long is enough.
DEEP_READ = "weekly read"
PATIENCE = HOUR
MISSING = Cause(
    "missing fills",
    "The fills of this contract do not add up to the position: some are not listed, or it was settled without one.",
    "Run `monitor sync --deep`; import what the venue's own statement has and `monitor fills` has not.",
)
# How far back, and over how many rows, a cause is looked for.
REACH, MOST_ROWS = WEEK, 5_000


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One asset of one account: the comparison, when it last agreed (None: never seen), and what may be behind it."""

    account: str
    line: Line
    agreed: int | None = None
    cause: Cause | None = None

    @property
    def drifts(self) -> bool:
        """Whether balance and ledger disagree for certain."""
        return self.line.verdict == "drift"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What comparing every account came to; `deep_read`: one was asked for; `found`: drifts that are findings."""

    rows: tuple[Reconciled, ...]
    found: tuple[str, ...] = ()
    deep_read: bool = False
    unmatched: int = 0


def reconciliation(connection: sqlite3.Connection, account: str | None = None) -> tuple[Reconciled, ...]:
    """Compare the balances of one account, or of all, with the ledger; nothing is written."""
    standings, rows = {}, list[Reconciled]()
    for name in holdings.venue_accounts(connection):
        begun = beginning(connection, name)
        one = standings[name] = standing(connection, name, begun.start)
        while not add_up(connection, name, one):
            pass
        rows += [Reconciled(name, line, one.agreed.get(line.asset)) for line in compared(connection, name, one, begun)]
    return tuple(
        replace(row, cause=_cause(connection, row, rows, standings[row.account])) if row.drifts else row
        for row in rows
        if account in {None, row.account}
    )


async def reconcile(writer: Writer, clock: Clock) -> Reconciliation:
    """Compare every account, keep how far the ledger is added up, raise and take back findings, ask for a deep read."""
    for account in holdings.venue_accounts(writer.connection):
        complete = False
        while not complete:
            begun = beginning(writer.connection, account)
            one = standing(writer.connection, account, begun.start)
            complete = add_up(writer.connection, account, one)
            with writer.transaction() as connection:
                holdings.save_state(connection, account, kept(one))
            await asyncio.sleep(0)  # the other jobs of this process have their turn
    rows, now = reconciliation(writer.connection), clock.now()
    read = {state.job: state.committed or 0 for state in job_states(writer.connection)}.get(DEEP_READ, 0)
    with writer.transaction() as connection:
        unmatched = note_unmatched(connection, now)
        found, fresh = list[str](), False
        for account in dict.fromkeys(row.account for row in rows):
            mine = [row for row in rows if row.account == account]
            one = standing(connection, account, beginning(connection, account).start)
            fresh |= _remember(one, mine, now)
            holdings.save_state(connection, account, kept(one))
            found += _note(connection, [row for row in mine if not _waits(one, row, read, now)], now)
        if fresh:
            holdings.ask_deep_read(connection, now)
    return Reconciliation(rows, tuple(found), fresh, unmatched)


def deep_read_due(connection: sqlite3.Connection, last: int, now: int) -> bool:
    """Tell whether a deep read was asked for since the `last` one; within the hour: an account may never finish it."""
    asked = holdings.deep_read_asked(connection)
    return asked > last and now - asked < PATIENCE


def told(outcome: Outcome, done: Reconciliation) -> Outcome:
    """Return the outcome of looking at the balances, with what comparing them came to."""
    figures = {**outcome.figures, "compared": len(done.rows), "drifting": sum(row.drifts for row in done.rows)}
    if done.deep_read:
        figures["deep_read"] = "asked"
    return replace(outcome, figures=figures, noteworthy=outcome.noteworthy or done.deep_read)


def _remember(one: Standing, rows: Sequence[Reconciled], now: int) -> bool:
    """Keep when assets agreed and since when they are suspect; return whether one is newly suspect."""
    fresh = False
    for row in rows:
        asset = row.line.asset
        if row.line.verdict == "agrees":
            one.agreed[asset] = row.line.time
            one.suspects.pop(asset, None)
        elif row.drifts and asset not in one.suspects:
            one.suspects[asset] = (row.line.time, now)
            fresh = True
    return fresh


def _waits(one: Standing, row: Reconciled, read: int, now: int) -> bool:
    """Tell whether a disagreement still waits for a later balance after a deep read."""
    if not row.drifts:
        return False
    look, noticed = one.suspects[row.line.asset]
    return row.line.time <= look or (read <= noticed and now - noticed < PATIENCE)


def _note(connection: sqlite3.Connection, rows: Sequence[Reconciled], now: int) -> list[str]:
    """Store the findings of an account, take back those that agree now; return whose there are."""
    standing_ones = {finding.subject for finding in findings(connection) if finding.code == CODE}
    found = []
    for row in rows:
        subject = f"{row.account} {row.line.asset}"
        if row.drifts:
            record_finding(connection, drift_finding(row), now)
            found.append(subject)
        elif row.line.verdict == "agrees" and subject in standing_ones:
            resolve_finding(connection, CODE, subject, now)
    return found


def drift_finding(row: Reconciled) -> Finding:
    """Return the finding of a drift."""
    line = row.line
    residual = line.residual or Decimal(0)
    since = f"it last agreed at {iso(row.agreed)}" if row.agreed is not None else "it never agreed"
    cause = row.cause or Cause("unknown", "", "")
    told = "by the venue's list of positions" if ":" in line.asset else "by its balance"
    return Finding(
        CODE,
        f"{row.account} {line.asset}",
        f"At {iso(line.time)} {row.account} held {plain(line.balance)} {line.asset} {told},"
        f" {plain(abs(residual))} {'more' if residual > 0 else 'less'} than by its rows; {since}."
        f" Likely cause: {cause.name}. {cause.message}",
        cause.remedy,
    )


def _cause(connection: sqlite3.Connection, row: Reconciled, rows: Sequence[Reconciled], one: Standing) -> Cause:
    asset, account, line = row.line.asset, row.account, row.line
    if ":" in asset:
        return MISSING
    drifting = [other for other in rows if other.drifts and other is not row]
    since = max(one.start, line.time - REACH, row.agreed or 0)
    seen = holdings.rows_between(connection, account, (since, line.time), MOST_ROWS)
    fills = [each.record for each in seen if isinstance(each.record, Fill)]
    return likely_cause(
        Evidence(
            line.residual or Decimal(0),
            line.balance,
            elsewhere={each.account: _residual(each) for each in drifting if each.line.asset == asset},
            beside={each.line.asset: _residual(each) for each in drifting if each.account == account},
            untold=sum((_untold(fill, asset) for fill in fills), Decimal(0)),
            told=sum((fee.amount for fill in fills for fee in fill.fees if fee.asset == asset), Decimal(0)),
            unfinished=holdings.movements_of(connection, account, ("pending", "failed"), since),
            contracts=any(name.startswith("@") and name.endswith(f" {asset}") for name in one.total),
            unread=_unread(connection, account),
            agreed=row.agreed is not None,
        )
    )


def _residual(row: Reconciled) -> Decimal:
    return row.line.residual or Decimal(0)


def _untold(fill: Fill, asset: str) -> Decimal:
    """Return what a spot fill traded of an asset as base, if it tells no fee."""
    return fill.amount if fill.base == asset and fill.book == "spot" and not fill.fees else Decimal(0)


def _unread(connection: sqlite3.Connection, account: str) -> tuple[str, ...]:
    """Return the streams of an account that are not read, and those with gaps, as words."""
    absent = [f"{s.key.kind} {s.key.symbol}".strip() for s in streams(connection, account) if s.state in
              {"unsupported", "paused"}]  # fmt: skip
    holes = [f"a gap in {gap.stream.kind} {gap.stream.symbol}".strip() for gap in gaps(connection, account)]
    return tuple(dict.fromkeys((*absent, *holes)))
