"""What one unit of an asset was worth in the reporting currency, by prices known at that instant.

The first that applies:

1. the reporting currency itself is 1; where a fill's own quote is pegged, the peg is the value of its price;
2. the last price at or before the instant, of a pair with the currency or a pegged asset, either way round: the
   venue's own, else the latest of any venue (ties by name), else an imported one;
3. a bridge of two pairs: the last price against something that itself has such a price;
4. the asset's own peg;
5. nothing: null, never 0.

Of several bridges: the venue's own, else any, else imported first pair; then the latest; then by the name between.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from monitor.turnover import arrays, compiled
from monitor.turnover.arrays import GAIN, TRADE
from monitor.turnover.compiled import bare, compile_cached, part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from monitor.turnover.leg_records import Leg, Records
    from monitor.turnover.texts import Codes, Integers

    Numbers = NDArray[np.float64]

LEVELS = 3  # a venue's own, any venue's, imported
NO_RATE = -1


class Rates(NamedTuple):
    """Rates by key and time: those of key k lie from `ends[k]` to `ends[k + 1]`; `row` is the quote they are from."""

    ends: Integers
    time: Integers
    rate: Numbers
    row: Integers


class Ranked(NamedTuple):
    """The same rates by (key, exchange), by key without the imported ones, and the imported ones by key."""

    own: Rates
    anyone: Rates
    imported: Rates
    exchanges: int


class Market(NamedTuple):
    """All that values are made of.

    `money` is the value of what is taken as money, NaN of the rest. `direct` are the rates against money by asset, in
    the reporting currency, `first` those against anything else by way: the ways of asset a, each over another asset,
    lie from `ways[a]` to `ways[a + 1]`.
    """

    currency: int
    money: Numbers
    direct: Ranked
    first: Ranked
    ways: Integers
    over: Codes


class Value(NamedTuple):
    """What a unit is worth, NaN if unknown, and the rows of the one or two quotes that say so, -1 for none."""

    unit: float
    row: int
    second: int


@part
def bare_rates(rates: Rates) -> Rates:
    """Return the same rates, owned by none: a loop of small functions would count references at every step."""
    return Rates(bare(rates.ends), bare(rates.time), bare(rates.rate), bare(rates.row))


@part
def bare_market(market: Market) -> Market:
    """Return the same market, owned by none."""
    direct, first = market.direct, market.first
    return Market(
        market.currency,
        bare(market.money),
        Ranked(bare_rates(direct.own), bare_rates(direct.anyone), bare_rates(direct.imported), direct.exchanges),
        Ranked(bare_rates(first.own), bare_rates(first.anyone), bare_rates(first.imported), first.exchanges),
        bare(market.ways),
        bare(market.over),
    )


@part
def last(rates: Rates, key: int, time: int) -> int:
    """Return the place of a key's last rate at or before an instant, NO_RATE if there is none."""
    low, high = rates.ends[key], rates.ends[key + 1]
    start = low
    while low < high:
        middle = (low + high) >> 1
        if rates.time[middle] <= time:
            low = middle + 1
        else:
            high = middle
    return low - 1 if low > start else NO_RATE


@part
def known(ranked: Ranked, key: int, time: int, exchange: int) -> tuple[int, int, float, int]:
    """Return (level, instant, rate, row) of the last rate: the venue's own, else any venue's, else imported."""
    if exchange >= 0:
        place = last(ranked.own, key * ranked.exchanges + exchange, time)
        if place != NO_RATE:
            return 0, ranked.own.time[place], ranked.own.rate[place], ranked.own.row[place]
    place = last(ranked.anyone, key, time)
    if place != NO_RATE:
        return 1, ranked.anyone.time[place], ranked.anyone.rate[place], ranked.anyone.row[place]
    place = last(ranked.imported, key, time)
    if place != NO_RATE:
        return 2, ranked.imported.time[place], ranked.imported.rate[place], ranked.imported.row[place]
    return LEVELS, 0, np.nan, NO_RATE


@part
def unit_value(market: Market, asset: int, time: int, exchange: int) -> Value:
    """Return what one unit of an asset was worth at an instant, seen from an exchange (-1: from none)."""
    if asset == market.currency:
        return Value(1.0, NO_RATE, NO_RATE)
    level, _, rate, row = known(market.direct, asset, time, exchange)
    if level < LEVELS:
        return Value(rate, row, NO_RATE)
    best, newest, found = LEVELS, 0, Value(market.money[asset], NO_RATE, NO_RATE)
    for way in range(market.ways[asset], market.ways[asset + 1]):
        level, instant, rate, row = known(market.first, way, time, exchange)
        # ways are in order of the name between: of equals, the first stays
        if level < LEVELS and (level < best or (level == best and instant > newest)):
            beyond, _, other, second = known(market.direct, market.over[way], time, exchange)
            if beyond < LEVELS:
                best, newest, found = level, instant, Value(rate * other, row, second)
    return found


def _value_legs(market: Market, legs: Records) -> int:
    """Value legs, and return how many that bring lots or turn them over have no value."""
    records, unowned, missing = bare(legs), bare_market(market), 0
    for place in range(len(records)):
        leg = records[place]
        value_leg(unowned, leg)
        missing += np.isnan(leg.value) and leg.action in (TRADE, GAIN)
    return missing


@part
def value_leg(market: Market, leg: Leg) -> None:
    """Set value, gross and mark of a leg, all in the reporting currency; NaN where there is no price.

    A given value wins. A trade is worth what was paid for it, by the value of that; where that has none, by its base.
    A rebate in a fill's base is worth the fill's own price where that is in money. What only relieves lots needs no
    value, unless it is the first of its pool.
    """
    worth, gross, unit = leg.worth, leg.gross, np.nan
    given, paid = not np.isnan(leg.given), leg.worth_asset
    if leg.action == GAIN and leg.other_asset >= 0:
        unit = market.money[leg.other_asset]
        if not np.isnan(unit):
            worth, gross = leg.other_worth, leg.other_gross
    # what a fill was paid in needs no market where it is money; a lot at the mark asks for the market even of a peg
    elif paid >= 0 and not given and (leg.action == TRADE or paid == market.currency):
        unit = market.money[paid]
    if np.isnan(unit) and ((paid >= 0 and not given) or leg.first):
        unit = unit_value(market, paid if paid >= 0 else leg.asset, leg.time, leg.exchange).unit
        if np.isnan(unit) and leg.other_asset >= 0:
            unit = unit_value(market, leg.other_asset, leg.time, leg.exchange).unit
            if not np.isnan(unit):
                worth, gross = leg.other_worth, leg.other_gross
    leg.value = leg.given if given else unit * worth
    # what a float64 cannot hold of the worth is known of the value where nothing was multiplied
    if given or unit != 1.0 or worth != leg.worth:
        leg.low = 0.0
    leg.gross = unit * gross
    # what one unit of the leg's own asset was worth by the leg itself
    leg.mark = leg.gross / leg.traded


value_legs = compile_cached(_value_legs, arrays, compiled)


def _values(market: Market, assets: Codes, times: Integers, units: Numbers, rows: NDArray[np.int64]) -> None:
    """Value one unit of assets at instants, seen from no exchange."""
    for place in range(len(assets)):
        value = unit_value(market, assets[place], times[place], -1)
        units[place], rows[place, 0], rows[place, 1] = value.unit, value.row, value.second


values = compile_cached(_values, arrays, compiled)
