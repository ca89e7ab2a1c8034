"""Exports that tell by how much each balance changed, one row a change: Kraken's ledger.

The rows of one trade share an id: one asset goes, another comes, and each row may carry a fee.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.exact import plain
from monitor.interchange import spelling
from monitor.interchange.columns import SIGNED_KINDS
from monitor.interchange.sides import INCOMING, OUTGOING, Side, fee_columns, traded
from monitor.interchange.spelling import Unclear

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.interchange.foreign import Line
    from monitor.interchange.translate import Event, Translation


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of a ledger: by how much an asset's balance changed, before the fee."""

    line: Line
    event: Event
    asset: str
    change: Decimal
    fee: Decimal
    booked: str | None = None


def read_ledger(work: Translation) -> None:
    """Read an export with one balance change a row; those of a trade share an id."""
    trades: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    inside: dict[str, Decimal] = defaultdict(Decimal)
    for line in work.export.lines:
        try:
            kind, entry = _entry(work, line)
            if kind == "trade":
                trades[str(entry.event["account"]), str(entry.event["id"])].append(entry)
            elif kind == "inside":
                inside[entry.asset] += entry.change - entry.fee
            elif kind:
                work.events.append(_moved(kind, entry, work.mapping.exchange))
        except Unclear as reason:
            work.refuse(line, reason)
    for group in trades.values():
        try:
            work.events.append(_exchanged(work, group))
        except Unclear as reason:
            for entry in group:
                work.refuse(entry.line, reason)
    rest = [f"{plain(change)} {asset}" for asset, change in inside.items() if change]
    if rest:
        work.notes.append(f"moves inside the account do not cancel out: {', '.join(rest)} is not accounted for.")


def _entry(work: Translation, line: Line) -> tuple[str, Entry]:
    """Return what a row of a ledger means, nothing for a row that is left out, and the row."""
    event = work.begun(line)
    event["id"] = work.needed(line, "id")
    asset = spelling.asset(work.needed(line, "asset"), work.mapping)
    booked = work.text(line, "booked")
    entry = Entry(line, event, asset, _change(work, line, "amount"), _change(work, line, "fee"), booked)
    if "booked" in work.mapping.columns and booked is None:
        work.told["an asset not booked yet when the export was made: left out"] += 1
        return "", entry
    word = work.needed(line, "type").lower()
    full = f"{word}/{(work.text(line, 'subtype') or '').lower()}"
    kind = work.mapping.kinds.get(full) or work.mapping.kinds.get(word)
    if kind is None:
        raise Unclear(f"type {full.removesuffix('/')!r} means nothing here; give it a kind in a mapping's [kinds]")
    if kind == "inside":
        work.told["moves of an asset inside the account: left out"] += 1
    return kind, entry


def _change(work: Translation, line: Line, name: str) -> Decimal:
    return work.number(line, name) or Decimal(0)


def _moved(kind: str, entry: Entry, exchange: str | None) -> Event:
    """Return the event of one balance change, under the key of the venue's own list (see exchanges/extra_rows.py)."""
    change, fee = entry.change, entry.fee
    if kind == "fee":
        change, fee = change - fee, Decimal(0)
    if (kind in INCOMING and change < 0) or (kind in OUTGOING and change > 0):
        raise Unclear(f"a {kind} of {plain(change)} goes the other way")
    amount = change if kind in SIGNED_KINDS else abs(change)
    told: Event = {"kind": kind, "asset": entry.asset, "amount": plain(amount)}
    # A position's rollovers share its id; the exchange's own deposits and withdrawals are known by theirs.
    if kind not in {"deposit", "withdrawal"} and entry.booked:
        told["id"] = f"ledger|{exchange}|{entry.booked}" if exchange else entry.booked
    return {**entry.event, **told, **fee_columns([Side(entry.asset, fee)] if fee else [])}


def _exchanged(work: Translation, group: Sequence[Entry]) -> Event:
    """Return the fill of the balance changes that share an id."""
    changes: dict[str, Decimal] = defaultdict(Decimal)
    for entry in group:
        changes[entry.asset] += entry.change
    gone = [Side(asset, -change) for asset, change in changes.items() if change < 0]
    come = [Side(asset, change) for asset, change in changes.items() if change > 0]
    if len(gone) != 1 or len(come) != 1:
        told = ", ".join(f"{plain(change)} {asset}" for asset, change in changes.items())
        raise Unclear(f"the rows of {group[0].event['id']!r} are no trade of one asset for another: {told}")
    fees = [Side(entry.asset, entry.fee) for entry in group if entry.fee]
    first = min(group, key=lambda entry: entry.line.number)
    return {**first.event, **traded(work, gone[0], come[0]), **fee_columns(fees)}
