"""Importing events and prices files into a real database."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.errors import ImportRejected, UsageError
from monitor.interchange.columns import EVENT_COLUMNS
from monitor.jobs.interchange import FEW_ROWS, Files, ImportSummary, import_events
from monitor.records import Account, Fee, Fill, Movement
from monitor.store import markets
from monitor.store.database import Writer, open_writer
from monitor.store.ledger import commit_rows, register_account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = 1_770_000_000_000
DAY = 86_400_000
NEW_YEAR = 1_767_225_600_000  # 2026-01-01T00:00:00Z
BUY = "2026-01-01,main,trade,BTC/USDT,buy,1,50000,,,0.001,BNB,7,,,,,"
SELL = "2026-01-02,main,trade,BTC/USDT,sell,0.5,60000,,,,,8,,,,,"
MOVE = "2026-01-03,main,transfer,,,0.1,,BTC,,,,,,cold,0.0999,,"
DEPOSIT = "2026-01-01,main,deposit,,,1,,ETH,,,,,,,,,"
BAD = "2026-01-01,main,deposit,,,one,,ETH,,,,,,,,,"


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """A new database."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        yield opened


class Desk:
    """Imports rows of text."""

    def __init__(self, writer: Writer, folder: Path) -> None:
        """Keep files in `folder`."""
        self.writer, self.folder = writer, folder

    def take(self, *rows: str, skip_bad: bool = False, dry_run: bool = False) -> ImportSummary:
        """Import an events file of these rows."""
        path = self.folder / "events.csv"
        path.write_text("\n".join([",".join(EVENT_COLUMNS), *rows, ""]))
        return import_events(self.writer, Files(path), NOW, skip_bad=skip_bad, dry_run=dry_run)

    def rows(self, query: str) -> list[tuple[object, ...]]:
        """Return what a query finds."""
        return [tuple(row) for row in self.writer.connection.execute(query)]


@pytest.fixture
def desk(writer: Writer, tmp_path: Path) -> Desk:
    """A desk without anything."""
    return Desk(writer, tmp_path)


def test_rows_are_stored(desk: Desk) -> None:
    """Fills and movements come into the ledger with their accounts, exact and marked as from a file."""
    summary = desk.take(BUY, SELL, MOVE, DEPOSIT)
    assert summary == ImportSummary(accepted=4, stored=True)
    assert desk.rows("SELECT account, key, amount, price, fees, source, first_seen_ms FROM fills ORDER BY id") == [
        ("main", "spot|BTC/USDT|7||buy", "1", "50000", '[["BNB","0.001"]]', "file", NOW),
        ("main", "spot|BTC/USDT|8||sell", "0.5", "60000", "[]", "file", NOW),
    ]
    assert desk.rows("SELECT kind, asset, amount, to_account, received, status FROM movements ORDER BY id") == [
        ("transfer", "BTC", "0.1", "cold", "0.0999", "ok"),
        ("deposit", "ETH", "1", None, None, "ok"),
    ]
    assert desk.rows("SELECT account, exchange FROM accounts ORDER BY account") == [("cold", "file"), ("main", "file")]


def test_side_tables(desk: Desk) -> None:
    """What the ledger keeps beside its rows is kept for imported ones: assets seen, pairs, third-asset fees."""
    desk.take(BUY, SELL, MOVE)
    assert desk.rows("SELECT account, asset, last_ms FROM seen ORDER BY account, asset") == [
        ("cold", "BTC", NEW_YEAR + 2 * DAY),
        ("main", "BNB", NEW_YEAR),
        ("main", "BTC", NEW_YEAR + 2 * DAY),
        ("main", "USDT", NEW_YEAR + DAY),
    ]
    assert desk.rows("SELECT base, quote FROM pairs") == [("BTC", "USDT")]
    assert desk.rows("SELECT asset, time_ms, fill FROM third_fees") == [("BNB", NEW_YEAR, 1)]


def test_bulk_stores_what_records_store(desk: Desk, tmp_path: Path) -> None:
    """A file leaves the same tables as the same events given as records."""
    desk.take(BUY, SELL, MOVE.replace(",,,,,cold", ",,,m1,,cold"), DEPOSIT.replace(",,,,,,,,,", ",,0.1,BNB,d1,,,,,"))
    one, half, tenth = Decimal(1), Decimal("0.5"), Decimal("0.1")
    common = {"account": "main", "exchange": "file", "source": "file"}
    spot = {"book": "spot", "market": "BTC/USDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT"}
    fills = [
        Fill(key="spot|BTC/USDT|7||buy", time=NEW_YEAR, side="buy", amount=one, price=Decimal(50000), trade_id="7",
             sequence=7, fees=(Fee("BNB", Decimal("0.001")),), **common, **spot),  # type: ignore[arg-type]
        Fill(key="spot|BTC/USDT|8||sell", time=NEW_YEAR + DAY, side="sell", amount=half, price=Decimal(60000),
             trade_id="8", sequence=8, **common, **spot),  # type: ignore[arg-type]
    ]  # fmt: skip
    movements = [
        Movement(key="transfer|BTC|m1", time=NEW_YEAR + 2 * DAY, kind="transfer", asset="BTC", amount=tenth,
                 to_account="cold", received=Decimal("0.0999"), **common),  # type: ignore[arg-type]
        Movement(key="deposit|ETH|d1", time=NEW_YEAR, kind="deposit", asset="ETH", amount=one,
                 fees=(Fee("BNB", tenth),), **common),  # type: ignore[arg-type]
    ]  # fmt: skip
    with open_writer(tmp_path / "records.db", holder="test") as other:
        for name in ("main", "cold"):
            register_account(other, Account(name, "file"), NOW)
        commit_rows(other, fills, movements, NOW)
        there = Desk(other, tmp_path)
        for query in (
            "SELECT * FROM fills ORDER BY key",
            "SELECT * FROM movements ORDER BY key",
            "SELECT * FROM pairs",
            "SELECT asset, time_ms, fill FROM third_fees",
            "SELECT * FROM seen WHERE account = 'main' ORDER BY asset",
        ):
            assert desk.rows(query) == there.rows(query), query


def test_same_file_twice(desk: Desk) -> None:
    """A file imported again adds nothing and names the lines it knew."""
    rows = [BUY, SELL, SELL.replace(",8,", ",,"), SELL.replace(",8,", ",,"), MOVE, DEPOSIT]
    first = desk.take(*rows)
    before = desk.rows("SELECT * FROM fills") + desk.rows("SELECT * FROM movements")
    again = desk.take(*rows)
    assert (first.accepted, again.accepted, again.duplicate) == (6, 0, (2, 3, 4, 5, 6, 7))
    assert desk.rows("SELECT * FROM fills") + desk.rows("SELECT * FROM movements") == before


def test_overlapping_files(desk: Desk) -> None:
    """Of a file that overlaps with an earlier one only the new rows are added."""
    desk.take(BUY, DEPOSIT)
    summary = desk.take(BUY, SELL, DEPOSIT, MOVE)
    assert (summary.accepted, summary.duplicate) == (2, (2, 4))
    assert desk.rows("SELECT count(*) FROM fills") == [(2,)]


def test_bad_row_stores_nothing(desk: Desk) -> None:
    """One unreadable row keeps the whole file out, and is named."""
    summary = desk.take(BUY, BAD, SELL)
    assert (summary.stored, [(row.line, row.reason) for row in summary.rejected]) == (
        False,
        [(3, "amount 'one' is no decimal number")],
    )
    assert desk.rows("SELECT count(*) FROM fills") + desk.rows("SELECT count(*) FROM accounts") == [(0,), (0,)]


def test_skip_bad(desk: Desk) -> None:
    """With skip_bad the good rows are stored and the bad ones still told."""
    summary = desk.take(BUY, BAD, SELL, skip_bad=True)
    assert (summary.stored, summary.accepted, len(summary.rejected)) == (True, 2, 1)
    assert desk.rows("SELECT count(*) FROM fills") == [(2,)]


def test_dry_run(desk: Desk) -> None:
    """A dry run tells what would be new and known, and stores nothing."""
    desk.take(BUY)
    summary = desk.take(BUY, SELL, BAD, dry_run=True)
    assert (summary.stored, summary.accepted, summary.duplicate, len(summary.rejected)) == (False, 1, (2,), 1)
    assert desk.rows("SELECT count(*) FROM fills") == [(1,)]


def test_corrected_row(desk: Desk) -> None:
    """A row that says something else under a known id replaces it; the old form stays as a revision."""
    desk.take(BUY, MOVE.replace(",,,,,cold", ",,,m1,,cold"))
    summary = desk.take(
        BUY.replace("buy,1,", "buy,2,"), MOVE.replace(",,,,,cold", ",,,m1,,cold").replace("0.0999", "0.0998")
    )
    assert (summary.accepted, summary.revised) == (2, (2, 3))
    assert desk.rows("SELECT amount FROM fills") == [("2",)]
    assert desk.rows("SELECT received FROM movements") == [("0.0998",)]
    assert desk.rows("SELECT ledger, json_extract(payload, '$.amount') FROM revisions") == [
        ("fills", "1"),
        ("movements", "0.1"),
    ]


def test_nothing_to_do(writer: Writer) -> None:
    """An import without a file is a mistake."""
    with pytest.raises(UsageError, match="Name an events file"):
        import_events(writer, Files(), NOW, skip_bad=False, dry_run=False)


def test_columns_of_another_program(desk: Desk, tmp_path: Path) -> None:
    """A file of another program is refused before anything is stored."""
    path = tmp_path / "other.csv"
    path.write_text("Date,Type\n2026-01-01,Buy\n")
    with pytest.raises(ImportRejected, match="unknown columns 'Date', 'Type'"):
        import_events(desk.writer, Files(path), NOW, skip_bad=True, dry_run=False)


API_FILL = {
    "exchange": "binance", "book": "spot", "market": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT",
    "key": "spot|BTCUSDT|7|3|buy", "trade_id": "7", "order_id": "3", "raw": "{}",
}  # fmt: skip


@pytest.fixture
def live(desk: Desk) -> Desk:
    """A desk with an account read from an exchange, its market, and one fill."""
    register_account(desk.writer, Account("main", "binance"), NOW)
    markets.save(desk.writer, "binance", [{"id": "BTCUSDT", "symbol": "BTC/USDT"}], NOW)
    fill = Fill(account="main", time=NEW_YEAR, side="buy", amount=Decimal(1), price=Decimal(50000), **API_FILL)  # type: ignore[arg-type]
    commit_rows(desk.writer, [fill], [], NOW)
    return desk


def test_fill_known_from_the_exchange(live: Desk) -> None:
    """A fill that the exchange told already is not added by a file, nor overruled by it."""
    summary = live.take("2026-01-01,main,trade,BTC/USDT,buy,1.5,50000,,,,,7,3,,,,")
    assert (summary.accepted, summary.duplicate) == (0, (2,))
    assert live.rows("SELECT amount, source, exchange FROM fills") == [("1", "api", "binance")]


def test_fill_the_exchange_tells_later(live: Desk) -> None:
    """A fill that came from a file first is replaced by the exchange's own row."""
    live.take("2026-01-02,main,trade,BTC/USDT,sell,1,50000,,,,,8,4,,,,")
    told = API_FILL | {"key": "spot|BTCUSDT|8|4|sell", "trade_id": "8", "order_id": "4"}
    fill = Fill(account="main", time=NEW_YEAR + DAY, side="sell", amount=Decimal(1), price=Decimal(50000), **told)  # type: ignore[arg-type]
    commit_rows(live.writer, [fill], [], NOW)
    assert live.rows("SELECT key, exchange, source FROM fills WHERE side = 'sell'") == [
        ("spot|BTCUSDT|8|4|sell", "binance", "api")
    ]


@pytest.mark.parametrize("order", ["", "3"])
def test_file_without_order_ids(live: Desk, order: str) -> None:
    """A trade history that has trade ids but no order ids still means the same fills."""
    summary = live.take(f"2026-01-01,main,trade,BTC/USDT,buy,1,50000,,,,,7,{order},,,,")
    assert (summary.accepted, summary.duplicate) == (0, (2,))


def test_prices_twice(desk: Desk, tmp_path: Path) -> None:
    """Prices are stored once; a changed one replaces what was there."""
    path = tmp_path / "prices.csv"
    counts = []
    for text in ("2026-01-01,BTC,1", "2026-01-01,BTC,1.0\n2026-01-02,BTC,2", "2026-01-01,BTC,3"):
        path.write_text(f"time,asset,price\n{text}\n")
        dry = import_events(desk.writer, Files(prices=path), NOW, skip_bad=False, dry_run=True)
        real = import_events(desk.writer, Files(prices=path), NOW, skip_bad=False, dry_run=False)
        assert (dry.prices, dry.prices_known, dry.stored) == (real.prices, real.prices_known, False)
        counts.append((real.prices, real.prices_known))
    assert counts == [(1, 0), (1, 1), (1, 0)]
    assert desk.rows("SELECT base, quote, exchange, price FROM prices ORDER BY time_ms") == [
        ("BTC", "USD", "file", "3"),
        ("BTC", "USD", "file", "2"),
    ]


def test_bad_price_keeps_events_out(desk: Desk, tmp_path: Path) -> None:
    """Two files given together are stored together or not at all."""
    events, prices = tmp_path / "e.csv", tmp_path / "p.csv"
    events.write_text(f"{','.join(EVENT_COLUMNS)}\n{BUY}\n")
    prices.write_text("time,asset,price\n2026-01-01,BTC,dear\n")
    summary = import_events(desk.writer, Files(events, prices), NOW, skip_bad=False, dry_run=False)
    assert (summary.stored, [(row.file, row.line) for row in summary.rejected]) == (False, [(str(prices), 2)])
    assert desk.rows("SELECT count(*) FROM fills") == [(0,)]


def test_large_file_keeps_the_indexes(desk: Desk) -> None:
    """A file larger than the table leaves every index as it was, and every row in it."""
    find = "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"
    before = desk.rows(find)
    summary = desk.take(*(f"{NEW_YEAR + n},main,trade,BTC/USDT,buy,1,1,,,,,{n + 1},,,,," for n in range(FEW_ROWS + 1)))
    assert summary.accepted == FEW_ROWS + 1
    assert desk.rows(find) == before
    assert desk.rows("SELECT count(*) FROM fills INDEXED BY fills_base WHERE base = 'BTC'") == [(FEW_ROWS + 1,)]
    assert desk.rows("PRAGMA integrity_check") == [("ok",)]


def test_large_file_names_its_known_lines(desk: Desk) -> None:
    """Stored in the order of their keys, rows of a large file that were known or corrected are still told by line."""
    rows = [f"{NEW_YEAR + n},main,trade,BTC/USDT,buy,1,1,,,,,{FEW_ROWS * 2 - n},,,,," for n in range(FEW_ROWS + 1)]
    desk.take(rows[0], rows[98].replace("buy,1,1", "buy,2,1"), rows[FEW_ROWS])
    summary = desk.take(*rows)
    assert (summary.accepted, summary.duplicate, summary.revised) == (FEW_ROWS - 1, (2, FEW_ROWS + 2), (100,))
    assert desk.rows("SELECT count(*), sum(amount = '1'), count(DISTINCT key) FROM fills") == [(FEW_ROWS + 1,) * 3]


def test_large_file_of_several_markets(desk: Desk) -> None:
    """Rows are stored with their own market and account, in long runs and in short ones; so are revisions."""
    names = [f"A{n % 3}" if n % 10 else f"B{n % 1000}" for n in range(FEW_ROWS + 1)]
    rows = [
        f"{NEW_YEAR + n},desk{n % 2},trade,{name}/USDT,buy,{1 + n % 7},1,,,,,{n + 1},,,,,"
        for n, name in enumerate(names)
    ]
    desk.take(rows[3], rows[11].replace(",1,,,,,", ",2,,,,,"), rows[20].replace(",1,,,,,", ",2,,,,,"))
    summary = desk.take(*rows)
    assert (summary.accepted, summary.duplicate, summary.revised) == (FEW_ROWS, (5,), (13, 22))
    told = (
        "SELECT account, time_ms, sequence, market, symbol, base, quote, amount, price, trade_id FROM fills ORDER BY 3"
    )
    assert desk.rows(told) == [
        (f"desk{n % 2}", NEW_YEAR + n, n + 1, f"{x}/USDT", f"{x}/USDT", x, "USDT", str(1 + n % 7), "1", str(n + 1))
        for n, x in enumerate(names)
    ]
    assert desk.rows("SELECT typeof(sequence), count(*) FROM fills GROUP BY 1") == [("integer", FEW_ROWS + 1)]


def test_large_file_keeps_the_triggers(desk: Desk) -> None:
    """The trigger that notes options is there again after a large file without any."""
    find = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' ORDER BY name"
    before = desk.rows(find)
    desk.take(*(f"{NEW_YEAR + n},main,trade,BTC/USDT,buy,1,1,,,,,{n + 1},,,,," for n in range(FEW_ROWS + 1)))
    assert desk.rows(find) == before != []
