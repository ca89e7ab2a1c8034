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
from monitor.jobs.arrivals import commit_measured
from monitor.jobs.measure import measure, rebuild
from monitor.records import Account, Batch, Fee, Fill, Movement, Price, StreamKey, Valuation
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


def store(writer: Writer, batch: Sequence[Fill | Movement | Price], *, along: bool) -> None:
    """Store rows as they come; fills one by one with their tracks, if these come `along`."""
    fills = [row for row in batch if isinstance(row, Fill)]
    for fill in fills if along else ():
        commit_measured(writer, Batch(StreamKey(fill.account, "fills"), fills=(fill,)), NOW)
    commit_prices(writer, [row for row in batch if isinstance(row, Price)])
    moves = [row for row in batch if isinstance(row, Movement)]
    commit_rows(writer, () if along else fills, moves, NOW)


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


def compare(book: Sequence[Drawn], method: str, *, priced: bool, every: bool = False, along: bool = False) -> None:
    """Measure a book batch by batch, then from nothing."""
    with TemporaryDirectory() as folder, open_writer(Path(folder) / "desk.db", holder="test") as writer:
        save_valuation(writer, Valuation(method=method, dust_value=Decimal("0.01")))
        for account in ACCOUNTS:
            register_account(writer, Account(account, "file"), 1)
        drawn = list(rows(book, priced=priced))
        for batch in range(4):
            store(writer, [row for at, row in drawn if at == batch], along=along)
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


def spoil(writer: Writer) -> None:
    """Change the first fill of every account behind the ledger's back: whoever reads it again shows it."""
    writer.connection.execute("UPDATE fills SET price = '7' WHERE id IN (SELECT min(id) FROM fills GROUP BY account)")


def first_costs(writer: Writer) -> set[float]:
    """Return what the pools' inventory cost after their first events."""
    return {cost for (cost,) in writer.connection.execute("SELECT inventory_cost FROM track WHERE ordinal = 0")}


def trade(account: str, key: str, time: int, side: str, book: str = "spot") -> Fill:
    """Return a fill of one bitcoin at 100."""
    one, price = Decimal(1), Decimal(100)
    return Fill(account, "file", key, time, book, "BTC", "BTC/USD", "BTC", "USD", side, one, price)  # type: ignore[arg-type]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Yield a database in which two accounts traded bitcoin for twenty days, in a book that may be short."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        for account in ACCOUNTS[:2]:
            register_account(opened, Account(account, "file"), 1)
        fills = [
            trade(account, f"{account}{day}", day * DAY + at, "buy" if day % 3 else "sell", "margin")
            for day in range(1, 21)
            for at, account in enumerate(ACCOUNTS[:2])
        ]
        commit_rows(opened, fills, (), NOW)
        measure(opened, NOW)
        yield opened


def test_a_late_fill_computes_the_end_of_its_pools_alone(writer: Writer) -> None:
    """What was before the segment is not computed again, nor anything of the other account."""
    spoil(writer)
    commit_rows(writer, [trade("main", "late", 18 * DAY + 5, "buy", "margin")], (), NOW)
    assert measure(writer, NOW).restatements > 0
    assert first_costs(writer) == {100.0}
    (count,) = writer.connection.execute("SELECT count(*) FROM track").fetchone()
    assert count == 2 * 40 + 2
    cause = writer.connection.execute("SELECT DISTINCT since_ms, cause FROM restatements").fetchall()
    assert cause == [(18 * DAY + 5, "fill late of main")]


def test_a_new_fill_goes_on_from_where_the_pools_stood(writer: Writer) -> None:
    """Every fill before it could be another by now, the last one too: none is read, and no cost is of 7 a piece."""
    for day in (21, 22):
        commit_rows(writer, [trade("main", f"new{day}", day * DAY, "buy", "margin")], (), NOW)
        measure(writer, NOW)
        assert writer.connection.execute("SELECT count(*) FROM tips").fetchone() == (2,)
        writer.connection.execute("UPDATE fills SET price = '7'")
    costs = writer.connection.execute("SELECT DISTINCT inventory_cost % 100 FROM track").fetchall()
    assert costs == [(0.0,)]
    rebuild(writer, NOW)
    assert writer.connection.execute("SELECT count(*) FROM tips").fetchone() == (0,)


def test_accounts_that_moved_lots_go_on_together(tmp_path: Path) -> None:
    """After a transfer a late fill of one account goes on from one segment of both, where nothing was under way."""
    with open_writer(tmp_path / "moved.db", holder="test") as writer:
        for account in ACCOUNTS[:2]:
            register_account(writer, Account(account, "file"), 1)
        one = Movement("main", "file", "m", 3 * DAY, "transfer", "BTC", amount=Decimal(1), to_account="second")
        fills = [
            trade(account, f"{account}{day}", day * DAY, "buy") for day in range(1, 21) for account in ACCOUNTS[:2]
        ]
        commit_rows(writer, fills, [one], NOW)
        measure(writer, NOW)
        spoil(writer)
        commit_rows(writer, [trade("second", "late", 18 * DAY + 5, "sell")], (), NOW)
        measure(writer, NOW)
        assert first_costs(writer) == {100.0}
        rows = "SELECT count(*) FROM track JOIN pools ON id = pool WHERE account = ?"
        assert [writer.connection.execute(rows, [account]).fetchone()[0] for account in ("main", "second", "")] == [
            20 + 1,
            20 + 1 + 1,
            40 + 1,
        ]


def test_an_opening_that_grows_changes_lots_of_other_accounts_too(tmp_path: Path) -> None:
    """One sends 1 + 1 of 1 it had no record of and 1 it was given; 1 more, and all that it sent was of the opening.

    Nothing has a price, so that only the lots tell: both that the other account received are then estimated.
    """
    with open_writer(tmp_path / "grown.db", holder="test") as writer:
        for account in ACCOUNTS[:2]:
            register_account(writer, Account(account, "file"), 1)
        sent = Movement("main", "file", "a", 3 * DAY, "transfer", "BTC", amount=Decimal(1), to_account="second")
        given = Movement("main", "file", "d", 3 * DAY, "deposit", "BTC", amount=Decimal(1))
        kinds = []
        for moves in ([sent, replace(sent, key="b"), given], [replace(sent, key="c", time=5 * DAY)]):
            commit_rows(writer, (), moves, NOW)
            measure(writer, NOW)
            stepwise = state(writer)
            rebuild(writer, NOW)
            assert state(writer) == stepwise
            lots = "SELECT estimated FROM lots JOIN pools ON id = pool WHERE account = 'second' ORDER BY lot"
            kinds.append([kind for (kind,) in writer.connection.execute(lots)])
    assert kinds == [[1, 0], [1, 1, 0]]


def test_a_replaced_row_is_computed_from_nothing(writer: Writer) -> None:
    """A correction takes the decimals everything was counted in; what comes out is what a rebuild gives."""
    fine = replace(trade("main", "main18", 18 * DAY, "sell", "margin"), amount=Decimal("1.2345"))
    for row in (fine, trade("main", "main18", 18 * DAY, "sell", "margin")):
        commit_rows(writer, [row], (), NOW)
        measure(writer, NOW)
        stepwise = state(writer)
        rebuild(writer, NOW)
        assert state(writer) == stepwise


def test_a_past_that_is_not_the_computed_one_is_computed_again(writer: Writer) -> None:
    """Where the stored row before the late one is not what comes out now, the whole asset is computed."""
    pool = "(SELECT id FROM pools WHERE account = 'main')"
    writer.connection.execute(f"UPDATE track SET inventory_cost = 5 WHERE time_ms = ? AND pool = {pool}", [18 * DAY])  # noqa: S608
    commit_rows(writer, [trade("main", "late", 18 * DAY + 5, "buy", "margin")], (), NOW)
    measure(writer, NOW)
    stepwise = state(writer)
    rebuild(writer, NOW)
    assert state(writer) == stepwise
    assert writer.connection.execute("SELECT count(*) FROM track WHERE inventory_cost = 5").fetchone() == (0,)


def test_a_late_price_two_pairs_away_revalues_a_cross(tmp_path: Path) -> None:
    """AAA was bought for QQQ, which is worth something over CCC alone: a price of CCC changes the basis of AAA."""
    with open_writer(tmp_path / "bridge.db", holder="test") as writer:
        register_account(writer, Account("main", "file"), 1)
        commit_prices(writer, [Price("QQQ", "CCC", DAY, Decimal(2), "file", "file")])
        one = Fill("main", "file", "a", 3 * DAY, "spot", "AQ", "AAA/QQQ", "AAA", "QQQ", "buy", Decimal(1), Decimal(5))
        commit_rows(writer, [one], (), NOW)
        measure(writer, NOW)
        commit_prices(writer, [Price("CCC", "USD", 2 * DAY, Decimal(3), "file", "file")])
        measure(writer, NOW)
        basis = "SELECT basis FROM lots JOIN pools ON id = pool WHERE asset = 'AAA' AND account = ''"
        assert writer.connection.execute(basis).fetchall() == [(5 * 2 * 3,)]


def test_a_later_fill_of_an_option_is_measured(tmp_path: Path) -> None:
    """An option is an asset of its own, although its fill names the coin it is on."""
    with open_writer(tmp_path / "option.db", holder="test") as writer:
        register_account(writer, Account("main", "file"), 1)
        call = replace(trade("main", "a", DAY, "buy", "option"), symbol="BTC/USD:USD-30-C", settle="USD")
        counts = []
        for key in "abc":
            commit_rows(writer, [replace(call, key=key, contract_size=Decimal(1))], (), NOW)
            measure(writer, NOW)
            counts.append(writer.connection.execute("SELECT count(*) FROM track").fetchone()[0])
        assert counts == [2, 4, 6]
