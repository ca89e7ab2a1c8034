"""Measuring: what the ledger touched, once, and the same from nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import pytest

from monitor.clock import parse_instant
from monitor.jobs.measure import MeasureSummary, rebuild
from monitor.records import Account, Batch, Movement, StreamKey, Valuation
from monitor.store.ledger import commit_batch, commit_movements, register_account
from monitor.store.settings import save_valuation

if TYPE_CHECKING:
    from tests.jobs.conftest import Ledger

EVENTS = """
    2024-01-01 buy  2 BTC/USD 100
    2024-01-02 buy  5 ETH/USD 10 fee 0.1 BNB
    2024-01-03 sell 1 BTC/USD 120
    2024-01-04 buy  3 ETH/BTC 0.1
    2024-01-05 deposit 1 SOL 40
"""


def derived(ledger: Ledger) -> dict[str, list[tuple[object, ...]]]:
    """Return every derived row, pools by name instead of by number."""
    tables = ("track", "segments", "lots", "reliefs")
    named = "(SELECT scope || account || asset || book || method FROM pools WHERE id = pool)"
    rows = {
        table: ledger.writer.connection.execute(f"SELECT {named}, * FROM {table} ORDER BY 1, 3, 4").fetchall()  # noqa: S608
        for table in tables
    }
    marks = ledger.writer.connection.execute("SELECT * FROM marks").fetchall()
    return {table: [(row[0], *row[2:]) for row in found] for table, found in rows.items()} | {"marks": marks}


def restatements(ledger: Ledger) -> list[tuple[object, ...]]:
    """Return the log of what moved."""
    query = "SELECT asset, since_ms, measure, before, after, cause FROM restatements ORDER BY id"
    return [tuple(row) for row in ledger.writer.connection.execute(query)]


def test_measures_what_was_touched(ledger: Ledger) -> None:
    """All assets of new rows are computed, legs of crosses and fees included; a second time there is nothing to do."""
    ledger.add(EVENTS)
    assert ledger.measure().assets == ("BNB", "BTC", "ETH", "SOL")
    before = derived(ledger)
    assert ledger.measure() == MeasureSummary()
    assert derived(ledger) == before


def test_other_assets_are_left_alone(ledger: Ledger) -> None:
    """A new fill computes its own asset again and no other."""
    ledger.add(EVENTS)
    ledger.measure()
    ledger.add("2024-01-06 sell 1 SOL/USD 50")
    assert ledger.measure().assets == ("SOL",)


@pytest.mark.parametrize(
    "late",
    [
        "2024-01-02 buy 1 BTC/USD 50",
        "2024-01-01 sell 1 ETH/USD 50",
        "2024-01-03 price BTC/USD 90",
        "2024-02-01 price SOL/USD 90",
        "2024-01-06 sell 0.5 BTC/USD 120",
        "2024-01-03 transfer 1 BTC other 0.9",
        "2024-01-02 deposit 1 NEW 5",
    ],
)
def test_in_steps_or_from_nothing(ledger: Ledger, late: str) -> None:
    """However late a row comes in, the derived rows are those of a rebuild, and so is the answer, byte for byte."""
    ledger.add(EVENTS)
    ledger.measure()
    ledger.add(late)
    ledger.measure()
    rows, answer = derived(ledger), json.dumps(ledger.answer("2024-01-01", "2024-02-01", by="account"))
    rebuild(ledger.writer, ledger.now)
    assert derived(ledger) == rows
    assert json.dumps(ledger.answer("2024-01-01", "2024-02-01", by="account")) == answer


def test_late_fill_is_logged(ledger: Ledger) -> None:
    """A late fill that changes what was closed leaves the old and the new figure, and what moved it."""
    ledger.add("""
        2024-01-01 buy  1 BTC/USD 100
        2024-01-11 sell 1 BTC/USD 120
    """)
    ledger.measure()
    ledger.add("2024-01-01 buy 1 BTC/USD 60\n2023-12-22 buy 1 BTC/USD 90")
    assert ledger.measure().restatements == 4
    since = parse_instant("2023-12-22")
    assert restatements(ledger) == [
        ("BTC", since, "relieved_basis", 100, 90, "fill row4 of paper"),
        ("BTC", since, "realised_pnl", 20, 30, "fill row4 of paper"),
        ("BTC", since, "inventory", 0, 160, "fill row4 of paper"),
        ("BTC", since, "inventory_days", 100 * 10, 90 * 20 + 160 * 10, "fill row4 of paper"),
    ]


def test_new_fill_restates_nothing(ledger: Ledger) -> None:
    """A fill after all others leaves the past as it was: nothing to log."""
    ledger.add("2024-01-01 buy 1 BTC/USD 100")
    ledger.measure()
    ledger.add("2024-01-02 buy 1 BTC/USD 100")
    assert (ledger.measure().restatements, restatements(ledger)) == (0, [])


def test_late_price_restates(ledger: Ledger) -> None:
    """A price that comes late values a deposit anew; the log names the price as the cause."""
    ledger.add("2024-01-01 price SOL/USD 10\n2024-01-03 deposit 2 SOL")
    ledger.measure()
    ledger.add("2024-01-02 price SOL/USD 15")
    ledger.measure()
    assert ("SOL", parse_instant("2024-01-02"), "inventory", 20, 30, "a price") in restatements(ledger)


def test_other_settings_measure_everything_again(ledger: Ledger) -> None:
    """Another costing method computes all tracks anew; how soon data counts as stale does not."""
    ledger.add(EVENTS)
    ledger.measure()
    save_valuation(ledger.writer, replace(Valuation(), stale_after=5))
    assert ledger.measure().assets == ()
    save_valuation(ledger.writer, replace(Valuation(), method="lifo"))
    assert ledger.measure().assets == ("BNB", "BTC", "ETH", "SOL")
    assert ledger.answer("2024-01-01", "2024-02-01")["method"] == "lifo"
    assert {row[0] for row in ledger.writer.connection.execute("SELECT method FROM pools")} == {"lifo"}


def test_findings_come_and_go(ledger: Ledger) -> None:
    """A missing opening is a finding until the history that was missing is there."""
    ledger.add("2024-01-05 sell 1 BTC/USD 120\n2024-01-05 sell 1 ETH/USD 9")
    ledger.measure()
    query = "SELECT code, subject FROM findings WHERE resolved_ms IS NULL ORDER BY 1, 2"
    found = ledger.writer.connection.execute(query).fetchall()
    assert ("missing_opening", "BTC") in found
    ledger.add("2024-01-01 buy 1 BTC/USD 100")
    ledger.measure()
    found = ledger.writer.connection.execute(query).fetchall()
    assert ("missing_opening", "BTC") not in found
    assert ("missing_opening", "ETH") in found


def test_withdrawal_and_deposit_become_a_transfer(ledger: Ledger) -> None:
    """What left one account and reached another is matched before it is measured: no basis leaves the desk."""
    ledger.add("2024-01-01 buy 2 BTC/USD 100")
    left, arrived = parse_instant("2024-01-02"), parse_instant("2024-01-02T01:00:00Z")
    moved = Movement("paper", "file", "w", left, "withdrawal", "BTC", amount=Decimal(1), network_id="0xabc")
    reached = Movement("other", "file", "d", arrived, "deposit", "BTC", amount=Decimal(1), network_id="0xabc")
    commit_movements(ledger.writer, [moved, reached], ledger.now)
    assert ledger.measure().transfers == 1
    (btc,) = cast("list[dict[str, object]]", ledger.answer("2024-01-01", "2024-01-11")["assets"])
    assert (btc["withdrawn_basis"], btc["closing"]) == (0, {"quantity": "2", "basis": 200.0})


def test_coverage_follows_the_streams(ledger: Ledger) -> None:
    """What was proven since is known to the answer although no row came in."""
    register_account(ledger.writer, Account("main", "kraken"), 1)
    commit_batch(ledger.writer, Batch(StreamKey("main", "fills"), proven=(5, 9), cursor=9), 9)
    ledger.measure()
    assert ledger.writer.connection.execute("SELECT * FROM coverage").fetchall() == [("main", 5, 9)]
    commit_batch(ledger.writer, Batch(StreamKey("main", "fills"), proven=(9, 20), cursor=20), 20)
    ledger.measure()
    assert ledger.writer.connection.execute("SELECT * FROM coverage").fetchall() == [("main", 5, 20)]
