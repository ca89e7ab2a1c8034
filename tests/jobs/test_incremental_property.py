"""Measured in any steps, with late and corrected rows between them, the tables are those of a rebuild from nothing."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import DAY, HOUR
from monitor.jobs.measure import measure, rebuild
from monitor.records import Account, Fee, Fill, Movement, Price
from monitor.store.database import open_writer
from monitor.store.ledger import commit_prices, commit_rows, register_account

if TYPE_CHECKING:
    from sqlite3 import Connection

START = 19_700 * DAY
NOW = START + 100 * DAY
MARKETS = (("BTC", "USD"), ("ETH", "USD"), ("ETH", "BTC"), ("SOL", "ETH"))
TABLES = ("track", "segments", "lots", "reliefs", "marks")
EVENT = st.tuples(
    st.integers(0, 40), st.sampled_from(("buy", "sell", "deposit", "transfer", "price")), st.integers(0, 3),
    st.integers(1, 90), st.integers(5, 15), st.integers(0, 2),
)  # fmt: skip
BATCHES = st.lists(st.lists(EVENT, min_size=1, max_size=6), min_size=2, max_size=4)


def record(number: int, event: tuple[int, str, int, int, int, int]) -> Fill | Movement | Price:
    """Return the row of a drawn event: (hours, what, market, amount, price, fee)."""
    hour, what, market, amount, price, fee = event
    base, quote = MARKETS[market]
    time, size, cost = START + hour * HOUR, Decimal(amount) / 10, Decimal(price) / (1 if quote == "USD" else 100)
    if what == "price":
        return Price(base, "USD", time, Decimal(price), "file", "file")
    if what in {"deposit", "transfer"}:
        other = "two" if what == "transfer" else None
        return Movement(
            "one", "file", f"m{number}", time, "deposit" if other is None else "transfer", base, size,
            to_account=other, received=size if other else None,
        )  # fmt: skip
    fees = (Fee(("USD", base, "BTC")[fee], Decimal("0.01")),)
    side = "buy" if what == "buy" else "sell"
    pair = f"{base}/{quote}"
    return Fill("one", "file", f"f{number}", time, "spot", pair, pair, base, quote, side, size, cost, fees=fees)  # type: ignore[arg-type]  # one of two


@settings(max_examples=6, derandomize=True, deadline=None, database=None)
@given(batches=BATCHES, data=st.data())
def test_incremental_is_a_rebuild(
    batches: list[list[tuple[int, str, int, int, int, int]]], data: st.DataObject
) -> None:
    """After late rows, corrections and a restart between any two steps, every derived row is the same."""
    with TemporaryDirectory() as folder:
        path, stored, number = Path(folder) / "desk.db", list[Fill](), 0
        for batch in batches:
            with open_writer(path, holder="test") as writer:
                for name in ("one", "two"):
                    register_account(writer, Account(name, "file"), 1)
                rows = [record(number := number + 1, event) for event in batch]
                corrected: bool = data.draw(st.booleans())
                if stored and corrected:
                    fixed = data.draw(st.sampled_from(stored))
                    rows.append(replace(fixed, price=fixed.price * 2))
                fills = [row for row in rows if isinstance(row, Fill)]
                commit_prices(writer, [row for row in rows if isinstance(row, Price)])
                commit_rows(writer, fills, [row for row in rows if isinstance(row, Movement)], NOW)
                stored += fills
                measure(writer, NOW)
        with open_writer(path, holder="test") as writer:
            before = derived(writer.connection)
            rebuild(writer, NOW)
            assert derived(writer.connection) == before


def derived(connection: Connection) -> dict[str, list[str]]:
    """Return every derived row as text, by the name of its pool instead of its number."""
    names = {row[0]: tuple(row)[1:] for row in connection.execute("SELECT * FROM pools")}
    found = {}
    for table in TABLES:
        rows = [tuple(row) for row in connection.execute(f"SELECT * FROM {table}")]  # noqa: S608  # our own names
        found[table] = sorted(repr((names.get(row[0], row[0]), *row[1:])) for row in rows)
    return found
