"""The demo desk's own books: orders become fills and shipments movements, and nothing is sold that is not held.

Fees are what the venues take: BNB on binance-main while it has some and the discount is on, otherwise the asset that
was received (base on a buy, quote on a sell); US dollars on Kraken.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING

from monitor.demo.markets import BY_SYMBOL, Market
from monitor.demo.tempers import KRAKEN, MAIN, VENUE, Slice
from monitor.records import Fee, Fill, Movement

if TYPE_CHECKING:
    from monitor.demo.prices import Prices
    from monitor.demo.treasury import Plan, Shipment

SMALLEST = Decimal(10)  # in USD: venues refuse smaller orders
HEADROOM = Decimal("0.998")  # of the cash held, so that a fee in cash never overdraws it
RATES = {MAIN: Decimal("0.001"), "binance-mm": Decimal("0.0003"), KRAKEN: Decimal("0.0014")}
BNB_RATE = Decimal("0.00075")
DISCOUNT_OFF_EVERY = 11  # on every eleventh day somebody forgot the switch: fees come off what is received
FEE_DIGITS = {"binance": Decimal("0.00000001"), "kraken": Decimal("0.00001")}


def token(text: str, alphabet: str, length: int) -> str:
    """Return a fixed string of an alphabet for a text: identifiers that look random and never change."""
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(alphabet))
        letters.append(alphabet[rest])
    return "".join(letters)


def kraken_id(prefix: str, text: str) -> str:
    """Return an identifier in Kraken's shape, `TZX2WP-XSEOP-FP7WYR`."""
    letters = token(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 16)
    return f"{prefix}{letters[:5]}-{letters[5:10]}-{letters[10:]}"


class Books:
    """Balances of every account, and the numbers venues count fills with."""

    def __init__(self, seed: int, prices: Prices) -> None:
        """Start empty; `seed` keeps the identifiers of two desks apart."""
        self._seed = seed
        self._prices = prices
        self.balances: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._departed: set[str] = set()

    def held(self, account: str, asset: str) -> Decimal:
        """Return what an account holds of an asset now."""
        return self.balances[account, asset]

    def trade(self, piece: Slice, day: int) -> Fill | None:
        """Execute one slice as far as the account can afford it; None if that is too little to trade."""
        market = BY_SYMBOL[VENUE[piece.account], piece.symbol]
        beside = -piece.edge if piece.side == "buy" else piece.edge
        price = self._prices.price(market, piece.time, beside=beside)
        base, cash = self.held(piece.account, market.base), self.held(piece.account, market.quote)
        most = cash * HEADROOM / price if piece.side == "buy" else base
        amount = min(piece.amount, most) // market.step * market.step
        cost = amount * price
        if float(cost) * self._prices.usd(market.quote, piece.time) < SMALLEST:
            return None
        fee = self._fee(piece, market, (amount, cost), day)
        sign = 1 if piece.side == "buy" else -1
        self.balances[piece.account, market.base] += sign * amount
        self.balances[piece.account, market.quote] -= sign * cost
        self.balances[piece.account, fee.asset] -= fee.amount
        return self._fill(piece, market, (amount, price, cost), fee)

    def _fee(self, piece: Slice, market: Market, size: tuple[Decimal, Decimal], day: int) -> Fee:
        """Return what the venue takes for one fill of a size in base and in quote."""
        (amount, cost), digits = size, FEE_DIGITS[market.exchange]
        if piece.account == MAIN and day % DISCOUNT_OFF_EVERY != DISCOUNT_OFF_EVERY - 1:
            worth = Decimal(self._prices.usd(market.quote, piece.time)) / Decimal(self._prices.usd("BNB", piece.time))
            bnb = (cost * BNB_RATE * worth).quantize(digits, ROUND_HALF_UP)
            if self.held(MAIN, "BNB") > 2 * bnb:
                return Fee("BNB", bnb)
        share = RATES[piece.account]
        if piece.side == "buy" and market.exchange == "binance":
            return Fee(market.base, (amount * share).quantize(digits, ROUND_HALF_UP))
        return Fee(market.quote, (cost * share).quantize(digits, ROUND_HALF_UP))

    def _fill(self, piece: Slice, market: Market, figures: tuple[Decimal, Decimal, Decimal], fee: Fee) -> Fill:
        """Return the fill as its venue would tell it, with the venue's own identifiers."""
        mark = f"{self._seed}/{market.exchange}/{market.market_id}"
        self._counts[mark] += 1 + int(token(f"{mark}/{self._counts[mark]}", "0123456789", 2))
        number = self._counts[mark]
        amount, price, cost = figures
        kraken = market.exchange == "kraken"
        trade_id = kraken_id("T", f"{mark}/{number}") if kraken else str(number + int(token(mark, "123456789", 8)))
        order = f"{self._seed}/{piece.order}"
        return Fill(
            account=piece.account, exchange=market.exchange, key=f"{market.market_id}:{trade_id}", time=piece.time,
            book="spot", market=market.market_id, symbol=market.symbol, base=market.base, quote=market.quote,
            side=piece.side, amount=amount, price=price, cost=cost, fees=(fee,), trade_id=trade_id,
            order_id=kraken_id("O", order) if kraken else token(order, "123456789", 10),
            sequence=None if kraken else int(trade_id), liquidity="maker" if piece.maker else "taker",
        )  # fmt: skip

    def ship(self, end: Shipment) -> Movement | None:
        """Execute one end of a shipment; None if the coins are not there, or never left."""
        plan, departs = end.plan, end.kind == "withdrawal"
        if departs and self.held(end.account, plan.asset) < plan.amount + plan.fee:
            return None
        if not departs and plan.source is not None and plan.label not in self._departed:
            return None
        if not plan.cancelled:
            self.balances[end.account, plan.asset] += -(plan.amount + plan.fee) if departs else plan.amount
            self._departed.add(plan.label)
        fees = (Fee(plan.asset, plan.fee),) if departs and plan.fee else ()
        return Movement(
            account=end.account, exchange=VENUE[end.account], key=self._key(end), time=end.time, kind=end.kind,
            asset=plan.asset, amount=plan.amount, fees=fees, network_id=self._network_id(plan),
            status="failed" if plan.cancelled else "ok",
        )  # fmt: skip

    def _key(self, end: Shipment) -> str:
        """Return the venue's identifier of one end."""
        text = f"{self._seed}/{end.kind}/{end.plan.label}"
        return kraken_id("F", text) if end.account == KRAKEN else token(text, "0123456789abcdef", 32)

    def _network_id(self, plan: Plan) -> str | None:
        """Return the chain's transaction id, the same at both ends; none was made for what was cancelled."""
        text = f"{self._seed}/chain/{plan.label}"
        if plan.cancelled:
            return None
        return token(text, "0123456789abcdef", 64)
