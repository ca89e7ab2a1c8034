"""The known answer against cases worked by hand, and against its own laws on the whole history."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

import pytest

from monitor.clock import DAY, Window, parse_instant
from monitor.demo.answer import Answer, calculate, candle_marks, known_answer, price_timeframe
from monitor.demo.contracts import COINM
from monitor.demo.generator import ACCOUNTS, History
from monitor.demo.markets import CASH
from monitor.records import Fee, Fill, Movement

EPOCH = parse_instant("2026-01-31")
TOLERANCE = 1e-12


def trade(day: str, line: str, fee: Fee | None = None, account: str = "a") -> Fill:
    """Return a fill from a line such as `buy 2 BTC/USDT 40000`."""
    side, amount, symbol, price = line.split()
    base, quote = symbol.split("/")
    return Fill(
        account=account, exchange="x", key=f"{day}/{line}", time=parse_instant(day), book="spot", market=symbol,
        symbol=symbol, base=base, quote=quote, side="buy" if side == "buy" else "sell", amount=Decimal(amount),
        price=Decimal(price), fees=(fee,) if fee else (),
    )  # fmt: skip


def move(day: str, line: str, account: str = "a", network_id: str | None = None, fee: str = "0") -> Movement:
    """Return a movement from a line such as `deposit 3 ETH`."""
    kind, amount, asset = line.split()
    return Movement(
        account=account, exchange="x", key=f"{day}/{line}/{account}", time=parse_instant(day),
        kind="deposit" if kind == "deposit" else "withdrawal", asset=asset, amount=Decimal(amount),
        fees=(Fee(asset, Decimal(fee)),) if fee != "0" else (), network_id=network_id,
    )  # fmt: skip


def amounts(*numbers: int | str | None) -> tuple[Decimal | None, ...]:
    """Return decimals to compare several at once."""
    return tuple(None if number is None else Decimal(number) for number in numbers)


def no_mark(asset: str, exchange: str, instant: int) -> Decimal:
    """Refuse to value anything."""
    raise AssertionError(f"{asset} on {exchange} at {instant} needs no mark")


def window(start: str, end: str) -> Window:
    return Window(parse_instant(start), parse_instant(end))


def test_time_weighted_average_is_not_the_period_end() -> None:
    """Golden d01: flat at both ends, 330 sold out of 99 held on average over ten days, three days each."""
    fills = [
        trade("2024-01-02", "buy 2 X/USDT 100"),
        trade("2024-01-04", "buy 1 X/USDT 130"),
        trade("2024-01-05", "sell 2 X/USDT 140"),
        trade("2024-01-07", "sell 1 X/USDT 120"),
    ]
    row = calculate(fills, [], no_mark, window("2024-01-01", "2024-01-11")).assets["X"]
    assert row.cogs == 330
    assert row.average_inventory == Decimal(990) / 10
    assert row.turnover == pytest.approx(Decimal(330) / 99, rel=Decimal(TOLERANCE))
    assert row.days_inventory == pytest.approx(Decimal(3), rel=Decimal(TOLERANCE))
    assert row.unit_turnover == pytest.approx(Decimal(30) / 9, rel=Decimal(TOLERANCE))
    assert row.realised_pnl == 2 * 140 + 120 - 330
    assert (row.closing_quantity, row.closing_basis) == amounts(0, 0)


def test_window_keeps_opening_stock_and_ignores_its_end() -> None:
    """Golden d02: a lot from before keeps its basis, a sale at the window's end is not counted."""
    fills = [
        trade("2024-01-01", "buy 10 X/USDT 10"),
        trade("2024-02-11", "sell 4 X/USDT 12"),
        trade("2024-02-21", "buy 5 X/USDT 20"),
        trade("2024-03-02", "sell 11 X/USDT 25"),
    ]
    row = calculate(fills, [], no_mark, window("2024-02-01", "2024-03-02")).assets["X"]
    assert row.cogs == 4 * 10
    assert row.average_inventory == pytest.approx(Decimal(3200) / 30, rel=Decimal(TOLERANCE))
    assert row.turnover == pytest.approx(Decimal("0.375"), rel=Decimal(TOLERANCE))
    assert row.days_inventory == pytest.approx(Decimal(80), rel=Decimal(TOLERANCE))
    assert (row.closing_quantity, row.closing_basis) == amounts(11, 60 + 100)


HARD_CASES = (
    [
        trade("2024-01-01", "buy 1 BNB/USDT 300"),
        trade("2024-01-02", "buy 2 BTC/USDT 40000", Fee("BTC", Decimal("0.002"))),
        trade("2024-01-03", "buy 1 BTC/USDT 42000", Fee("USDT", Decimal(42))),
        trade("2024-01-05", "sell 1 BTC/USDT 45000", Fee("BNB", Decimal("0.1"))),
        trade("2024-01-06", "sell 0.5 BTC/USDT 46000", Fee("BTC", Decimal("0.0005"))),
        trade("2024-01-08", "buy 10 ETH/BTC 0.05"),
        trade("2024-01-10", "sell 4 ETH/USDT 2500"),
    ],
    [
        move("2024-01-04", "withdrawal 0.9995 BTC", "a", "chain", fee="0.0005"),
        move("2024-01-04T00:20:00", "deposit 0.9995 BTC", "b", "chain"),
        move("2024-01-07", "deposit 3 ETH"),
        move("2024-01-09", "withdrawal 3 ETH"),
    ],
)


def hard_mark(asset: str, _exchange: str, _instant: int) -> Decimal:
    """Return the prices of golden d06: ETH came at 2000, BTC was given for ETH at 47000."""
    return {"ETH": Decimal(2000), "BTC": Decimal(47000)}[asset]


def test_fees_crosses_transfers_and_gifts() -> None:
    """Golden d06: every fee by its rule, a cross valued once, a transfer without cogs, a deposit at mark."""
    answer = calculate(*HARD_CASES, hard_mark, window("2024-01-01", "2024-01-11"))
    bitcoin, coin, ether = (answer.assets[asset] for asset in ("BTC", "BNB", "ETH"))
    unit = Decimal(80000) / Decimal("1.998")
    near = Decimal(TOLERANCE)
    assert bitcoin.cogs == pytest.approx(Decimal("80106.105980080080"), abs=Decimal("1e-6"))
    assert bitcoin.fee_basis == pytest.approx(Decimal("0.0005") * unit, rel=near)
    assert bitcoin.closing_quantity == Decimal("0.997")
    assert bitcoin.closing_basis == pytest.approx(Decimal("41915.874"), rel=near)
    assert (coin.cogs, coin.fee_basis, coin.closing_quantity, coin.closing_basis) == amounts(0, 30, "0.9", 270)
    assert ether.withdrawn_basis == 3 * 2000
    assert ether.cogs == 4 * Decimal("0.5") * 47000 / 10
    assert (ether.closing_quantity, ether.closing_basis) == amounts(6, 14100)
    assert answer.portfolio.cogs == pytest.approx(Decimal("89506.105980080080"), abs=Decimal("1e-6"))
    assert "USDT" not in answer.assets


def test_account_pools_send_lots_with_basis_and_age() -> None:
    """In account scope a transfer leaves no cogs, and arrives at the basis and the age it left with."""
    fills = [trade("2024-01-01", "buy 2 X/USDT 100"), trade("2024-01-03", "buy 1 X/USDT 300", account="b")]
    fills.append(trade("2024-01-05", "sell 1 X/USDT 500", account="b"))
    moves = [
        move("2024-01-04", "withdrawal 1 X", "a", "chain", fee="0.5"),
        move("2024-01-04T12:00", "deposit 1 X", "b", "chain"),
    ]
    span = window("2024-01-01", "2024-01-11")
    sender, receiver = (calculate(fills, moves, no_mark, span, name).assets["X"] for name in "ab")
    assert (sender.cogs, sender.fee_basis, sender.withdrawn_basis) == amounts(0, 50, 0)
    assert sender.average_inventory == Decimal(200 * 3 + 50 * 7) / 10
    assert (receiver.cogs, receiver.closing_basis) == amounts(100, 300)
    assert receiver.average_inventory == Decimal(300 * 8 + 50) / 10


def test_round_trip_inside_a_millisecond_has_no_turnover() -> None:
    """Sold in the millisecond it was bought: nothing is held on average, so turnover is None and days are 0."""
    fills = [trade("2024-01-02", "sell 1 X/USDT 101"), trade("2024-01-02", "buy 1 X/USDT 100")]
    row = calculate(fills, [], no_mark, window("2024-01-01", "2024-01-11")).assets["X"]
    assert (row.cogs, row.average_inventory, row.turnover, row.days_inventory) == amounts(100, 0, None, 0)


def test_overselling_is_a_mistake_of_the_history() -> None:
    """The answer refuses a history that sells what is not there."""
    with pytest.raises(ValueError, match="1 more units"):
        calculate([trade("2024-01-02", "sell 1 X/USDT 9")], [], no_mark, window("2024-01-01", "2024-01-03"))


@pytest.fixture(scope="module")
def history() -> History:
    return History(7, EPOCH)


@pytest.fixture(scope="module")
def whole(history: History) -> Answer:
    return known_answer(history, Window(history.start, EPOCH))


def acquired(history: History) -> dict[str, Decimal]:
    """Return the basis of all that came in: purchases with their quote fees, sales for coins, deposits from outside."""
    marks, moves = candle_marks(history), history.movements(EPOCH - 1)
    paid = [move for move in history.movements(EPOCH - 1, COINM) if move.amount > 0]
    sent = {move.network_id for move in moves if move.kind == "withdrawal"}
    basis: defaultdict[str, Decimal] = defaultdict(Decimal)
    for fill in history.fills(EPOCH - 1):
        unit = Decimal(1) if fill.quote in CASH else marks(fill.quote, fill.exchange, fill.time)
        fee = fill.fees[0].amount if fill.fees[0].asset == fill.quote else Decimal(0)
        if fill.side == "buy":
            basis[fill.base] += (fill.amount * fill.price + fee) * unit
        elif fill.quote not in CASH:
            basis[fill.quote] += (fill.amount * fill.price - fee) * unit
    for move in moves:
        if move.kind == "deposit" and move.network_id not in sent and move.asset not in CASH:
            basis[move.asset] += move.amount * marks(move.asset, move.exchange, move.time)
    for move in paid:
        basis[move.asset] += move.amount * marks(move.asset, move.exchange, move.time)
    return dict(basis)


def test_basis_is_conserved(history: History, whole: Answer) -> None:
    """What came in equals what was sold, taken as fees, withdrawn, and is still there, asset by asset."""
    gone = {
        name: row.cogs + row.fee_basis + row.withdrawn_basis + row.closing_basis for name, row in whole.assets.items()
    }
    assert gone == pytest.approx(acquired(history), rel=Decimal(TOLERANCE))
    assert (
        min(min(row.cogs, row.fee_basis, row.withdrawn_basis, row.closing_basis) for row in whole.assets.values()) >= 0
    )


def test_accounts_hold_what_the_desk_holds(history: History, whole: Answer) -> None:
    """The accounts' own pools together close at the desk's basis: transfers moved lots, and lost only network fees."""
    span = Window(history.start, EPOCH)
    answers = [known_answer(history, span, account) for account in ACCOUNTS]
    for name in ("ADA", "LINK", "BNB", "XRP"):
        rows = [answer.assets[name] for answer in answers if name in answer.assets]
        assert (len(rows), rows[0].cogs) == (1, whole.assets[name].cogs)
    fees = [answer.assets["BTC"].fee_basis for answer in answers if "BTC" in answer.assets]
    assert len([fee for fee in fees if fee > 0]) == 2  # binance-main and kraken-main sent coins over the chain


def test_quantities_close_at_the_balances(history: History, whole: Answer) -> None:
    """The answer ends with exactly what the accounts hold."""
    held: dict[str, Decimal] = {}
    for account in ACCOUNTS:
        for asset, amount in history.balances(account, EPOCH - 1).items():
            held[asset] = held.get(asset, Decimal(0)) + amount
    # Of the inverse account the coins count that came in, were charged or paid; results stay in its own book.
    held["BTC"] += sum(move.amount for move in history.movements(EPOCH - 1, COINM))
    held["BTC"] -= sum(fill.fees[0].amount for fill in history.fills(EPOCH - 1, COINM))
    assert {name: row.closing_quantity for name, row in whole.assets.items()} == {
        name: held[name] for name in whole.assets
    }


def test_windows_add_up(history: History, whole: Answer) -> None:
    """Cogs and average inventory of a window are those of its parts, weighted by their lengths."""
    middle = history.start + 61 * DAY
    parts = [Window(history.start, middle), Window(middle, EPOCH)]
    answers = [known_answer(history, part) for part in parts]
    for name, row in whole.assets.items():
        pieces = [answer.assets[name] for answer in answers if name in answer.assets]
        assert row.cogs == pytest.approx(sum(piece.cogs for piece in pieces), rel=Decimal(TOLERANCE))
    held = sum(
        Fraction(answer.portfolio.average_inventory) * part.milliseconds
        for answer, part in zip(answers, parts, strict=True)
    )
    assert float(held / (90 * DAY)) == pytest.approx(float(whole.portfolio.average_inventory), rel=TOLERANCE)


def test_portfolio_is_sums_over_sums(whole: Answer) -> None:
    """The desk turns over as its cogs over its inventory; assets turn very differently."""
    rows = whole.assets.values()
    cogs, average = (sum(getattr(row, name) for row in rows) for name in ("cogs", "average_inventory"))
    assert whole.portfolio.turnover == pytest.approx(cogs / average, rel=Decimal(TOLERANCE))
    assert whole.portfolio.days_inventory == pytest.approx(90 * average / cogs, rel=Decimal(TOLERANCE))
    assert whole.assets["ADA"].turnover == 0
    assert whole.assets["ADA"].days_inventory is None
    assert (whole.assets["AVAX"].turnover or 0) > 100 > (whole.assets["BTC"].turnover or 0) > 1


def test_candle_closes_are_the_marks(history: History) -> None:
    """Kraken is valued by the last closed four hours, Binance by the last closed hour."""
    marks, late = candle_marks(history), EPOCH - 1
    assert (price_timeframe("binance"), price_timeframe("kraken")) == ("1h", "4h")
    assert marks("BTC", "binance", late) == marks("BTC", "binance", late - DAY // 24 + 1)
    assert marks("BTC", "kraken", late) == marks("BTC", "kraken", late - DAY // 6 + 1) != marks("BTC", "kraken", EPOCH)


def test_network_fee_takes_older_lots_than_the_withdrawal() -> None:
    """One withdrawal relieves its fee first, so that both bases are defined when it spans two lots."""
    fills = [trade("2024-01-01", "buy 1 X/USDT 10"), trade("2024-01-02", "buy 9 X/USDT 20")]
    moves = [move("2024-01-03", "withdrawal 2 X", fee="1")]
    row = calculate(fills, moves, no_mark, window("2024-01-01", "2024-01-11")).assets["X"]
    assert (row.fee_basis, row.withdrawn_basis, row.closing_basis) == amounts(10, 2 * 20, 7 * 20)
