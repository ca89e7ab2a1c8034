"""Late rows in any order: what is computed from the middle is what a run from nothing gives, to the last bit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.jobs.answer import turnover_answer
from monitor.jobs.measure import measure, rebuild
from monitor.records import Account, Fee, Fill, Movement, Price, Valuation
from monitor.store.database import open_writer
from monitor.store.ledger import commit_prices, commit_rows, register_account
from monitor.store.settings import save_valuation
from monitor.turnover import track

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from monitor.store.database import Writer

METHODS = ("fifo", "lifo", "hifo", "lofo", "wac")
DAY = 86_400_000
NOW = 400 * DAY
ACCOUNTS = ("main", "second", "third")
MARKETS = (
    *(("BTC", "USD", "spot"), ("BTC", "USDT", "spot"), ("ETH", "USD", "spot"), ("ETH", "BTC", "spot")),
    *(("BNB", "USDT", "spot"), ("BTC", "USD", "margin"), ("ETH", "BTC", "margin"), ("BTC", "USDT", "linear")),
    *(("BTC", "USD", "inverse"), ("ETH", "EUR", "spot"), ("SOL", "ETH", "spot"), ("BTC", "USDC", "option")),
)
KINDS = ("deposit", "withdrawal", "transfer", "income", "opening", "adjust", "fee", "both ends", "convert", "buy SOL")
WORTH = {"BTC": 900, "ETH": 70, "BNB": 8, "SOL": 3, "EUR": 1, "USDC": 1, "NEW": 300}
PAIRS = ("BTC/USD", "ETH/USDT", "BNB/USD", "EUR/USD", "ETH/BTC", "SOL/BTC")
# Steps between events: none (a tie), a millisecond, minutes, hours, days.
STEPS = (0, 0, 1, 90_000, 4_000_000, 100_000_000)
number = st.integers(0, 10**6)
DRAWN = st.tuples(st.sampled_from(["fill"] * 7 + ["move", "price"]), number, number, number)
BOOKS = st.lists(DRAWN, min_size=40, max_size=120)


class Drawn(NamedTuple):
    """One drawn row: numbers that `rows` makes a fill, a movement or a price of; `late` tells its batch."""

    what: str
    choice: int
    size: int
    late: int


@pytest.fixture(autouse=True)
def _short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a segment be as short as it can be useful: a book of a hundred rows then has many."""
    monkeypatch.setattr(track, "SEGMENT", 3)


def rows(book: Sequence[Drawn], *, priced: bool) -> Iterator[tuple[int, Fill | Movement | Price]]:
    """Yield (batch, row) of a drawn book: most rows come in order, some up to three batches late.

    A book that is `priced` begins with an opening and a price of everything: nothing is missing or without value.
    """
    if priced:
        for at, (asset, worth) in enumerate(WORTH.items()):
            yield 0, Price(asset, "USD", DAY - 1, Decimal(worth), "file", "file")
            for account in ACCOUNTS:
                held = Movement(account, "file", f"{account}{at}", DAY - 1, "opening", asset, amount=Decimal(30))
                yield 0, replace(held, value=Decimal(worth) * 30)
    now = DAY
    for place, drawn in enumerate(book):
        now += STEPS[drawn.size % len(STEPS)]
        batch = 4 * place // len(book)
        if drawn.late % 5 == 0:
            batch = min(3, batch + drawn.late // 5 % 4)
        if drawn.what == "fill":
            yield batch, fill(drawn, now, place)
        elif drawn.what == "price":
            base, quote = PAIRS[drawn.choice % len(PAIRS)].split("/")
            exchange = ("file", "kraken")[drawn.choice // 10 % 2]
            price = Decimal(drawn.size % 50 + 1) / (1000 if quote == "BTC" else 1)
            yield batch, Price(base, quote, now, price, exchange, "file" if exchange == "file" else "candle")
        else:
            for row in movements(drawn, now, place):
                yield batch, row


def fill(drawn: Drawn, now: int, place: int) -> Fill:
    """Return a fill of one of the markets with up to three fees: in base, quote, a third asset or cash."""
    base, quote, book = MARKETS[drawn.choice % len(MARKETS)]
    count, paid = drawn.size // 7 % 4, (base, quote, "BNB", "USDT", "SOL")
    fees = tuple(Fee(paid[(drawn.choice // 100 + at) % 5], Decimal(drawn.size % 9 - 2) / 1000) for at in range(count))
    coins = book in {"spot", "margin"}
    symbol = f"{base}/{quote}" if coins else f"{base}/{quote}:{quote}" + ("-30-C" if book == "option" else "")
    return Fill(
        account=ACCOUNTS[drawn.choice // 20 % 3],
        exchange="file",
        key=f"row{place}",
        time=now,
        book=book,  # type: ignore[arg-type]  # the table above names books
        market=symbol,
        symbol=symbol,
        base=base,
        quote=quote,
        settle=None if coins else quote,
        side="buy" if drawn.size // 30 % 2 else "sell",
        amount=Decimal(drawn.size % 60 + 1) / 10,
        price=Decimal(drawn.choice % 9 + 1) * (Decimal("0.05") if quote in {"BTC", "ETH"} else 100),
        contract_size=None if coins else Decimal("0.1"),
        inverse=book == "inverse",
        fees=fees,
    )


def movements(drawn: Drawn, now: int, place: int) -> Iterator[Movement]:
    """Yield a movement, or the two ends of a transfer that the desk must match by itself."""
    kind, asset = KINDS[drawn.choice % len(KINDS)], ("BTC", "ETH", "BNB")[drawn.size // 3 % 3]
    account, other = ACCOUNTS[drawn.size % 3], ACCOUNTS[drawn.choice // 10 % 3]
    fees = (Fee("BNB", Decimal("0.001")),) if drawn.size % 4 == 0 else ()
    amount = Decimal(drawn.size % 60 + 1) / 10
    plain = Movement(account, "file", f"row{place}", now, "deposit", asset, amount=amount, fees=fees)
    if kind == "both ends":
        late = now + STEPS[drawn.late % 6]
        yield replace(plain, kind="withdrawal", network_id=f"0x{place}")
        yield replace(plain, account=other, time=late, key=f"row{place}b", network_id=f"0x{place}", fees=())
    elif kind == "transfer":
        yield replace(plain, kind="transfer", to_account=other, received=amount * Decimal("0.9"))
    elif kind == "convert":
        yield replace(plain, kind="convert", to_asset="NEW", received=amount * 3)
    elif kind == "buy SOL":
        yield replace(plain, kind="convert", asset="EUR", to_asset="SOL", received=amount * 3)
    else:
        value = amount * 7 if drawn.late % 3 == 0 else None
        yield replace(plain, kind=kind, value=value)  # type: ignore[arg-type]  # the table above names kinds


def store(writer: Writer, batch: Sequence[Fill | Movement | Price]) -> None:
    """Store rows as they come."""
    commit_prices(writer, [row for row in batch if isinstance(row, Price)])
    fills = [row for row in batch if isinstance(row, Fill)]
    commit_rows(writer, fills, [row for row in batch if isinstance(row, Movement)], NOW)


def state(writer: Writer) -> dict[str, object]:
    """Return every derived row, pools by name instead of by number, what was found, and the answer."""
    named = (
        "(SELECT scope || ' ' || account || ' ' || asset || ' ' || book || ' ' || method FROM pools WHERE id = pool)"
    )
    found: dict[str, object] = {}
    for table in ("track", "segments", "lots", "reliefs"):
        lines = writer.connection.execute(f"SELECT {named}, * FROM {table} ORDER BY 1, 3, 4, 5, 6").fetchall()  # noqa: S608
        found[table] = [(row[0], *row[2:]) for row in lines]
    found["marks"] = writer.connection.execute("SELECT * FROM marks ORDER BY 1, 2").fetchall()
    query = "SELECT code, subject, message FROM findings WHERE resolved_ms IS NULL ORDER BY 1, 2"
    found["findings"] = writer.connection.execute(query).fetchall()
    found["answer"] = turnover_answer(
        writer.connection, now=NOW, start=0, end=NOW, by="account", book="all", method=None
    )
    return found


def compare(book: Sequence[Drawn], method: str, *, priced: bool, every: bool = False) -> None:
    """Measure a book batch by batch, then from nothing."""
    with TemporaryDirectory() as folder, open_writer(Path(folder) / "desk.db", holder="test") as writer:
        save_valuation(writer, Valuation(method=method, dust_value=Decimal("0.01")))
        for account in ACCOUNTS:
            register_account(writer, Account(account, "file"), 1)
        drawn = list(rows(book, priced=priced))
        for batch in range(4):
            store(writer, [row for at, row in drawn if at == batch])
            measure(writer, NOW)
            if every or batch == 3:
                stepwise = state(writer)
                rebuild(writer, NOW)
                whole = state(writer)
                for name, found in whole.items():
                    assert stepwise[name] == found, name


@pytest.mark.parametrize("method", METHODS)
@settings(max_examples=2, derandomize=True, deadline=None, database=None)
@given(book=BOOKS, priced=st.booleans())
def test_in_steps_or_from_nothing(book: list[tuple[str, int, int, int]], method: str, *, priced: bool) -> None:
    """Shorts, crossings, fees in three assets, transfers, ties, converts and prices, late by up to three batches."""
    compare([Drawn(*one) for one in book], method, priced=priced)
