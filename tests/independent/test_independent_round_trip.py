"""Any ledger out and into a new database: the same rows, the same answers by asset and account, by every method."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from monitor.jobs.answer import turnover_answer
from monitor.jobs.interchange import Files, export_events, import_events
from monitor.jobs.remeasure import remeasured_answer
from monitor.store.database import open_writer
from tests.independent.generator import DAY, START, Generator

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.jobs.question import Options
    from monitor.store.database import Writer

NOW = START + 400 * DAY
WINDOW = {"start": START + 10 * DAY, "end": START + 25 * DAY, "book": "all"}
SAID = {
    "fills": "account, exchange, key, time_ms, sequence, book, kind, market, symbol, base, quote, settle, side, amount,"
    " price, contract_size, inverse, fees, trade_id, order_id",
    "movements": "account, exchange, key, time_ms, sequence, kind, book, asset, amount, value, fees, to_account,"
    " to_asset, received, status",
    "prices": "base, quote, time_ms, price",
}


def taken(folder: Path, name: str, files: Files) -> Writer:
    """Return a new database of some files."""
    writer = open_writer(folder / f"{name}.db", holder="test")
    assert import_events(writer, files, NOW, skip_bad=False, dry_run=False).stored
    return writer


def ledger(writer: Writer) -> list[tuple[object, ...]]:
    """Return all rows, without ids and the time they were first seen."""
    queries = (f"SELECT {names} FROM {table} ORDER BY 1, 2, 3" for table, names in SAID.items())  # noqa: S608  our own names
    return [tuple(row) for query in queries for row in writer.connection.execute(query)]


def answer(writer: Writer, **asked: str) -> object:
    """Return an answer."""
    ask = remeasured_answer if "method" in asked else turnover_answer
    return ask(writer.connection, now=NOW, **cast("Options", {**WINDOW, **asked}))


@pytest.mark.parametrize(("seed", "suffix"), [(31, "csv"), (32, "parquet")])
def test_there_and_back(tmp_path: Path, seed: int, suffix: str) -> None:
    """Ties, twins, rows without ids, crosses, contracts and every kind of movement survive the way."""
    file = Generator(seed, rows=60).file
    given = Files(tmp_path / "events.csv", tmp_path / "prices.csv")
    (tmp_path / "events.csv").write_text(file.events_text())
    (tmp_path / "prices.csv").write_text(file.prices_text())
    out = Files(tmp_path / f"out.{suffix}", tmp_path / f"out-prices.{suffix}")
    with taken(tmp_path, "one", given) as one:
        assert export_events(one.connection, out).notes == ()
        with taken(tmp_path, "two", out) as two:
            assert ledger(two) == ledger(one)
            for scope in ("asset", "account"):
                assert answer(two, by=scope) == answer(one, by=scope)
            for method in ("lifo", "hifo", "lofo", "wac"):
                assert answer(two, method=method) == answer(one, method=method)
