"""The known answer: the turnover of the demo desk, calculated from its true history without the monitor's engine.

Rules, the monitor's own: FIFO per asset over one pool of all accounts, or per account; cash (USD, USDT) has no lots; a
cross is worth its quote leg; contracts have lots of their own, but a coin that pays their fees and funding is the
desk's coin; a fee in a third asset relieves that asset's lots as fee basis; a fee in the base or the
quote asset is netted into its leg; a transfer between own accounts keeps basis and age, and only what the network
took is relieved, when it was sent, from the oldest lots; a deposit from outside is a lot at mark.

Which prices: what has to be valued (crosses, coins from outside) is worth the close of the last candle of its own
venue that had closed at or before the instant. Candles are `price_timeframe(exchange)` long, 1h at Binance and 4h at
Kraken, because Kraken serves no more than its newest 720 candles whatever `since` says: 720 of one hour are 30 days,
of four hours 120. A monitor reaches this answer to the last digit only if its valuation knows exactly these closes
(from `History.start` on, and none that has not closed yet); other candles or tickers are as true, and give others.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from typing import TYPE_CHECKING

from monitor.clock import DAY, HOUR, Window
from monitor.demo.contracts import both
from monitor.demo.lots import ZERO, Lot, Pool, basis_of
from monitor.demo.markets import BY_SYMBOL
from monitor.demo.steps import Step, steps_of

if TYPE_CHECKING:
    from monitor.demo.generator import History
    from monitor.records import Fill, Movement

TIMEFRAMES = {"binance": ("1h", HOUR), "kraken": ("4h", 4 * HOUR)}
PRECISION = Context(prec=50)
# The price of one unit of an asset in USD at a venue at an instant.
Marks = Callable[[str, str, int], Decimal]


def price_timeframe(exchange: str) -> str:
    """Return the length of the candles, as ccxt writes it, whose closes value what happens on a venue."""
    return TIMEFRAMES[exchange][0]


def candle_marks(history: History) -> Marks:
    """Return marks from the closes of the venues' own candles (see the module's text)."""

    def mark(asset: str, exchange: str, instant: int) -> Decimal:
        if exchange not in TIMEFRAMES:  # a venue of contracts has no candles of coins: the newest of the others'
            longer = TIMEFRAMES["kraken"][1]
            exchange = "kraken" if instant % longer < HOUR else "binance"
        length = TIMEFRAMES[exchange][1]
        market = BY_SYMBOL["kraken", f"{asset}/USD"] if exchange == "kraken" else BY_SYMBOL["binance", f"{asset}/USDT"]
        return history.prices.price(market, instant - instant % length)

    return mark


@dataclass(frozen=True, slots=True)
class Turnover:
    """One asset's numbers, or the portfolio's (asset None, no quantities); missing is None. Money is in USD.

    `turnover` = cogs / average_inventory; `days_inventory` = days of the window / turnover; `unit_turnover` = units
    sold / time-weighted mean quantity. Idle: turnover 0, days None. Sold and never held for a millisecond: turnover
    None, days 0. Neither: both None.
    """

    asset: str | None
    cogs: Decimal
    average_inventory: Decimal
    turnover: Decimal | None
    days_inventory: Decimal | None
    unit_turnover: Decimal | None
    realised_pnl: Decimal
    fee_basis: Decimal
    withdrawn_basis: Decimal
    closing_quantity: Decimal | None
    closing_basis: Decimal


@dataclass(frozen=True, slots=True)
class Answer:
    """The turnover of every asset that was ever in the scope before the window's end, and of all of them together."""

    window: Window
    account: str | None
    assets: dict[str, Turnover]
    portfolio: Turnover


def known_answer(history: History, window: Window, account: str | None = None) -> Answer:
    """Return the true numbers of a window of the demo's history, of the desk or of one account's own pools."""
    until = window.end - 1
    fills, movements = both(history.contracts, until)
    fills, movements = [*history.fills(until), *fills], [*history.movements(until), *movements]
    return calculate(fills, movements, candle_marks(history), window, account)


def calculate(
    fills: Iterable[Fill], movements: Iterable[Movement], marks: Marks, window: Window, account: str | None = None
) -> Answer:
    """Return the numbers of a window for any small history of spot fills and movements.

    Raises:
        ValueError: more is sold or sent than is held.
    """
    pools: defaultdict[tuple[str, str], Pool] = defaultdict(lambda: Pool(window))
    travelling: dict[str, list[Lot]] = {}
    by_account = account is not None
    with localcontext(PRECISION):
        for step in steps_of(fills, movements, marks, by_account=by_account):
            if step.time < window.end:
                apply(step, pools[step.account if by_account else "", step.asset], travelling)
        scope = {asset: pool for (owner, asset), pool in pools.items() if owner == (account or "")}
        for pool in scope.values():
            pool.advance(window.end)
        assets = {asset: numbers(asset, pool) for asset, pool in sorted(scope.items())}
        return Answer(window, account, assets, total(assets.values(), window))


def apply(step: Step, pool: Pool, travelling: dict[str, list[Lot]]) -> None:
    """Let one step act on its pool, and count it if the window does."""
    counted = pool.advance(step.time)
    if step.cause == "arrival":
        for lot in travelling.pop(step.shipment):
            pool.put(lot)
        return
    if step.quantity > 0:
        pool.put(Lot(step.time, step.quantity, step.value))
        return
    lots = pool.take(-step.quantity)
    if step.cause == "departure":
        travelling[step.shipment] = lots
    elif not counted:
        return
    elif step.cause == "trade":
        pool.cogs += basis_of(lots)
        pool.units_sold -= step.quantity
        pool.proceeds += step.value
    elif step.cause == "fee":
        pool.fee_basis += basis_of(lots)
    else:
        pool.withdrawn_basis += basis_of(lots)


def ratio(part: Decimal, whole: Decimal) -> Decimal | None:
    """Return a quotient; 0/0 and x/0 are None: there is no such number."""
    return part / whole if whole else None


def numbers(asset: str, pool: Pool) -> Turnover:
    """Return one pool's numbers."""
    length = pool.window.milliseconds
    average = pool.cost_time / length
    return Turnover(
        asset=asset,
        cogs=pool.cogs,
        average_inventory=average,
        turnover=ratio(pool.cogs, average),
        days_inventory=ratio(average * length, pool.cogs * DAY),
        unit_turnover=ratio(pool.units_sold * length, pool.units_time),
        realised_pnl=pool.proceeds - pool.cogs,
        fee_basis=pool.fee_basis,
        withdrawn_basis=pool.withdrawn_basis,
        closing_quantity=pool.quantity,
        closing_basis=basis_of(pool.lots),
    )


def total(assets: Iterable[Turnover], window: Window) -> Turnover:
    """Return the portfolio's numbers: sums over sums, never a mean of ratios."""
    rows = list(assets)
    cogs = sum((row.cogs for row in rows), ZERO)
    average = sum((row.average_inventory for row in rows), ZERO)
    return Turnover(
        asset=None,
        cogs=cogs,
        average_inventory=average,
        turnover=ratio(cogs, average),
        days_inventory=ratio(average * window.milliseconds, cogs * DAY),
        unit_turnover=None,
        realised_pnl=sum((row.realised_pnl for row in rows), ZERO),
        fee_basis=sum((row.fee_basis for row in rows), ZERO),
        withdrawn_basis=sum((row.withdrawn_basis for row in rows), ZERO),
        closing_quantity=None,
        closing_basis=sum((row.closing_basis for row in rows), ZERO),
    )
