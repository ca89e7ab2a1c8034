"""Withdrawals and deposits that are one transfer between two own accounts.

By the chain's transaction id where both venues tell it; else by asset and amount (with or without the fee) within
48 hours. Where several would fit, the nearest in time is taken. What finds no partner stays external, and so does
what an events file calls a withdrawal and a deposit: it has a word of its own for transfers.
"""

from __future__ import annotations

import json
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from monitor.clock import HOUR
from monitor.store.rows import fees_of
from monitor.store.touched import earliest, touch

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator

    from monitor.store.database import Writer

REACH = 48 * HOUR
# The two venues' clocks, and what each calls the time of a transfer, may differ by this much.
EARLY = HOUR
UNTIL = "matched_until"  # the last movement that was looked at


class Side(NamedTuple):
    """One end of a possible transfer; `fee` in units of the same asset."""

    id: int
    account: str
    time: int
    asset: str
    amount: Decimal
    fee: Decimal
    network_id: str | None
    imported: bool


class Match(NamedTuple):
    """A pair that fits: sorted, the best comes first."""

    by_amount: bool
    inexact: bool
    distance: int
    withdrawal: Side
    deposit: Side


def match_transfers(writer: Writer, now: int, *, anew: bool = False) -> int:
    """Pair what fits in one transaction, touch the assets from when they left; return the number of new pairs.

    Only assets with a new or a replaced movement are looked at, unless `anew`: what found no partner before finds none
    among the same rows.
    """
    with writer.transaction() as connection:
        (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM movements").fetchone()
        known = connection.execute("SELECT value FROM meta WHERE key = ?", (UNTIL,)).fetchone()
        until = 0 if anew or known is None else int(known[0])
        assets = _changed(connection, until)
        if newest != until:
            connection.execute(
                "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                (UNTIL, str(newest)),
            )
        if not assets:
            return 0
        sides = _open_sides(connection, assets)
        pairs = _chosen(_fitting(sides["withdrawal"], sides["deposit"]))
        connection.executemany(
            "INSERT INTO matches (withdrawal, deposit, how, found_ms) VALUES (?, ?, ?, ?)",
            [(m.withdrawal.id, m.deposit.id, "amount" if m.by_amount else "network_id", now) for m in pairs],
        )
        touch(connection, earliest((m.deposit.asset, min(m.withdrawal.time, m.deposit.time)) for m in pairs))
    return len(pairs)


def _changed(connection: sqlite3.Connection, until: int) -> list[str]:
    """Return the assets that have movements with a number above one, or of which a row was replaced."""
    # A pair one end of which was replaced is none any more: its other end is of the same asset.
    query = "SELECT asset FROM movements WHERE id > ? UNION SELECT asset FROM touched WHERE whole = 1"
    return [asset for (asset,) in connection.execute(query, (until,))]


def _open_sides(connection: sqlite3.Connection, assets: Collection[str]) -> dict[str, list[Side]]:
    """Return the unmatched external withdrawals of assets, and deposits that have arrived."""
    found = connection.execute(
        "SELECT kind, id, account, time_ms, asset, amount, fees, network_id, source FROM movements m"
        " WHERE asset IN (SELECT value FROM json_each(?)) AND to_account IS NULL AND book = 'spot'"
        " AND (kind = 'deposit' AND status = 'ok' AND NOT EXISTS (SELECT 1 FROM matches WHERE deposit = m.id)"
        " OR kind = 'withdrawal' AND status <> 'failed'"
        " AND NOT EXISTS (SELECT 1 FROM matches WHERE withdrawal = m.id))",
        (json.dumps(sorted(assets)),),
    )
    sides: dict[str, list[Side]] = {"withdrawal": [], "deposit": []}
    for kind, identity, account, time, asset, amount, fees, network_id, source in found:
        fee = sum((paid for paid_in, paid in fees_of(fees) if paid_in == asset), Decimal(0))
        chain = network_id.lower().removeprefix("0x") if network_id else None
        sides[kind].append(Side(identity, account, time, asset, Decimal(amount), fee, chain, source == "file"))
    return sides


def _fitting(withdrawals: Iterable[Side], deposits: Iterable[Side]) -> Iterator[Match]:
    """Yield every pair that could be one transfer."""
    arrivals = defaultdict(list)
    for deposit in deposits:
        arrivals[deposit.asset].append(deposit)
    for sent in withdrawals:
        for arrived in arrivals[sent.asset]:
            # A file that means a transfer says so: what it calls external on both ends is.
            match = None if sent.imported and arrived.imported else _fit(sent, arrived)
            if match:
                yield match


def _fit(sent: Side, arrived: Side) -> Match | None:
    """Return how two ends fit, None if they do not."""
    if sent.account == arrived.account:
        return None
    distance = arrived.time - sent.time
    exact = arrived.amount in {sent.amount, sent.amount - sent.fee}
    if sent.network_id and arrived.network_id:
        same = sent.network_id == arrived.network_id
        return Match(False, not exact, abs(distance), sent, arrived) if same else None
    near = -EARLY <= distance <= REACH
    return Match(True, False, abs(distance), sent, arrived) if exact and near else None


def _chosen(fitting: Iterable[Match]) -> list[Match]:
    """Return the best pairs, each end used once: ids before amounts, equal amounts before others, near before far."""
    chosen: list[Match] = []
    used: set[int] = set()
    for match in sorted(fitting):
        ends = {match.withdrawal.id, match.deposit.id}
        if not ends & used:
            used |= ends
            chosen.append(match)
    return chosen
