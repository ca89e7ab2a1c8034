"""A small ledger in a real database: events as a table in view, measured, asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Unpack

import numpy as np
import pytest

from monitor.clock import parse_instant
from monitor.jobs.answer import turnover_answer
from monitor.jobs.measure import measure
from monitor.records import Account, Fee, Fill, Movement, Price
from monitor.schema import SUMS, unpacked
from monitor.store.database import open_writer
from monitor.store.ledger import commit_prices, commit_rows, register_account
from monitor.store.reader import open_reader
from monitor.turnover.packing import packed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.jobs.answer import Answer
    from monitor.jobs.measure import MeasureSummary
    from monitor.jobs.question import Options
    from monitor.store.database import Writer

NOW = parse_instant("2024-12-31")


@dataclass
class Ledger:
    """A database with the accounts `paper` and `other`, both of imported files."""

    writer: Writer
    reader: sqlite3.Connection
    now: int = NOW
    _count: int = field(default=0)

    def add(self, table: str, account: str = "paper") -> None:
        """Store events, one a line.

        `2024-01-02 buy 2 BTC/USD 100 [margin] [fee 0.1 BNB]` is a fill, `2024-01-02 deposit 2 BTC [200]` a movement
        (with its value), `2024-01-02 transfer 2 BTC other 1.9` one to another account, `2024-01-02 price BTC/USD 100`
        a price.
        """
        rows = [line.split() for line in table.strip().splitlines()]
        fills = [self._fill(account, row) for row in rows if row[1] in {"buy", "sell"}]
        movements = [self._movement(account, row) for row in rows if row[1] not in {"buy", "sell", "price"}]
        prices = [_price(row) for row in rows if row[1] == "price"]
        commit_prices(self.writer, prices)
        commit_rows(self.writer, fills, movements, self.now)

    def measure(self) -> MeasureSummary:
        """Bring the derived tables up to the ledger."""
        return measure(self.writer, self.now)

    def answer(self, first: str = "", last: str = "", **options: Unpack[Options]) -> Answer:
        """Ask about the window from a day to a day; empty for the default."""
        if first:
            options["start"] = parse_instant(first)
        if last:
            options["end"] = parse_instant(last)
        return turnover_answer(self.reader, now=self.now, **options)

    def _fill(self, account: str, row: list[str]) -> Fill:
        time, side, amount, symbol, price, *more = row
        base, quote = symbol.split("/")
        fees = (Fee(more[-1], Decimal(more[-2])),) if "fee" in more else ()
        return Fill(
            account=account,
            exchange="file",
            key=self._key(),
            time=parse_instant(time),
            book="margin" if "margin" in more else "spot",
            market=base + quote,
            symbol=symbol,
            base=base,
            quote=quote,
            side="buy" if side == "buy" else "sell",
            amount=Decimal(amount),
            price=Decimal(price),
            fees=fees,
        )

    def _movement(self, account: str, row: list[str]) -> Movement:
        time, kind, amount, asset, *more = row
        to_account, received = more if kind == "transfer" else (None, None)
        return Movement(
            account=account,
            exchange="file",
            key=self._key(),
            time=parse_instant(time),
            kind=kind,  # type: ignore[arg-type]  # the tables of these tests write kinds of the ledger
            asset=asset,
            amount=Decimal(amount),
            value=Decimal(more[0]) if more and kind != "transfer" else None,
            to_account=to_account,
            received=Decimal(received) if received else None,
        )

    def _key(self) -> str:
        self._count += 1
        return f"row{self._count}"


def _price(row: list[str]) -> Price:
    time, _, symbol, price = row
    base, quote = symbol.split("/")
    return Price(base, quote, parse_instant(time), Decimal(price), "file", "file")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    """Yield an empty ledger."""
    path = tmp_path / "desk.db"
    with open_writer(path, holder="test") as writer:
        for name in ("paper", "other"):
            register_account(writer, Account(name, "file"), 1)
        reader = open_reader(path)
        yield Ledger(writer, reader)
        reader.close()


def spoil_cogs(connection: sqlite3.Connection, factor: float) -> None:
    """Multiply the stored cogs of every event by a factor, as nothing of ours ever would."""

    def spoilt(sums: bytes) -> bytes:
        values = np.array(unpacked(sums))
        values[SUMS.index("cogs")] *= factor
        return bytes(packed(values[None])[0])

    connection.create_function("spoilt", 1, spoilt)
    connection.execute("UPDATE track SET sums = spoilt(sums)")
