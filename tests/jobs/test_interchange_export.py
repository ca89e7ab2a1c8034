"""Exporting the ledger: what comes back is the same ledger and gives the same answers."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from monitor.errors import UsageError
from monitor.interchange.columns import EVENT_COLUMNS
from monitor.jobs.answer import turnover_answer
from monitor.jobs.interchange import ExportSummary, Files, export_events, import_events
from monitor.records import Account, Fee, Fill, Movement, Price
from monitor.store import markets
from monitor.store.database import Writer, open_writer
from monitor.store.ledger import commit_prices, commit_rows, register_account

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.jobs.question import Options

NOW = 1_770_000_000_000
DAY = 86_400_000
NEW_YEAR = 1_767_225_600_000  # 2026-01-01T00:00:00Z
ROWS = (
    "2026-01-01,main,opening,,,2,,BTC,80000,,,,,,,,",
    "2026-01-01T01:00:00.123Z,main,trade,BTC/USDT,buy,1,50000,,,0.001;0.5,BNB;USDT,7,3,,,,",
    "2026-01-02,main,trade,ETH/BTC,sell,3,0.05,,,-0.0001,BTC,a-8,,,,,",
    "2026-01-02,main,trade,ETH/BTC,sell,3,0.05,,,,,,,,,,",
    "2026-01-02,main,trade,ETH/BTC,sell,3,0.05,,,,,,,,,,",
    "2026-01-03,main,transfer,,,0.5,,BTC,,,,t1,,cold,0.4995,,",
    "2026-01-04,main,convert,LEND/AAVE,,100,,,,,,,,,1,,",
    "2026-01-05,main,trade,BTC/USD:BTC,sell,3,60000,,,0.0001,BTC,9,,,,,100",
    "2026-01-05,main,trade,ETH/USDT,sell,3,2600,,,,,10,,,,margin,",
    "2026-01-06,cold,funding,,,-3.5,,USDT,,,,,,,,,",
    "2026-01-07,main,withdrawal,,,0.1,,BTC,,0.001,BTC,w1,,,,,",
)
PRICES = "time,asset,price\n2026-01-01,BTC,45000\n2026-01-01,ETH,2500\n2026-01-01,BNB,600\n2026-01-01,LEND,0.5\n"


def taken(folder: Path, name: str, events: str | Path, prices: str | Path) -> Writer:
    """Return a new database that these files were imported into."""
    paths = []
    for kind, given_file in (("events", events), ("prices", prices)):
        path = given_file if not isinstance(given_file, str) else folder / f"{name}-{kind}.csv"
        if isinstance(given_file, str):
            path.write_text(given_file)
        paths.append(path)
    writer = open_writer(folder / f"{name}.db", holder="test")
    summary = import_events(writer, Files(paths[0], paths[1]), NOW, skip_bad=False, dry_run=False)
    assert summary.stored, summary.rejected
    return writer


def answers(writer: Writer) -> list[object]:
    """Return the answers by asset and by account over all the time."""
    options: Options = {"start": NEW_YEAR - DAY, "end": NEW_YEAR + 20 * DAY, "book": "all", "by": "account"}
    by_account = turnover_answer(writer.connection, now=NOW, **options)
    options["by"] = "asset"
    return [by_account, turnover_answer(writer.connection, now=NOW, **options)]


def ledger(writer: Writer) -> list[tuple[object, ...]]:
    """Return everything the ledger says, without ids and the time it was first seen."""
    columns = {
        "fills": "account, exchange, key, time_ms, sequence, book, kind, market, symbol, base, quote, settle, side,"
        " amount, price, contract_size, inverse, fees, trade_id, order_id",
        "movements": "account, exchange, key, time_ms, sequence, kind, book, asset, amount, value, fees, to_account,"
        " to_asset, received, status",
        "prices": "*",
    }
    return [
        tuple(row)
        for table, names in columns.items()
        for row in writer.connection.execute(f"SELECT {names} FROM {table} ORDER BY 1, 2, 3")  # noqa: S608  our own names
    ]


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_there_and_back(tmp_path: Path, suffix: str) -> None:
    """Export and import give the same ledger row by row, and the same answers."""
    text = "\n".join([",".join(EVENT_COLUMNS), *ROWS, ""])
    out = Files(tmp_path / f"out.{suffix}", tmp_path / f"out-prices.{suffix}")
    with taken(tmp_path, "one", text, PRICES) as one:
        assert export_events(one.connection, out) == ExportSummary(len(ROWS), 4)
        assert out.events is not None
        assert out.prices is not None
        with taken(tmp_path, "two", out.events, out.prices) as two:
            assert ledger(two) == ledger(one)
            assert answers(two) == answers(one)


def test_back_into_the_same_database(tmp_path: Path) -> None:
    """An export imported where it came from adds nothing."""
    text = "\n".join([",".join(EVENT_COLUMNS), *ROWS, ""])
    with taken(tmp_path, "one", text, PRICES) as one:
        export_events(one.connection, Files(tmp_path / "out.csv"))
        summary = import_events(one, Files(tmp_path / "out.csv"), NOW, skip_bad=False, dry_run=False)
    assert (summary.accepted, len(summary.duplicate), summary.revised) == (0, len(ROWS), ())


def test_rows_of_an_exchange(tmp_path: Path) -> None:
    """Rows that an exchange told go out under their ids, or their keys, and are known when they come back."""
    common = {"account": "live", "exchange": "binance", "time": NEW_YEAR, "raw": "{}"}
    market = {"book": "spot", "market": "BTCUSDT", "symbol": "BTC/USDT", "base": "BTC", "quote": "USDT"}
    amounts = {"side": "buy", "amount": Decimal(1), "price": Decimal(50000), "cost": Decimal(50000)}
    fills = [
        Fill(key="spot|BTCUSDT|7|3|buy", trade_id="7", order_id="3", sequence=7, **common, **market, **amounts),  # type: ignore[arg-type]
        Fill(key="spot|BTCUSDT|abc-1", **common, **market, **amounts),  # type: ignore[arg-type]
    ]
    paid = Movement(key="deposit|BTC|d1", kind="deposit", asset="BTC", amount=Decimal(1), **common)  # type: ignore[arg-type]
    with open_writer(tmp_path / "live.db", holder="test") as writer:
        register_account(writer, Account("live", "binance"), NOW)
        markets.save(writer, "binance", [{"id": "BTCUSDT", "symbol": "BTC/USDT"}], NOW)
        commit_rows(writer, fills, [paid], NOW)
        export_events(writer.connection, Files(tmp_path / "out.csv"))
        summary = import_events(writer, Files(tmp_path / "out.csv"), NOW, skip_bad=False, dry_run=False)
    assert (summary.accepted, summary.duplicate) == (0, (2, 3, 4))


def test_matched_transfer_goes_out_as_one(tmp_path: Path) -> None:
    """A withdrawal and the deposit it became are one transfer in the file."""
    both = {"asset": "BTC", "amount": Decimal(1), "raw": "{}"}
    sent = Movement(account="one", exchange="kraken", key="withdrawal|BTC|w", time=NEW_YEAR, kind="withdrawal",
                    network_id="0xaa", fees=(Fee("BTC", Decimal("0.001")),), **both)  # type: ignore[arg-type]  # fmt: skip
    came = Movement(account="two", exchange="binance", key="deposit|BTC|d", time=NEW_YEAR + DAY, kind="deposit",
                    network_id="0xaa", **both)  # type: ignore[arg-type]  # fmt: skip
    with open_writer(tmp_path / "live.db", holder="test") as writer:
        for name, exchange in (("one", "kraken"), ("two", "binance")):
            register_account(writer, Account(name, exchange), NOW)
        commit_rows(writer, [], [sent, came], NOW)
        writer.connection.execute("INSERT INTO matches (withdrawal, deposit, how) VALUES (1, 2, 'network_id')")
        assert export_events(writer.connection, Files(tmp_path / "out.csv")) == ExportSummary(
            1, 0, ("transfers whose arrival the file cannot tell, only when they left: 1.",)
        )
    row = pl.read_csv(tmp_path / "out.csv", infer_schema=False).row(0, named=True)
    told = {name: row[name] for name in ("kind", "account", "to_account", "amount", "received", "fee", "fee_asset")}
    assert told == {
        "kind": "transfer", "account": "one", "to_account": "two", "amount": "1", "received": "1", "fee": "0.001",
        "fee_asset": "BTC",
    }  # fmt: skip


def test_prices_of_several_venues(tmp_path: Path) -> None:
    """One price an instant: the currency's own pair before a pegged one, then by the venue's name."""
    points = [("USDT", "binance", 3), ("USD", "kraken", 2), ("USD", "bitstamp", 1), ("EUR", "kraken", 4)]
    with open_writer(tmp_path / "live.db", holder="test") as writer:
        commit_prices(writer, [Price("BTC", q, NEW_YEAR, Decimal(p), venue, "candle") for q, venue, p in points])
        commit_prices(writer, [Price("ETH", "USDT", NEW_YEAR, Decimal("2.50"), "binance", "candle")])
        assert export_events(writer.connection, Files(prices=tmp_path / "out.csv")) == ExportSummary(
            0, 2, ("prices of 3 venues become one series: where venues differ, values may too.",)
        )
    assert pl.read_csv(tmp_path / "out.csv", infer_schema=False).rows() == [
        ("2026-01-01T00:00:00.000Z", "BTC", "1"),
        ("2026-01-01T00:00:00.000Z", "ETH", "2.5"),
    ]


def moved(kind: str, identity: str, account: str = "live", **fields: object) -> Movement:
    """Return a movement of 1 BTC as an exchange tells it."""
    said = {"account": account, "exchange": "kraken", "key": f"{kind}|BTC|{identity}", "time": NEW_YEAR, "kind": kind}
    return Movement(**{**said, "asset": "BTC", "amount": Decimal(1), "raw": "{}", **fields})  # type: ignore[arg-type]


def test_what_has_not_happened_stays_at_home(tmp_path: Path) -> None:
    """Movements that are pending or failed are not written, and that is said: read back, they would count."""
    with open_writer(tmp_path / "live.db", holder="test") as writer:
        register_account(writer, Account("live", "kraken"), NOW)
        rows = [moved("deposit", "1"), moved("deposit", "2", status="pending"), moved("deposit", "3", status="failed")]
        commit_rows(writer, [], rows, NOW)
        note = "movements left out because they failed or have not happened yet: 2."
        assert export_events(writer.connection, Files(tmp_path / "out.csv")) == ExportSummary(1, 0, (note,))


def test_place_among_equals(tmp_path: Path) -> None:
    """A movement an exchange told has no number among its equals; read back from a file it has none either."""
    with open_writer(tmp_path / "live.db", holder="test") as writer:
        register_account(writer, Account("live", "kraken"), NOW)
        commit_rows(writer, [], [moved("deposit", "17"), moved("income", "18", sequence=18)], NOW)
        export_events(writer.connection, Files(tmp_path / "out.csv"))
    with taken(tmp_path, "two", tmp_path / "out.csv", PRICES) as two:
        found = two.connection.execute("SELECT key, sequence FROM movements ORDER BY key").fetchall()
        assert [tuple(row) for row in found] == [("deposit|BTC|17", None), ("income|BTC|18", 18)]


def test_half_a_transfer_comes_back(tmp_path: Path) -> None:
    """A transfer of an imported withdrawal and an exchange's deposit, read back, leaves both and their match alone."""
    sent = moved("withdrawal", "w", "paper", exchange="file", source="file")
    with open_writer(tmp_path / "live.db", holder="test") as writer:
        register_account(writer, Account("paper", "file"), NOW)
        register_account(writer, Account("live", "kraken"), NOW)
        commit_rows(writer, [], [sent, moved("deposit", "d")], NOW)
        writer.connection.execute("INSERT INTO matches (withdrawal, deposit, how) VALUES (1, 2, 'amount')")
        export_events(writer.connection, Files(tmp_path / "out.csv"))
        summary = import_events(writer, Files(tmp_path / "out.csv"), NOW, skip_bad=False, dry_run=False)
        assert (summary.accepted, summary.duplicate) == (0, (2,))
        assert writer.connection.execute("SELECT count(*) FROM matches").fetchone()[0] == 1


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """A file that cannot be written is told with the reason."""
    with (
        open_writer(tmp_path / "live.db", holder="test") as writer,
        pytest.raises(UsageError, match=r"out\.csv cannot be written: No such file or directory"),
    ):
        export_events(writer.connection, Files(tmp_path / "gone" / "out.csv"))


NUMBERS = st.decimals(min_value="0.00000001", max_value=10**9, places=8).map(lambda number: format(number, "f"))
FEES = st.lists(st.tuples(NUMBERS, st.sampled_from(["USDT", "BNB", "BTC", "币"])), max_size=3)
FILL_ROWS = st.builds(
    lambda time, account, pair, side, amounts, fees, identity: ",".join(
        [str(NEW_YEAR + time), account, "trade", pair, side, *amounts, "", "", ";".join(fee for fee, _ in fees),
         ";".join(asset for _, asset in fees), identity, "", "", "", "", ""]
    ),
    st.integers(0, 5),
    st.sampled_from(["a", "b c", 'd "e"'.replace('"', "'")]),
    st.sampled_from(["BTC/USDT", "ETH/BTC", "ETH/USDT:USDT", "BTC/USD:BTC"]),
    st.sampled_from(["buy", "sell"]),
    st.tuples(NUMBERS, NUMBERS),
    FEES,
    st.sampled_from(["", "", "0"]),
)  # fmt: skip


# Two databases an example: shrinking would take minutes, and the examples are small as they are.
@settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(rows=st.lists(FILL_ROWS, min_size=1, max_size=8))
def test_any_fills_there_and_back(tmp_path_factory: pytest.TempPathFactory, rows: list[str]) -> None:
    """Whatever the amounts, fees and repeated rows: the ledger that comes back is the same."""
    folder = tmp_path_factory.mktemp("desk")
    text = "\n".join([",".join(EVENT_COLUMNS), *rows, ""])
    with taken(folder, "one", text, PRICES) as one:
        assert one.connection.execute("SELECT count(*) FROM fills").fetchone() == (len(rows),)
        export_events(one.connection, Files(folder / "out.csv"))
        with taken(folder, "two", folder / "out.csv", PRICES) as two:
            assert ledger(two) == ledger(one)
