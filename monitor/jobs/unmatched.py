"""Transfers between own accounts that lost their other end.

Most withdrawals without a partner are what they seem, sent to somebody else, and a finding for each would teach the
desk to look away. So a withdrawal counts as a lost transfer only where something says that it stayed in the house:

- another own account received about the same amount of the asset near it, in a deposit that has no partner either:
  within 2 % (a fee that was not told) and 48 hours, or exactly the amount within 7 days; or
- it has been pending for 48 hours, so neither here nor there.

Two different transaction ids are never one transfer. Nothing is said in the first 48 hours: coins travel.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.clock import HOUR, WEEK, iso
from monitor.exact import plain
from monitor.records import Finding, Movement
from monitor.store import holdings
from monitor.store.findings import findings, record_finding, resolve_finding

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence


CODE = "unmatched transfer"
TRAVEL = 48 * HOUR
LONGEST = WEEK
# The two venues' clocks may differ by this much.
EARLY = HOUR
LOST_ON_THE_WAY = Decimal("0.02")


def note_unmatched(connection: sqlite3.Connection, now: int) -> int:
    """Store a finding for each lost transfer, take back the others, in the open transaction; return how many."""
    found = {finding.subject: finding for finding in unmatched(holdings.open_ends(connection), now)}
    for finding in found.values():
        record_finding(connection, finding, now)
    for old in findings(connection):
        if old.code == CODE and old.subject not in found:
            resolve_finding(connection, CODE, old.subject, now)
    return len(found)


def unmatched(ends: Iterable[Movement], now: int) -> tuple[Finding, ...]:
    """Return a finding for each withdrawal that is a lost transfer by the rules above; `ends` have no partner."""
    sent, arrived = list[Movement](), list[Movement]()
    for end in ends:
        (sent if end.kind == "withdrawal" else arrived).append(end)
    found = []
    for move in sent:
        if now - move.time <= TRAVEL:
            continue
        if other := _near(move, arrived):
            found.append(_lost(move, other))
        elif move.status == "pending":
            found.append(_stuck(move))
    return tuple(found)


def _near(move: Movement, arrived: Sequence[Movement]) -> Movement | None:
    """Return the deposit that looks most like the other end, the nearest in amount, then in time."""
    fits = [other for other in arrived if _fits(move, other)]
    return min(fits, key=lambda other: (abs(other.amount - move.amount), abs(other.time - move.time)), default=None)


def _fits(move: Movement, other: Movement) -> bool:
    if other.account == move.account or other.asset != move.asset or other.status != "ok":
        return False
    if move.network_id and other.network_id:
        return False  # the same id would have been matched
    fee = sum((fee.amount for fee in move.fees if fee.asset == move.asset), Decimal(0))
    distance = other.time - move.time
    if other.amount in {move.amount, move.amount - fee, move.amount + fee}:
        return -EARLY <= distance <= LONGEST
    return -EARLY <= distance <= TRAVEL and abs(other.amount - move.amount) <= move.amount * LOST_ON_THE_WAY


def _lost(move: Movement, other: Movement) -> Finding:
    return Finding(
        CODE,
        f"{move.account} {move.asset} {move.key}",
        f"{move.account} sent {plain(move.amount)} {move.asset} at {iso(move.time)}, and {other.account} received"
        f" {plain(other.amount)} at {iso(other.time)}: it looks like one transfer, but neither id nor amount and time"
        " prove it. It counts as a withdrawal and a deposit.",
        "If it is one, import it as an event of kind transfer in their place; if not, nothing is to be done.",
    )


def _stuck(move: Movement) -> Finding:
    return Finding(
        CODE,
        f"{move.account} {move.asset} {move.key}",
        f"The withdrawal of {plain(move.amount)} {move.asset} from {move.account} has been pending since"
        f" {iso(move.time)}, longer than 48 hours, and no own account received it.",
        "Ask the venue what became of it.",
    )
