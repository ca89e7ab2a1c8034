"""A window of a stream goes in whole, once, exactly."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.errors import StoreError, UsageError
from monitor.records import Account, Batch, Commit, Fee, Fill, Finding, Gap, Movement, Quarantined, StreamKey
from monitor.store import findings, ledger, query, streams
from monitor.store.insertion import PAGE
from monitor.store.touched import settle, touched

if TYPE_CHECKING:
    from collections.abc import Iterable

    from monitor.store.database import Writer

KEY = StreamKey("main", "fills")
AMOUNTS = st.decimals(allow_nan=False, allow_infinity=False, places=18, min_value=-(10**12), max_value=10**12)


def fill(key: str, time: int = 1_000, **changes: object) -> Fill:
    told: dict[str, object] = {
        "account": "main",
        "exchange": "kraken",
        "key": key,
        "time": time,
        "book": "spot",
        "market": "XXBTZUSD",
        "symbol": "BTC/USD",
        "base": "BTC",
        "quote": "USD",
        "side": "buy",
        "amount": Decimal("0.1"),
        "price": Decimal(60_000),
    }
    return Fill(**(told | changes))  # type: ignore[arg-type]  # a table of changes, checked by the rows that come back


def deposit(key: str, **changes: object) -> Movement:
    told = {"account": "main", "exchange": "kraken", "key": key, "time": 1_000, "kind": "deposit", "asset": "BTC"}
    return Movement(**(told | {"amount": Decimal(1)} | changes))  # type: ignore[arg-type]  # as above


def stored(writer: Writer) -> list[Fill]:
    return list(query.fills(writer.connection, query.FillFilter(), limit=PAGE * 3))[::-1]


def commit(writer: Writer, fills: Iterable[Fill], now: int = 5_000) -> Commit:
    return ledger.commit_batch(writer, Batch(KEY, fills=tuple(fills)), now)


def test_every_field_of_a_fill_comes_back(writer: Writer) -> None:
    """What was stored is what is read, the venue's raw row included."""
    full = fill(
        "spot:1",
        book="inverse",
        symbol="BTC/USD:BTC",
        side="sell",
        cost=Decimal("-0.000000000000000001"),
        fees=(Fee("BNB", Decimal("0.001")), Fee('odd "name"', Decimal(-2))),
        kind="liquidation",
        settle="BTC",
        contract_size=Decimal(100),
        inverse=True,
        trade_id="1",
        order_id="0x7",
        sequence=2**60,
        liquidity="maker",
        source="file",
        raw='{"id": "1", "text": "naïve €"}',
    )
    plain = fill("spot:2", 1_001)
    commit(writer, [full, plain])
    assert stored(writer) == [full, plain]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(amounts=st.lists(AMOUNTS, min_size=1, max_size=20, unique=True))
def test_amounts_come_back_digit_by_digit(writer: Writer, amounts: list[Decimal]) -> None:
    """Eighteen decimals and twelve digits before them survive as they are."""
    commit(writer, [fill(str(amount), amount=amount, fees=(Fee("BTC", amount),)) for amount in amounts])
    told = {row.key: row for row in stored(writer)}
    assert [(told[str(a)].amount, told[str(a)].fees[0].amount) for a in amounts] == [(a, a) for a in amounts]


def test_the_same_window_twice_adds_nothing(writer: Writer) -> None:
    """The second time all rows are known, and nothing is touched."""
    rows = [fill("1"), fill("2", amount=Decimal("0.10"))]
    assert commit(writer, rows) == Commit(new=2)
    settle(writer.connection, touched(writer.connection))
    again = [fill("1"), fill("2", amount=Decimal("0.1000"))]
    assert commit(writer, again) == Commit(known=2)
    assert (len(stored(writer)), touched(writer.connection)) == (2, {})


def test_a_changed_row_is_kept_in_both_forms(writer: Writer) -> None:
    """The new form stands in the ledger, the old one in the revisions with its raw row."""
    commit(writer, [fill("1", 1_000, price=Decimal(60_000), raw='{"p": 60000}')], now=5_000)
    assert commit(writer, [fill("1", 900, price=Decimal(61_000), raw='{"p": 61000}')], now=6_000) == Commit(revised=1)
    assert [(row.price, row.time, row.raw) for row in stored(writer)] == [(Decimal(61_000), 900, '{"p": 61000}')]
    ledger_name, seen, payload = writer.connection.execute("SELECT ledger, seen_ms, payload FROM revisions").fetchone()
    old = json.loads(payload)
    assert (ledger_name, seen, old["price"], old["time_ms"], old["raw"]) == (
        "fills",
        6_000,
        "60000",
        1_000,
        '{"p": 60000}',
    )
    assert writer.connection.execute("SELECT first_seen_ms FROM fills").fetchone() == (5_000,)


def test_one_key_twice_in_a_window_is_one_row(writer: Writer) -> None:
    """An equal repetition is known, a different one revises the first."""
    rows = [fill("1"), fill("1"), fill("1", price=Decimal(2))]
    assert commit(writer, rows) == Commit(new=1, known=1, revised=1)
    assert [row.price for row in stored(writer)] == [Decimal(2)]


def test_equal_fills_with_different_keys_are_both_kept(writer: Writer) -> None:
    """Two executions may be alike in everything but their id."""
    assert commit(writer, [fill("1"), fill("2")]) == Commit(new=2)


def test_a_file_never_overrules_the_venue(writer: Writer) -> None:
    """A file's version of a known fill is left out; the venue's version of a fill from a file replaces it."""
    commit(writer, [fill("1", cost=Decimal(6_000))])
    assert commit(writer, [fill("1", source="file")]) == Commit(known=1)
    commit(writer, [fill("2", source="file")])
    assert commit(writer, [fill("2", cost=Decimal(6_000))]) == Commit(revised=1)
    assert [(row.source, row.cost) for row in stored(writer)] == [("api", Decimal(6_000))] * 2


def test_more_rows_than_a_page_go_in_once(writer: Writer) -> None:
    """Pages of the comparison are cut without losing or doubling a row."""
    rows = [fill(str(number), number) for number in range(PAGE + 3)]
    assert commit(writer, rows) == Commit(new=PAGE + 3)
    assert commit(writer, rows) == Commit(known=PAGE + 3)
    assert [row.key for row in stored(writer)] == [str(number) for number in range(PAGE + 3)]


def test_assets_are_touched_from_their_earliest_new_row(writer: Writer) -> None:
    """Base, quote and fee assets; a revision touches what the old form moved as well."""
    commit(writer, [fill("1", 2_000, fees=(Fee("BNB", Decimal(1)),)), fill("2", 1_500, base="ETH", quote="BTC")])
    assert touched(writer.connection) == {"BTC": 1_500, "USD": 2_000, "BNB": 2_000, "ETH": 1_500}
    settle(writer.connection, touched(writer.connection))
    commit(writer, [fill("1", 2_500)])
    assert touched(writer.connection) == {"BTC": 2_000, "USD": 2_000, "BNB": 2_000}


def test_a_note_that_became_earlier_meanwhile_is_not_forgotten(writer: Writer) -> None:
    """Working off "BTC from 2,000" leaves "BTC from 1,000" standing."""
    commit(writer, [fill("1", 2_000)])
    done = touched(writer.connection)
    commit(writer, [fill("2", 1_000)])
    settle(writer.connection, done)
    assert touched(writer.connection) == {"BTC": 1_000, "USD": 1_000}


def test_movements_are_kept_like_fills(writer: Writer) -> None:
    """New, known and revised; a convert touches both assets."""
    assert ledger.commit_movements(writer, [deposit("d"), deposit("d")], 1) == Commit(new=1, known=1)
    swap = deposit("c", kind="convert", to_asset="WBTC", received=Decimal("0.999"), time=500)
    assert ledger.commit_movements(writer, [swap, deposit("d", status="failed")], 2) == Commit(new=1, revised=1)
    assert touched(writer.connection) == {"BTC": 500, "WBTC": 500}


def test_a_file_is_stored_whole_or_not_at_all(writer: Writer) -> None:
    """A row that cannot be stored takes the others with it."""
    with pytest.raises(Exception, match="FOREIGN KEY"):
        ledger.commit_rows(writer, [fill("1")], [deposit("d", account="nobody")], 1)
    assert stored(writer) == []


def test_a_proof_moves_the_cursor_and_only_forward(writer: Writer) -> None:
    """A re-read of an older window proves it and leaves the cursor where it was."""
    ledger.commit_batch(writer, Batch(KEY, proven=(1_000, 2_000), cursor=2_000), 7_000)
    ledger.commit_batch(writer, Batch(KEY, proven=(500, 1_000), cursor=1_000), 8_000)
    (stream,) = streams.streams(writer.connection, "main")
    assert (stream.cursor, stream.last_success) == (2_000, 8_000)
    assert streams.intervals(writer.connection, KEY) == ((500, 2_000),)


def test_rows_without_a_proof_move_nothing(writer: Writer) -> None:
    """They are kept; cursor, intervals and last success stay."""
    ledger.commit_batch(writer, Batch(KEY, fills=(fill("1"),), cursor=2_000), 7_000)
    (stream,) = streams.streams(writer.connection, "main")
    assert (stream.cursor, stream.last_success, len(stored(writer))) == (None, None, 1)
    assert streams.intervals(writer.connection, KEY) == ()


def test_a_gap_is_no_part_of_its_batch_s_proof(writer: Writer) -> None:
    """A window proven but for one millisecond is two intervals; found again, the gap keeps the time it was found."""
    for now in (1, 2):
        ledger.commit_batch(writer, Batch(KEY, proven=(0, 100), cursor=100, gap=Gap(40, 41, "full page")), now)
    assert streams.intervals(writer.connection, KEY) == ((0, 40), (41, 100))
    assert writer.connection.execute("SELECT found_ms, closed_ms FROM gaps").fetchall() == [(1, None)]


def test_a_row_in_quarantine_voids_the_proof(writer: Writer) -> None:
    """It is kept whole and once; its window is not complete unless a gap says where the row lies."""
    bad = Quarantined(KEY, "no price", '{"id": 1, "price": null}')
    for _ in range(2):
        ledger.commit_batch(writer, Batch(KEY, proven=(0, 100), cursor=100, quarantined=(bad,)), 1)
    assert streams.streams(writer.connection, "main")[0].cursor is None
    assert streams.coverage(writer.connection, "main") == ()
    (kept,) = query.quarantined(writer.connection)
    assert (kept.account, kept.kind, kept.reason, kept.raw) == ("main", "fills", "no price", bad.raw)
    ledger.commit_batch(writer, Batch(KEY, proven=(0, 100), gap=Gap(40, 41, "row"), quarantined=(bad,)), 1)
    assert streams.intervals(writer.connection, KEY) == ((0, 40), (41, 100))


def test_findings_of_a_batch_are_stored_with_it(writer: Writer) -> None:
    """One transaction: rows and findings."""
    finding = Finding("gap", "main", "Rows may be missing.")
    ledger.commit_batch(writer, Batch(KEY, findings=(finding,)), 1)
    assert findings.findings(writer.connection) == (finding,)


def test_a_batch_that_cannot_be_stored_moves_nothing(writer: Writer) -> None:
    """On a full disk neither rows nor cursor change; with room the same batch goes in."""
    batch = Batch(KEY, fills=tuple(fill(str(n), raw=f"{n:5d}" * 400) for n in range(300)), proven=(0, 9), cursor=9)
    (pages,) = writer.connection.execute("PRAGMA page_count").fetchone()
    writer.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match="the disk is full"):
        ledger.commit_batch(writer, batch, 1)
    assert (stored(writer), streams.streams(writer.connection), touched(writer.connection)) == ([], (), {})
    writer.connection.execute("PRAGMA max_page_count = 1000000")
    assert ledger.commit_batch(writer, batch, 1) == Commit(new=300)


def test_an_account_remembers_every_asset_it_had_to_do_with(writer: Writer) -> None:
    """Bases, quotes, fee assets and movements; other accounts' assets are not mixed in."""
    commit(writer, [fill("1", base="ETH", quote="BTC", fees=(Fee("BNB", Decimal(1)),))])
    ledger.commit_movements(writer, [deposit("d", asset="DOT"), deposit("e", account="other", asset="XRP")], 1)
    assert ledger.assets_seen(writer.connection, "main") == {"ETH", "BTC", "BNB", "DOT"}


def test_an_unregistered_account_is_named(writer: Writer) -> None:
    """A stream of an account that nobody registered is a mistake."""
    with pytest.raises(UsageError, match="no account 'ghost'"):
        ledger.commit_batch(writer, Batch(StreamKey("ghost", "fills")), 1)


def test_a_name_cannot_change_its_venue(writer: Writer) -> None:
    """Its cursors are in the old venue's time and ids; without rows the change is harmless."""
    ledger.register_account(writer, Account("main", "binance"), 2)
    commit(writer, [fill("1")])
    with pytest.raises(UsageError, match="'main' is stored as one of binance, not of kraken"):
        ledger.register_account(writer, Account("main", "kraken"), 3)


def test_a_paused_account_keeps_its_reason(writer: Writer) -> None:
    """Pausing notes reason and time; becoming active clears the reason, the last error stays."""
    ledger.mark_account(writer, "main", "paused", "Key refused.", 7)
    row = query.accounts(writer.connection)[0]
    assert (row.state, row.reason, row.last_error, row.last_error_time) == ("paused", "Key refused.", "Key refused.", 7)
    ledger.mark_account(writer, "main", "active", None, 8)
    row = query.accounts(writer.connection)[0]
    assert (row.state, row.reason, row.last_error, row.last_error_time) == ("active", None, "Key refused.", 7)
