"""The demo desk's two contract accounts: a linear perpetual (BTCUSDT) and an inverse one (BTCUSD_PERP).

They begin a month after the desk, because Binance lists incomes of the last three months only. Each trades around
zero, long and short, pays or receives funding every eight hours, and is liquidated once. What a venue tells of it:
fills, and a list of incomes whose sum is the wallet.
"""

from __future__ import annotations

import random
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import TYPE_CHECKING

from monitor.clock import DAY, HOUR, MINUTE
from monitor.demo.markets import BY_SYMBOL
from monitor.demo.prices import hashed
from monitor.records import Fee, Fill, Movement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from monitor.demo.prices import Prices
    from monitor.records import MovementKind, Side

BEGINS = 30 * DAY
USDM, COINM = "binance-usdm", "binance-coinm"
ZERO = Decimal(0)
EXACT = Context(prec=40)
GRAIN = Decimal("0.00000001")
FEE, INSURANCE, FUNDING = Decimal("0.0005"), Decimal("0.0125"), Decimal("0.0001")
LIQUIDATED, LIQUIDATED_AT = 20, 13 * HOUR + 37 * MINUTE
TRADES, LIVE_TRADES = 4, 48
# What an income is to the desk; fees and results follow from the fills.
MEANING: dict[str, MovementKind] = {
    "TRANSFER": "deposit",
    "FUNDING_FEE": "funding",
    "INSURANCE_CLEAR": "settlement",
}


@dataclass(frozen=True, slots=True)
class Contract:
    """One perpetual and the account that trades it: `size` in base (linear) or in US dollars (inverse) a contract."""

    account: str
    exchange: str
    market_id: str
    symbol: str
    quote: str
    settle: str
    size: Decimal
    step: Decimal
    clip: Decimal
    collateral: Decimal
    inverse: bool

    def worth(self, contracts: Decimal, price: Decimal) -> Decimal:
        """Return what contracts are worth in the asset they settle in."""
        size = EXACT.multiply(contracts, self.size)
        return EXACT.divide(size, price) if self.inverse else EXACT.multiply(size, price)


CONTRACTS = {
    USDM: Contract(
        USDM, "binanceusdm", "BTCUSDT", "BTC/USDT:USDT", "USDT", "USDT", Decimal(1), Decimal("0.001"), Decimal("0.4"),
        Decimal(600_000), inverse=False,
    ),
    COINM: Contract(
        COINM, "binancecoinm", "BTCUSD_PERP", "BTC/USD:BTC", "USD", "BTC", Decimal(100), Decimal(1), Decimal(240),
        Decimal("6.5"), inverse=True,
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Income:
    """One line of the venue's income list, in units of the asset the contract settles in."""

    time: int
    said: str
    amount: Decimal
    number: int
    trade: str = ""


@dataclass
class Book:
    """What one contract account holds and did; `entry` is the mean price of its position."""

    contract: Contract
    position: Decimal = ZERO
    entry: Decimal = ZERO
    days: int = 0
    fills: list[Fill] = field(default_factory=list)
    incomes: list[Income] = field(default_factory=list)


class Contracts:
    """The history of both accounts, made day by day from `start` on."""

    def __init__(self, seed: int, start: int, prices: Prices) -> None:
        """Make no day yet."""
        self.start = start + BEGINS
        self._seed, self._prices = seed, prices
        self._books = {name: Book(contract) for name, contract in CONTRACTS.items()}
        self._lock = threading.Lock()
        self._counts: defaultdict[str, int] = defaultdict(int)

    def fills(self, until: int, account: str) -> list[Fill]:
        """Return the fills up to and including `until`."""
        return [fill for fill in self._book(until, account).fills if fill.time <= until]

    def incomes(self, until: int, account: str) -> list[Income]:
        """Return the venue's list of incomes up to and including `until`, oldest first."""
        return [one for one in self._book(until, account).incomes if one.time <= until]

    def movements(self, until: int, account: str) -> list[Movement]:
        """Return what changed the account's coins beside its fills."""
        contract = CONTRACTS[account]
        return [
            Movement(account, contract.exchange, f"{one.said}|{one.number}", one.time, MEANING[one.said],
                     contract.settle, one.amount)
            for one in self.incomes(until, account) if one.said in MEANING
        ]  # fmt: skip

    def position(self, until: int, account: str) -> tuple[Decimal, Decimal]:
        """Return the contracts held, negative if short, and the unrealised result in the settlement asset."""
        contract, held, paid = CONTRACTS[account], ZERO, ZERO
        for fill in self.fills(until, account):
            signed = fill.amount if fill.side == "buy" else -fill.amount
            held, paid = held + signed, paid + contract.worth(signed, fill.price)
        realised = sum((one.amount for one in self.incomes(until, account) if one.said == "REALIZED_PNL"), ZERO)
        now = contract.worth(held, self.price(contract, until))
        return held, ((paid - now) if contract.inverse else (now - paid)) - realised

    def price(self, contract: Contract, instant: int) -> Decimal:
        """Return the contract's price, on a tick of 0.1."""
        spot = BY_SYMBOL["binance", "BTC/USDT"]
        basis = 0.0002 if contract.inverse else -0.0001
        return self._prices.price(spot, instant, beside=basis).quantize(Decimal("0.1"))

    def _book(self, until: int, account: str) -> Book:
        with self._lock:
            book = self._books[account]
            while self.start + book.days * DAY <= until:
                self._make_day(book, self.start + book.days * DAY)
                book.days += 1
        return book

    def _make_day(self, book: Book, start: int) -> None:
        contract = book.contract
        if book.days == 0:
            book.incomes.append(Income(start + 6 * MINUTE, "TRANSFER", contract.collateral, self._number(contract)))
        live = start >= self.start - BEGINS + 90 * DAY
        draws = random.Random(f"{self._seed}/{contract.account}/{book.days}")  # noqa: S311 - a simulation
        span = range(start + HOUR, start + DAY)
        times = [(instant, "trade") for instant in draws.sample(span, LIVE_TRADES if live else TRADES)]
        times += [(start + hours * HOUR, "funding") for hours in (0, 8, 16)]
        times += [(start + LIQUIDATED_AT, "liquidation")] if book.days == LIQUIDATED else []
        for instant, what in sorted(times):
            if what == "trade":
                self._trade(book, instant, *_order(book, draws))
            elif what == "funding":
                self._fund(book, instant)
            elif book.position:
                self._liquidate(book, instant)

    def _trade(self, book: Book, instant: int, side: Side, amount: Decimal) -> Fill:
        contract, price = book.contract, self.price(book.contract, instant)
        number = self._number(contract)
        fee = _rounded(contract.worth(amount, price) * FEE)
        fill = Fill(
            account=contract.account, exchange=contract.exchange, key=f"{contract.market_id}|{number}", time=instant,
            book="inverse" if contract.inverse else "linear", market=contract.market_id, symbol=contract.symbol,
            base="BTC", quote=contract.quote, side=side, amount=amount, price=price, fees=(Fee(contract.settle, fee),),
            settle=contract.settle, contract_size=contract.size, inverse=contract.inverse, trade_id=str(number),
            order_id=str(number * 3), sequence=number, liquidity="taker",
        )  # fmt: skip
        book.fills.append(fill)
        book.incomes.append(Income(instant, "COMMISSION", -fee, number, str(number)))
        if result := _settle(book, amount if side == "buy" else -amount, price):
            book.incomes.append(Income(instant, "REALIZED_PNL", result, number, str(number)))
        return fill

    def _fund(self, book: Book, instant: int) -> None:
        rate = FUNDING * Decimal(f"{hashed(self._seed, instant // HOUR):.6f}")
        paid = -_rounded(book.contract.worth(book.position, self.price(book.contract, instant)) * rate)
        if paid:
            book.incomes.append(Income(instant, "FUNDING_FEE", paid, self._number(book.contract)))

    def _liquidate(self, book: Book, instant: int) -> None:
        fill = self._trade(book, instant, "sell" if book.position > 0 else "buy", abs(book.position))
        charge = -_rounded(book.contract.worth(fill.amount, fill.price) * INSURANCE)
        book.incomes.append(Income(instant, "INSURANCE_CLEAR", charge, self._number(book.contract)))

    def _number(self, contract: Contract) -> int:
        self._counts[contract.account] += 7
        return 400_000_000 + self._counts[contract.account]


def _rounded(number: Decimal) -> Decimal:
    return number.quantize(GRAIN, ROUND_HALF_UP)


def _order(book: Book, draws: random.Random) -> tuple[Side, Decimal]:
    """Return an order that leans against the position."""
    contract = book.contract
    lean = float(book.position / (4 * contract.clip))
    side: Side = "buy" if draws.random() < 0.5 - 0.4 * max(-1.0, min(1.0, lean)) else "sell"
    return side, Decimal(f"{float(contract.clip) * draws.uniform(0.2, 1.6):.3f}") // contract.step * contract.step


def _settle(book: Book, signed: Decimal, price: Decimal) -> Decimal:
    """Take a trade into the position and return what it realised, in the settlement asset."""
    held, contract = book.position, book.contract
    closed = min(abs(held), abs(signed)) if held * signed < 0 else ZERO
    sign = 1 if held > 0 else -1
    gain = contract.worth(closed, price) - contract.worth(closed, book.entry or price)
    book.position = held + signed
    if closed < abs(signed):
        opened, kept = abs(signed) - closed, abs(held) - closed
        if contract.inverse:
            value = contract.worth(opened, price) + (contract.worth(kept, book.entry) if kept else ZERO)
            book.entry = EXACT.divide((opened + kept) * contract.size, value)
        else:
            book.entry = EXACT.divide(opened * price + kept * book.entry, opened + kept)
    return _rounded(-sign * gain if contract.inverse else sign * gain)


def both(contracts: Contracts, until: int) -> tuple[list[Fill], list[Movement]]:
    """Return the fills and the movements of both accounts."""
    fills: Iterator[Fill] = (fill for name in CONTRACTS for fill in contracts.fills(until, name))
    return list(fills), [move for name in CONTRACTS for move in contracts.movements(until, name)]
