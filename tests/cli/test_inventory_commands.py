"""`inventory`, `stuck`, `series`, `explain`: what the command line makes of their answers."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY
from monitor.jobs.measure import measure
from monitor.records import Account, Price
from monitor.store.database import open_writer
from monitor.store.ledger import commit_prices, commit_rows, register_account
from tests.cli.conftest import START, fill
from tests.cli.test_start_up import imported
from tests.jobs.conftest import spoil_cogs

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from tests.cli.conftest import Monitor

END = "2026-01-11"


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a measured database of an imported file: 2 BTC bought, half sold a day later, marked on the third day."""
    path = tmp_path_factory.mktemp("book") / "book.db"
    told = (fill("1", 0, "BTC/USD buy 2 50000", "0 USD"), fill("2", 24, "BTC/USD sell 1 60000", "0 USD"))
    with open_writer(path, holder="tests") as writer:
        register_account(writer, Account("main", "file"), START)
        commit_rows(writer, [replace(one, exchange="file") for one in told], (), START)
        price: Decimal = told[0].price
        commit_prices(writer, [Price("BTC", "USD", START + 2 * DAY, price * 9 / 10, "file", "file")])
        measure(writer, START + 3 * DAY)
    return path


def test_inventory_is_a_table_with_ages_and_a_total(monitor: Monitor, book: Path) -> None:
    """One coin at 50,000, marked at 45,000, ten days old."""
    ended = monitor("--db", book, "inventory", "--as-of", END)
    assert ended.code == 0
    position, total = (" ".join(line.split()) for line in ended.out.splitlines()[5:])
    assert position == (
        "BTC 1 50,000.00 50,000.00 45,000.00 -5,000.00 - - - 50,000.00 - - 2026-01-03 00:00:00 file BTC/USD file ok"
    )
    assert total == "all long - 50,000.00 - - -5,000.00 - - - 50,000.00 - - - - -"


def test_inventory_in_other_forms(monitor: Monitor, book: Path) -> None:
    """JSON is the answer; CSV a row a position with flat names."""
    answer = json.loads(monitor("--db", book, "inventory", "--as-of", END, "-f", "json").out)
    assert (answer["positions"][0]["quantity"], answer["total"]["short"]["positions"]) == ("1", 0)
    (row,) = csv.DictReader(monitor("--db", book, "inventory", "--as-of", END, "-f", "csv").out.splitlines())
    assert (row["asset"], float(row["age_basis_7d_to_30d"])) == ("BTC", 50_000)


def test_stuck_says_why_and_shows_the_lots_of_what_was_asked(monitor: Monitor, book: Path) -> None:
    """50,000 for ten days are all there is; under water by a tenth."""
    ended = monitor("--db", book, "stuck", "BTC", "--as-of", END)
    assert "500,000.00  100.0" in ended.out
    reason = "one lot, 10.0 d old, at 50,000 USD against a mark of 45,000: 10.0% under water. Last sale 9.0 d ago."
    assert f"BTC: 100% of its basis-days are {reason}" in ended.out
    assert "Open lots of BTC" in ended.out
    assert "Open lots" not in monitor("--db", book, "stuck", "--as-of", END).out


def test_series_of_one_asset_is_one_object(monitor: Monitor, book: Path) -> None:
    """Of several, or of accounts, it is a list; the portfolio's where none is named."""
    asked = ["--from", "2026-01-02", "--to", "2026-01-03", "--window", "1d", "--metric", "inventory", "-f", "json"]
    line = json.loads(monitor("--db", book, "series", "BTC", *asked).out)
    assert (line["asset"], [point["value"] for point in line["points"]]) == ("BTC", [100_000, 50_000])
    assert json.loads(monitor("--db", book, "series", *asked).out)["asset"] == "portfolio"
    assert len(json.loads(monitor("--db", book, "series", "BTC", "--by", "account", *asked).out)) == 1
    table = monitor("--db", book, "series", "BTC", *asked[:6]).out.splitlines()
    assert table[0] == "Turnover of BTC over 1d, every 1d"
    assert table[-1].split() == ["2026-01-03", "00:00:00", "1.00", "ok"]


def test_an_unknown_metric_ends_with_2(monitor: Monitor, book: Path) -> None:
    """And names the nearest."""
    ended = monitor("--db", book, "series", "BTC", "--metric", "turnove")
    assert (ended.code, "Did you mean 'turnover'?" in ended.err) == (2, True)


def test_explain_shows_formula_lots_and_fills(monitor: Monitor, book: Path) -> None:
    """50,000 relieved; 100,000 for one day and 50,000 for nine: 55,000 on average."""
    asked = ["explain", "BTC", "--from", "2026-01-01", "--to", END]
    ended = monitor("--db", book, *asked)
    assert (ended.code, ended.err) == (0, "")
    assert "turnover = 50,000 / 55,000 = 0.9090909091" in ended.out
    for title in (
        "agrees within 1e-9",
        "Inventory curve",
        "Lots opened: 1",
        "Lots relieved: 1",
        "Fills and movements: 2",
    ):
        assert title in ended.out
    answer = json.loads(monitor("--db", book, *asked, "-f", "json").out)
    assert [row["id"] for row in answer["events"]] == ["1", "2"]
    rows = list(csv.DictReader(monitor("--db", book, *asked, "-f", "csv").out.splitlines()))
    assert [row["change"] for row in rows] == ["2", "-1"]


def test_explain_ends_with_1_where_the_tables_are_wrong(monitor: Monitor, book: Path, tmp_path: Path) -> None:
    """The finding names the figure and the remedy."""
    path = tmp_path / "wrong.db"
    path.write_bytes(book.read_bytes())
    with open_writer(path, holder="tests") as writer:
        spoil_cogs(writer.connection, 1.5)
    ended = monitor("--db", path, "explain", "BTC", "--from", "2026-01-01", "--to", END)
    assert ended.code == 1
    assert "DIFFERS" in ended.out
    assert "is stored as 75000.0, but the ledger gives 50000.0. Run `monitor rebuild`" in ended.err


@pytest.mark.parametrize("command", ["inventory", "stuck BTC", "series BTC --metric turnover", "series"])
def test_they_import_nothing_heavy(book: Path, command: str) -> None:
    """Positions and lines are read, not computed."""
    assert imported("--db", str(book), *command.split(), "-f", "json") == []
