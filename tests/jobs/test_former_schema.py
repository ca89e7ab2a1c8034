"""A database whose tracks have a column for each sum, as versions before had them, answers the same."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, cast

from monitor.jobs.measure import terms
from monitor.records import Account, Valuation
from monitor.schema import SUMS, unpacked
from monitor.store.database import open_writer
from monitor.store.ledger import register_account
from monitor.store.migrate import shipped_migrations, statements
from monitor.store.reader import open_reader
from monitor.store.settings import note_measured_with
from tests.jobs.conftest import Ledger

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.store.database import Writer

EVENTS = """
    2024-01-01 buy  2 BTC/USD 100
    2024-01-02 buy  5 ETH/USD 10
    2024-01-03 sell 1 BTC/USD 120
    2024-01-05 deposit 1 SOL 40
"""


def made_former(writer: Writer) -> None:
    """Take the last migration back: the table of the first one, its rows with a value in every column."""
    (table,) = (one for one in statements(shipped_migrations()["0002_track"]) if "CREATE TABLE track" in one)
    with writer.transaction() as connection:
        rows = [(*row[:-1], *unpacked(row[-1])) for row in connection.execute("SELECT * FROM track")]
        connection.execute("DROP TABLE track")
        connection.execute(table)
        connection.executemany(f"INSERT INTO track VALUES ({', '.join('?' * (9 + len(SUMS)))})", rows)  # noqa: S608  marks alone
        connection.execute("DELETE FROM _sqlite_migrations WHERE name = '0009_sums'")
        connection.execute("DELETE FROM meta WHERE key = 'migration:0009_sums'")
        note_measured_with(connection, terms(Valuation()).replace("[5,", "[4,"))


def codes(ledger: Ledger) -> set[tuple[object, object]]:
    """Return what the answer tells about its numbers."""
    found = cast("list[dict[str, object]]", ledger.answer("2024-01-01", "2024-01-06")["findings"])
    return {(one["code"], one["subject"]) for one in found}


def test_a_former_database_is_computed_anew_once(tmp_path: Path) -> None:
    """It says that its assets are behind until the next measurement; after that it answers as before, bit by bit."""
    path = tmp_path / "desk.db"
    with open_writer(path, holder="test") as writer, closing(open_reader(path)) as reader:
        register_account(writer, Account("paper", "file"), 1)
        ledger = Ledger(writer, reader)
        ledger.add(EVENTS)
        ledger.measure()
        before = ledger.answer("2024-01-01", "2024-01-06", book="all")
        made_former(writer)
    with open_writer(path, holder="test") as writer, closing(open_reader(path)) as reader:
        ledger = Ledger(writer, reader)
        assert codes(ledger) >= {("restating", asset) for asset in ("BTC", "ETH", "SOL")}
        assert ledger.measure().assets == ("BTC", "ETH", "SOL")
        assert ledger.answer("2024-01-01", "2024-01-06", book="all") == before
        assert ledger.measure().assets == ()
