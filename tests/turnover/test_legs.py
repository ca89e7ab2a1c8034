"""From fills and movements to legs: which assets move, by how much exactly, at what value."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl
import pytest

from monitor.errors import UsageError
from monitor.records import Valuation
from monitor.turnover.track import PoolKey
from tests.turnover.conftest import opened

if TYPE_CHECKING:
    from tests.turnover.conftest import Desk


def test_tenths_add_up_to_nothing(desk: Desk) -> None:
    """A book that buys 0.1 and 0.2 and sells 0.3 is flat."""
    desk.fill(1, "buy", "0.1", "X/USD", "10")
    desk.fill(2, "buy", "0.2", "X/USD", "10")
    desk.fill(3, "sell", "0.3", "X/USD", "10")
    row = opened(desk.pool("X").track).row(-1, named=True)
    assert (row["quantity"], row["inventory_cost"], row["cogs"]) == ("0", 0.0, pytest.approx(3.0, rel=1e-15))


@pytest.mark.parametrize(
    ("bought", "sold", "left"),
    [
        ("12345678901234567890.123456789012345678", "0.000000000000000001", "12345678901234567890.123456789012345677"),
        ("0.000000000000000000000001", "0.0000000000000000000000004", "0.0000000000000000000000006"),
        ("1E+3", "0.5", "999.5"),
    ],
)
def test_any_number_of_digits_is_exact(desk: Desk, bought: str, sold: str, left: str) -> None:
    """What no int64 holds goes the slow way, digit by digit."""
    desk.fill(1, "buy", bought, "X/USD", "2")
    desk.fill(2, "sell", sold, "X/USD", "3")
    pool = desk.pool("X")
    assert pool.track["quantity"][-1] == left
    assert Decimal(pool.reliefs["quantity"][0]) == Decimal(sold)
    assert opened(pool.track)["cogs"][-1] == pytest.approx(2 * float(sold), rel=1e-12)


def test_base_fee(desk: Desk) -> None:
    """A purchase acquires amount - fee for the full cost, a sale gives up amount + fee, all of it cogs."""
    desk.fill(1, "buy", "2", "BTC/USD", "100", fees=[("BTC", "0.5")])
    desk.fill(2, "sell", "1", "BTC/USD", "150", fees=[("BTC", "0.25")])
    row = desk.last("BTC")
    assert row["quantity"] == 2 - 0.5 - 1 - 0.25
    assert row["cogs"] == pytest.approx(200 * 1.25 / 1.5, rel=1e-15)
    assert row["fee_basis"] == 0


def test_quote_fee_and_rebate(desk: Desk) -> None:
    """A quote fee goes into the basis and off the proceeds, a rebate the other way."""
    desk.fill(1, "buy", "1", "BTC/USD", "100", fees=[("USD", "2")])
    desk.fill(2, "sell", "1", "BTC/USD", "150", fees=[("USD", "-3")])
    row = desk.last("BTC")
    assert (row["cogs"], row["realised_pnl"]) == (102, 153 - 102)
    assert (row["buy_notional"], row["sell_notional"]) == (100, 150)


def test_fee_of_a_cross_in_its_quote(desk: Desk) -> None:
    """Where the quote is no cash, cost + fee leaves it on a purchase and cost - fee comes in on a sale."""
    desk.price(1, "BTC/USD", "1000")
    desk.move(1, "opening", "5", "BTC", value="4000")
    desk.fill(2, "buy", "10", "ETH/BTC", "0.1", fees=[("BTC", "0.01")])
    desk.fill(3, "sell", "10", "ETH/BTC", "0.2", fees=[("BTC", "0.01")])
    quantities = [Decimal(text) for text in desk.pool("BTC").track["quantity"]]
    assert quantities == [Decimal(5), 5 - Decimal("1.01"), 5 - Decimal("1.01") + Decimal("1.99")]
    assert desk.last("BTC")["cogs"] == pytest.approx(1.01 * 800, rel=1e-15)
    assert desk.last("ETH")["realised_pnl"] == pytest.approx(1990 - 1010, rel=1e-12)


def test_both_legs_of_a_cross_have_one_value(desk: Desk) -> None:
    """The notional is shown in both assets and marked, so that a portfolio can count it once."""
    desk.price(1, "BTC/USD", "1000")
    desk.move(1, "opening", "5", "BTC", value="4000")
    desk.fill(2, "buy", "10", "ETH/BTC", "0.1")
    btc, eth = desk.last("BTC"), desk.last("ETH")
    assert (btc["sell_notional"], eth["buy_notional"], eth["inventory_cost"]) == (1000, 1000, 1000)
    assert (btc["cross_sell"], eth["cross_buy"]) == (1000, 0)
    assert btc["realised_pnl"] == 1000 - 800


def test_quote_without_a_price_is_worth_its_base(desk: Desk) -> None:
    """Where the quote cannot be valued, both legs take the base's last price; where neither can, null."""
    desk.price(1, "ETH/USD", "80")
    desk.fill(2, "sell", "10", "ETH/BTC", "0.1")
    desk.fill(3, "sell", "10", "ADA/DOT", "0.1")
    assert desk.last("BTC")["inventory_cost"] == 800
    dot = desk.last("DOT")
    assert (dot["unpriced"], dot["unvalued"], dot["inventory_cost"]) == (1, 1, 0)
    assert desk.pool("DOT").lots["basis"].to_list() == [None]
    codes = {(finding.code, finding.subject) for finding in desk.tracks().findings}
    assert ("unpriced", "DOT") in codes


def test_third_asset_fees(desk: Desk) -> None:
    """A fee in a coin relieves its spot lots as fee basis; in other cash it does nothing; a rebate is a lot."""
    desk.price(1, "BNB/USD", "300")
    desk.move(1, "deposit", "2", "BNB", value="500")
    desk.fill(2, "buy", "1", "BTC/USDT", "100", book="margin", fees=[("BNB", "0.5"), ("EUR", "1")])
    desk.fill(3, "sell", "1", "BTC/USDT", "110", book="margin", fees=[("BNB", "-0.1")])
    bnb, btc = desk.last("BNB"), desk.last("BTC", book="margin")
    assert (bnb["fee_basis"], bnb["cogs"]) == (125, 0)
    assert bnb["inventory_cost"] == pytest.approx(500 - 125 + 30, rel=1e-15)
    assert (btc["cogs"], btc["realised_pnl"]) == (100, 10)


@pytest.mark.parametrize("book", ["spot", "margin"])
def test_rebate_in_the_base_is_worth_the_fills_own_price(desk: Desk, book: str) -> None:
    """Bought 2 for 100 and sold 1 for 120, the rebates of 0.1 and 0.05 are lots at 100 and 120, whatever is stored."""
    for stored in (False, True):
        if stored:
            desk.price(0.5, "BTC/USD", "999")
        desk.fill(1, "buy", "2", "BTC/USDT", "100", book=book, fees=[("BTC", "-0.1")])
        desk.fill(2, "sell", "1", "BTC/USDT", "120", book=book, fees=[("BTC", "-0.05")])
        exact = desk.exact().pools["", "BTC", book]
        assert exact.cost == 200 - 100 + Decimal("0.1") * 100 + Decimal("0.05") * 120
        row = desk.last("BTC", book=book)
        assert row["unpriced"] == 0
        assert row["inventory_cost"] == pytest.approx(116, rel=1e-15)
        desk.fills.clear()


@pytest.mark.parametrize(
    ("prices", "basis"),
    [
        ([("ETH/USD", "90"), ("BTC/USD", "1000")], 90),
        ([("BTC/USD", "1000")], 0.1 * 1000),
        ([], None),
    ],
)
def test_rebate_of_a_cross_in_its_base(desk: Desk, prices: list[tuple[str, str]], basis: float | None) -> None:
    """Where the quote is no money, the base's own last price, else the quote's with the fill's price, else nothing."""
    for pair, price in prices:
        desk.price(0.5, pair, price)
    desk.fill(1, "buy", "10", "ETH/BTC", "0.1", book="margin", fees=[("ETH", "-1")])
    assert desk.pool("ETH", book="margin").lots["basis"].to_list()[1] == basis
    assert desk.exact().pools["", "ETH", "margin"].lots[1].basis == (None if basis is None else Decimal(str(basis)))


def test_opening_before_a_sale_with_a_rebate(desk: Desk) -> None:
    """The rebate of a sale comes in first: what must have been there before is worth the sale's own price too."""
    desk.fill(1, "sell", "1", "BTC/USDT", "120", fees=[("BTC", "-0.05")])
    opening = desk.pool("BTC").lots.row(0, named=True)
    assert (opening["quantity"], opening["basis"]) == ("0.95", pytest.approx(0.95 * 120, rel=1e-15))
    assert desk.exact().shortages["", "BTC", "spot"].mark == 120


def test_cash_turns_nothing_over(desk: Desk) -> None:
    """Fiat and stablecoins have no lots, whatever is done with them."""
    desk.fill(1, "buy", "100", "USDT/USD", "1")
    desk.move(2, "deposit", "100", "EUR")
    desk.move(3, "convert", "10", "USDT", to_asset="USDC", received="10")
    assert desk.tracks().pools == {}


@pytest.mark.parametrize(
    ("kind", "more", "column", "basis"),
    [
        ("withdrawal", {}, "withdrawn_basis", 50),
        ("write_off", {}, "withdrawn_basis", 50),
        ("funding", {}, "withdrawn_basis", 50),
        ("settlement", {}, "withdrawn_basis", 50),
        ("adjust", {}, "withdrawn_basis", 50),
        ("fee", {}, "fee_basis", 50),
        ("withdrawal", {"fees": [("X", "0.5")]}, "fee_basis", 25),
        ("transfer", {"received": "0.9", "to_account": "b"}, "fee_basis", 5),
        ("withdrawal", {"matched_account": "b", "matched_received": "0.8"}, "fee_basis", 10),
    ],
)
def test_movements_out(desk: Desk, kind: str, more: dict[str, object], column: str, basis: float) -> None:
    """What leaves without a trade is no turnover: it has its own sum."""
    desk.move(1, "opening", "2", "X", value="100")
    desk.move(2, kind, "-1" if kind in {"funding", "settlement", "adjust"} else "1", "X", **more)
    row = desk.last("X")
    assert row[column] == pytest.approx(basis, rel=1e-15)
    assert (row["cogs"], row["units_relieved"], row["held_time"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("kind", "value", "basis", "estimated"),
    [
        ("deposit", None, 70, 0),
        ("deposit", "90", 90, 0),
        ("income", None, 70, 0),
        ("rebate", None, 70, 0),
        ("funding", None, 70, 0),
        ("adjust", None, 70, 1),
        ("opening", None, 70, 1),
        ("opening", "90", 90, 0),
    ],
)
def test_movements_in(desk: Desk, kind: str, value: str | None, basis: float, estimated: int) -> None:
    """What comes in without a trade is a lot at its given value, else at the mark; guessed ones say so."""
    desk.price(0, "X/USD", "35")
    desk.move(1, kind, "2", "X", **({} if value is None else {"value": value}))
    lot = desk.pool("X").lots.row(0, named=True)
    assert (lot["quantity"], lot["basis"], lot["estimated"]) == ("2", basis, estimated)


def test_failed_movements_move_nothing(desk: Desk) -> None:
    """A movement that failed or is still pending has no legs."""
    desk.move(1, "deposit", "1", "X", status="failed")
    desk.move(2, "deposit", "1", "X", status="pending")
    assert desk.tracks().pools == {}


def test_transfer_keeps_basis_and_age(desk: Desk) -> None:
    """In scope account the lots leave with basis and age and enter the other account when they arrive."""
    desk.fill(1, "buy", "2", "X/USD", "10", account="a")
    arrived = 5 * 86_400_000
    more = {"account": "a", "matched_account": "b", "arrived_ms": arrived, "matched_received": "1"}
    desk.move(3, "withdrawal", "1", "X", **more)
    lot = desk.pool("X", account="b").lots.row(0, named=True)
    assert (lot["opened_ms"], lot["entered_ms"], lot["basis"]) == (86_400_000, arrived, 10)
    assert desk.last("X", account="a")["inventory_cost"] == 10
    assert desk.last("X")["inventory_cost"] == 20


def test_conversion_keeps_basis_and_age(desk: Desk) -> None:
    """A redenomination changes the number of units, not their basis or age, and turns nothing over."""
    desk.fill(1, "buy", "2", "OLD/USD", "10")
    desk.fill(2, "buy", "1", "OLD/USD", "40")
    desk.move(3, "convert", "3", "OLD", to_asset="NEW", received="3000")
    desk.fill(4, "sell", "1000", "NEW/USD", "0.02")
    lots = desk.pool("NEW").lots.select("opened_ms", "quantity", "basis").rows()
    assert lots == [(86_400_000, "2000", 20.0), (2 * 86_400_000, "1000", 40.0)]
    assert desk.last("OLD")["withdrawn_basis"] == 0
    assert desk.last("NEW")["cogs"] == pytest.approx(10, rel=1e-12)


def test_a_crumb_that_is_converted_keeps_its_basis(desk: Desk) -> None:
    """Rounded to no unit of the new asset it would be gone, and its basis with it: it gets the smallest unit."""
    desk.fill(1, "buy", "1000000000", "OLD/USD", "3")
    desk.fill(2, "buy", "0.0000000001", "OLD/USD", "10000000000")
    desk.move(3, "convert", "1000000000.0000000001", "OLD", to_asset="NEW", received="3")
    lots = desk.pool("NEW").lots
    whole, crumb = (Decimal(quantity) for quantity in lots["quantity"])
    assert whole + crumb == Decimal(3)
    assert 0 < crumb < Decimal("1e-15")
    assert lots["basis"].to_list() == [3e9, 1.0]


def test_what_the_venue_charged_wins_over_the_product(desk: Desk) -> None:
    """The basis rests on the venue's own cost, the notional on amount times price."""
    desk.fill(1, "buy", "3", "X/USD", "0.3333", cost="1")
    row = desk.last("X")
    assert row["inventory_cost"] == 1.0
    assert row["buy_notional"] == pytest.approx(0.9999, rel=1e-15)


@pytest.mark.parametrize("told", [("X/USD", "X/USDT", "USD/X"), ("USD/X", "X/USDT", "X/USD")])
def test_of_one_instant_the_plainest_price_counts(desk: Desk, told: tuple[str, ...]) -> None:
    """Quoted in the currency comes before quoted in a peg and before the pair turned round, whoever came first."""
    prices = {"X/USD": "100", "X/USDT": "101", "USD/X": "0.0098"}
    for pair in told:
        desk.price(1, pair, prices[pair])
    desk.move(2, "deposit", "1", "X")
    assert desk.last("X")["inventory_cost"] == 100


def test_first_price_at_hand(desk: Desk) -> None:
    """A lot at the mark takes the venue's own last price, else any venue's latest, else an imported one."""
    desk.price(1, "X/USD", "1", "file", "file")
    desk.move(2, "income", "1", "X")
    desk.price(3, "X/USDT", "2", "binance")
    desk.price(3, "X/USD", "3", "bybit")
    desk.move(4, "income", "1", "X")
    desk.price(5, "USD/X", "0.25", "kraken")
    desk.price(6, "X/USD", "5", "bybit")
    desk.move(7, "income", "1", "X")
    assert desk.pool("X").lots["basis"].to_list() == [1.0, 3.0, 4.0]


def test_prices_are_never_from_the_future(desk: Desk) -> None:
    """A price counts from the instant it was known, to the millisecond."""
    desk.price(2, "X/USD", "7")
    desk.move(2 - 1e-8, "income", "1", "X")
    desk.move(2, "income", "1", "X")
    assert desk.pool("X").lots["basis"].to_list() == [None, 7.0]


def test_bridge_and_peg(desk: Desk) -> None:
    """Two pairs make a bridge; without any, an explicit peg; the source says which."""
    desk.valuation = Valuation(pegs={"USDT": Decimal(1), "GEM": Decimal("0.5")})
    desk.price(1, "X/BTC", "0.1", "binance")
    desk.price(1, "BTC/USDT", "500")
    desk.move(2, "income", "1", "X")
    desk.move(2, "income", "3", "GEM")
    assert desk.last("X")["inventory_cost"] == 50
    assert desk.last("GEM")["inventory_cost"] == 1.5
    marks = desk.tracks().marks
    sources = dict(marks.filter(pl.col("asset").is_in(["X", "GEM"])).select("asset", "source").iter_rows())
    assert sources == {"X": "binance X/BTC candle, kraken BTC/USDT candle", "GEM": "peg"}


def test_marks_carry_their_integral(desk: Desk) -> None:
    """`mark_time` is the integral of the mark since the asset's first one."""
    for day, price in ((1, "10"), (3, "20"), (4, "20"), (6, "5")):
        desk.price(day, "X/USD", price)
    desk.move(7, "income", "1", "X")
    rows = desk.tracks().marks.select("time_ms", "mark", "mark_time").rows()
    day = 86_400_000
    assert rows == [(day, 10.0, 0.0), (3 * day, 20.0, 20.0 * day), (6 * day, 5.0, 80.0 * day)]


def test_market_value_follows_the_mark(desk: Desk) -> None:
    """The integral of the market value knows marks between events and the time before the first one."""
    desk.price(2, "X/USD", "10")
    desk.price(3, "X/USD", "30")
    desk.fill(1, "buy", "2", "X/USD", "5")
    desk.fill(5, "sell", "2", "X/USD", "5")
    row, day = desk.last("X"), 86_400_000
    assert row["market_time"] == 2 * (10 * 1 + 30 * 2) * day
    assert row["unmarked_time"] == day


def test_options_are_kinds_of_their_own(desk: Desk) -> None:
    """A call and a put on one coin share no lots."""
    for symbol in ("BTC/USDC:USDC-261225-90000-C", "BTC/USDC:USDC-261225-90000-P"):
        desk.fill(1, "buy", "1", symbol, "10", book="option", contract_size="1", settle="USDC")
    assert {key.asset for key in desk.tracks().pools} == {row["symbol"] for row in desk.fills}


@pytest.mark.parametrize("method", ["fifo", "wac"])
@pytest.mark.parametrize(
    ("fills", "pnl"),
    [
        ("buy 10 61234.5678, sell 10 61234.5679", 0.001),
        ("buy 3 0.1, sell 1 0.1, sell 1 0.1, sell 1 0.1", 0),
        ("buy 100000 61234.567891, sell 99999.999 61234.567892, sell 0.001 61234.567892", 0.1),
        ("sell 100000 61234.567892, buy 0.001 61234.567891, buy 99999.999 61234.567891", 0.1),
        # amounts whose product no int64 holds
        ("buy 1234.56789012 61234.56789012, sell 1234.56789012 61234.56789013", 1234.56789012e-8),
        # the fees are a difference too
        ("buy 7.1 61234.56 0.30001, sell 7.1 61234.56 -0.30002", 0.00001),
        # a third each, at no price that ends
        ("buy 1 100000.01, sell 0.3 100000.01, sell 0.3 100000.01, sell 0.4 100000.02", 0.004),
    ],
)
def test_a_small_profit_between_great_amounts(desk: Desk, fills: str, pnl: float, method: str) -> None:
    """What is left of two amounts that are nearly the same is right to all of its digits, and nothing is nothing."""
    for day, text in enumerate(fills.split(", "), start=1):
        side, amount, price, *fee = text.split()
        desk.fill(day, side, amount, "X/USDT", price, book="margin", fees=[("USDT", one) for one in fee])
    assert desk.last("X", method=method, book="margin")["realised_pnl"] == pytest.approx(pnl, rel=1e-13, abs=0)


def test_option_that_settles_in_its_coin(desk: Desk) -> None:
    """Its premium is amount * price of that coin, not the face of what it is an option on."""
    desk.price(0.5, "BTC/USD", "60000")
    symbol = "BTC/USD:BTC-260327-90000-C"
    more = {"book": "option", "contract_size": "1", "settle": "BTC", "inverse": 1}
    desk.fill(1, "buy", "2", symbol, "0.05", **more)
    desk.fill(2, "sell", "2", symbol, "0.06", **more)
    last, sums = desk.last(symbol, book="option"), desk.exact().pools["", symbol, "option"].sums
    assert (last["cogs"], last["buy_notional"]) == (2 * 0.05 * 60_000, 2 * 0.05 * 60_000)
    assert last["realised_pnl"] == pytest.approx(2 * 0.01 * 60_000, rel=1e-12)
    assert [sums["cogs"], sums["realised_pnl"]] == [Decimal(6_000), Decimal(1_200)]


def test_unknown_method(desk: Desk) -> None:
    """A costing method nobody knows is refused by name."""
    with pytest.raises(UsageError, match="'fefo'"):
        desk.tracks("fefo")


def test_opening_at_the_first_price(desk: Desk) -> None:
    """Units sold that were never bought opened the pool, at the price of its first event, estimated."""
    desk.fill(1, "sell", "3", "X/USD", "10", fees=[("USD", "5")])
    desk.fill(2, "buy", "1", "X/USD", "20")
    pool = desk.pool("X")
    assert pool.lots.row(0, named=True) | {"closed_ms": None} == {
        "lot": 0,
        "opened_ms": 86_400_000,
        "entered_ms": 86_400_000,
        "quantity": "3",
        "basis": 30.0,
        "estimated": 1,
        "closed_ms": None,
        "fill": None,
        "movement": None,
    }
    assert opened(pool.track)["estimated_relieved"][-1] == 30
    assert Fraction(pool.track["quantity"][-1]) == 1


def test_one_instant_takes_acquisitions_first(desk: Desk) -> None:
    """A spot pool that sells and buys in one millisecond needs no opening; a margin pool goes short for a moment."""
    for book in ("spot", "margin"):
        desk.fill(1, "sell", "1", "X/USD", "10", book=book)
        desk.fill(1, "buy", "1", "X/USD", "9", book=book)
    pools = desk.tracks().pools
    assert pools[PoolKey("portfolio", "", "X", "spot", "fifo")].track["quantity"].to_list() == ["1", "0"]
    assert pools[PoolKey("portfolio", "", "X", "margin", "fifo")].track["quantity"].to_list() == ["-1", "0"]


def test_clipped_sale_keeps_its_proceeds(desk: Desk) -> None:
    """A sale cut off at what is held still brought in all of its proceeds."""
    desk.fill(1, "buy", "1", "X/USD", "8")
    desk.fill(2, "sell", "1.001", "X/USD", "8")
    last = desk.last("X")
    assert (last["quantity"], last["cogs"], last["units_relieved"]) == (0, 8, 1)
    assert last["realised_pnl"] == pytest.approx(8.008 - 8, rel=1e-9)


def test_transfer_keeps_what_is_estimated(desk: Desk) -> None:
    """Basis that was guessed in one account is guessed in the other."""
    desk.price(0, "X/USD", "10")
    desk.move(1, "adjust", "2", "X", account="a")
    desk.move(2, "transfer", "1", "X", account="a", to_account="b")
    assert desk.pool("X", account="b").lots["estimated"].to_list() == [1]
    assert desk.last("X", account="b")["estimated_cost"] == 10


def test_movements_of_one_instant_come_in_first(desk: Desk) -> None:
    """A withdrawal listed before the deposit of its millisecond finds what came in."""
    desk.move(1, "withdrawal", "1", "X", key="a")
    desk.move(1, "deposit", "1", "X", key="b", value="5")
    assert desk.tracks().findings == ()
    assert desk.last("X")["withdrawn_basis"] == 5


def test_arrival_follows_the_sending_whatever_the_names(desk: Desk) -> None:
    """A transfer into an account whose name sorts first arrives after it was sent."""
    desk.fill(1, "buy", "1", "X/USD", "5", account="z")
    desk.move(2, "transfer", "1", "X", account="z", to_account="a")
    assert desk.last("X", account="a")["inventory_cost"] == 5
    assert desk.last("X", account="z")["quantity"] == 0


def test_sequence_decides_within_one_instant(desk: Desk) -> None:
    """In a book that can be short, the venue's own numbers order what shares a millisecond, not the order of rows."""
    for sequence, side, amount in ((3, "buy", "4"), (10, "sell", "1"), (2, "sell", "2"), (None, "buy", "8")):
        desk.fill(1, side, amount, "X/USD", "10", book="margin", sequence=sequence)
    assert desk.pool("X", book="margin").track["quantity"].to_list() == ["-2", "2", "1", "9"]


def test_opening_of_a_portfolio_that_only_moved(desk: Desk) -> None:
    """Where a pool's first event is no trade and has no value, the opening takes the mark of that instant."""
    desk.price(0, "X/USD", "10")
    desk.move(1, "transfer", "1", "X", account="a", to_account="b")
    desk.move(2, "withdrawal", "1", "X", account="b")
    assert desk.pool("X").lots.select("basis", "estimated", "opened_ms").rows() == [(10.0, 1, 2 * 86_400_000)]


@pytest.mark.parametrize("kind", ["funding", "settlement", "deposit", "fee"])
@pytest.mark.parametrize("book", ["linear", "inverse", "option"])
def test_what_contracts_pay_in_coins_moves_the_coins(desk: Desk, book: str, kind: str) -> None:
    """Funding that is paid in a coin comes into, or relieves, the coin's spot lots, never the contracts."""
    desk.fill(1, "buy", "3", "BTC/USD", "100")
    desk.move(2, kind, "-1" if kind in {"funding", "settlement"} else "1", "BTC", book=book, value="100")
    assert {key.book for key in desk.tracks().pools} == {"spot"}
    left = {"deposit": 4, "fee": 2}.get(kind, 2)
    assert desk.last("BTC")["quantity"] == left
    assert desk.exact().pools["", "BTC", "spot"].quantity == left
