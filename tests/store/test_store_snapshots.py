"""Balances are stored where they changed; a failed look is never an empty portfolio."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.records import Balance, Snapshot
from monitor.store import ledger, query

if TYPE_CHECKING:
    from monitor.store.database import Writer


def look(writer: Writer, time: int, account: str = "main", **totals: str) -> int:
    balances = tuple(Balance(asset, Decimal(total)) for asset, total in totals.items())
    return ledger.commit_snapshot(writer, Snapshot(account, time, balances))


def held(writer: Writer) -> dict[tuple[str, str], str]:
    return {(row.account, row.balance.asset): str(row.balance.total) for row in query.balances(writer.connection)}


def test_only_changes_are_stored_and_every_look_is(writer: Writer) -> None:
    """BTC 1, then 1.00, then 2: three looks, two rows."""
    assert [look(writer, 1, BTC="1"), look(writer, 2, BTC="1.00"), look(writer, 3, BTC="2")] == [1, 0, 1]
    told = writer.connection.execute("SELECT time_ms, total FROM balances JOIN snapshots ON id = snapshot").fetchall()
    assert told == [(1, "1"), (3, "2")]
    assert writer.connection.execute("SELECT count(*) FROM snapshots").fetchone() == (3,)


def test_free_and_used_are_part_of_a_balance(writer: Writer) -> None:
    """An order that locks a part changes the row, and comes back as it was told."""
    free = Balance("BTC", Decimal(1), free=Decimal(1), used=Decimal(0))
    locked = Balance("BTC", Decimal(1), free=Decimal("0.4"), used=Decimal("0.6"))
    assert [ledger.commit_snapshot(writer, Snapshot("main", t, (b,))) for t, b in ((1, free), (2, locked))] == [1, 1]
    assert query.balances(writer.connection) == (query.Holding("main", 2, locked),)


def test_an_asset_that_vanished_is_zero(writer: Writer) -> None:
    """Gone from the answer, once; zero for good until it comes back."""
    assert [look(writer, 1, BTC="1", ETH="2"), look(writer, 2, BTC="1"), look(writer, 3, BTC="1", ETH="0")] == [2, 1, 0]
    told = writer.connection.execute("SELECT asset, snapshot, total FROM balances ORDER BY asset, snapshot").fetchall()
    assert told == [("BTC", 1, "1"), ("ETH", 1, "2"), ("ETH", 2, "0")]
    assert held(writer) == {("main", "BTC"): "1"}
    assert look(writer, 4, BTC="1", ETH="2") == 1


def test_a_failed_look_changes_no_balance(writer: Writer) -> None:
    """It is noted with its error; the account still holds what the last good look saw, as of that look."""
    look(writer, 1, BTC="1")
    ledger.commit_snapshot(writer, Snapshot("main", 2, error="Time-out."))
    assert [(row.time, str(row.balance.total)) for row in query.balances(writer.connection)] == [(1, "1")]
    assert look(writer, 3, BTC="1") == 0
    assert query.accounts(writer.connection)[0].last_error == "Time-out."


def test_assets_that_were_never_held_are_left_out(writer: Writer) -> None:
    """Some venues list every asset they know with zeros."""
    assert look(writer, 1, BTC="1", DOGE="0") == 1
    zeros = Balance("XRP", Decimal(0), free=Decimal(0), used=Decimal(0))
    assert ledger.commit_snapshot(writer, Snapshot("main", 2, (Balance("BTC", Decimal(1)), zeros))) == 0
    assert ledger.assets_seen(writer.connection, "main") == {"BTC"}


def test_accounts_do_not_share_balances(writer: Writer) -> None:
    """What one account sold the other may still hold."""
    look(writer, 1, BTC="1")
    look(writer, 2, account="other", BTC="3")
    look(writer, 3, BTC="0")
    assert held(writer) == {("other", "BTC"): "3"}
    assert [row.account for row in query.balances(writer.connection, "other")] == ["other"]
