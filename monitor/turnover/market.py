"""The prices of the ledger, laid out so that the last one at an instant is found by halving."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from monitor.turnover.arrow import Texts
from monitor.turnover.ledger import Numbering, numbered
from monitor.turnover.texts import named, numbers, renumbered
from monitor.turnover.valuation import Market, Ranked, Rates, values

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from monitor.records import Valuation
    from monitor.turnover.texts import Codes, Integers

    Flags = NDArray[np.bool_]
    Numbers = NDArray[np.float64]

FILE = "file"


def fixed(valuation: Valuation) -> dict[str, float]:
    """Return the value of one unit of what is taken as money: the reporting currency and the pegs."""
    return {asset: float(value) for asset, value in valuation.pegs.items()} | {valuation.currency: 1.0}


class Quotes(NamedTuple):
    """Prices as rates both ways, one `asset` is `rate` of `via`; `row` is the price's. Only what is above zero."""

    asset: Codes
    via: Codes
    exchange: Codes
    time: Integers
    rate: Numbers
    imported: Flags
    inverted: Flags
    row: Integers

    def where(self, chosen: Flags | Integers) -> Quotes:
        """Return some of them, or all in another order."""
        return Quotes._make(column[chosen] for column in self)


def quotes(prices: pl.DataFrame, numbering: Numbering) -> Quotes:
    """Return prices (schema.PRICES) both ways: as quoted, then turned."""
    rate = numbers(Texts(prices["price"])).near
    base, quote = (renumbered(*named(prices[name]), numbering.assets) for name in ("base", "quote"))
    exchange = renumbered(*named(prices["exchange"]), numbering.exchanges)
    imported = (prices["source"] == FILE).fill_null(value=False).to_numpy()
    row, quoted = np.arange(len(rate)), np.zeros(len(rate), dtype=bool)
    as_quoted = Quotes(base, quote, exchange, prices["time_ms"].to_numpy(), rate, imported, quoted, row)
    as_quoted = as_quoted.where(rate > 0)
    turned = as_quoted._replace(
        asset=as_quoted.via, via=as_quoted.asset, rate=1.0 / as_quoted.rate, inverted=~as_quoted.inverted
    )
    return Quotes._make(np.concatenate([one, other]) for one, other in zip(as_quoted, turned, strict=True))


def market(both: Quotes, numbering: Numbering, valuation: Valuation, wanted: Flags) -> Market:
    """Return the market of quotes both ways; values may be asked of `wanted` assets."""
    assets, size = numbering.assets, len(numbering.assets)
    money = np.full(size, np.nan)
    for asset, value in fixed(valuation).items():
        money[assets[asset]] = value
    currency, exchanges = assets[valuation.currency], len(numbering.exchanges)
    direct = both.where(~np.isnan(money[both.via]))
    direct = direct._replace(rate=direct.rate * money[direct.via])
    rank = 2 * (direct.via != currency) + direct.inverted
    # who is first among prices of one instant: the currency before a peg, as quoted before inverted, then by name
    direct_ranked = _ranked(direct, direct.asset, (-direct.exchange, -direct.via, -rank), (size, exchanges))
    first = both.where(np.isnan(money[both.via]) & wanted[both.asset])
    pairs, way = np.unique(first.asset.astype(np.int64) * size + first.via, return_inverse=True)
    first_ranked = _ranked(first, way, (-first.inverted.astype(np.int8), -first.exchange), (len(pairs), exchanges))
    ways = np.searchsorted(pairs, np.arange(size + 1) * size)
    return Market(currency, money, direct_ranked, first_ranked, ways, (pairs % max(size, 1)).astype(np.int32))


def _ranked(
    quotes: Quotes, key: NDArray[np.integer], preference: Sequence[NDArray[np.integer]], sizes: tuple[int, int]
) -> Ranked:
    """Return rates by key; of one instant the last by `preference`, from the least to the most weighty, counts."""
    keys, exchanges = sizes
    place = key.astype(np.int64)
    # what is in order already, one price an instant, as the store keeps a single venue's, needs no sorting
    later = (place[1:] > place[:-1]) | ((place[1:] == place[:-1]) & (quotes.time[1:] > quotes.time[:-1]))
    if not later.all():
        order = np.lexsort([*preference, quotes.time, place])
        quotes, place = quotes.where(order), place[order]
    with_exchange = place * exchanges + quotes.exchange
    order = np.argsort(with_exchange, kind="stable")
    own = _rates(quotes.where(order), with_exchange[order], keys * exchanges)
    live, imported = np.flatnonzero(~quotes.imported), np.flatnonzero(quotes.imported)
    anyone, file = _rates(quotes.where(live), place[live], keys), _rates(quotes.where(imported), place[imported], keys)
    return Ranked(own, anyone, file, exchanges)


def _rates(quotes: Quotes, key: Integers, size: int) -> Rates:
    """Return the last rate of every key and instant."""
    is_last = np.append((key[1:] != key[:-1]) | (quotes.time[1:] != quotes.time[:-1]), True)[: len(key)]
    ends = np.searchsorted(key[is_last], np.arange(size + 1))
    return Rates(ends, quotes.time[is_last], quotes.rate[is_last], quotes.row[is_last])


def marks(made: Market, wanted: Codes, prices: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Return the mark of each wanted asset at every instant it changes (schema.MARKS): any venue's last known price.

    `mark_time` is the integral of the mark since the asset's first one, in currency * milliseconds. A peg holds from
    the epoch on. Assets without any price have no rows.
    """
    grids = [np.zeros(0, np.int64), *(_instants(made, int(asset)) for asset in wanted)]
    times, owners = np.concatenate(grids), np.repeat(wanted, [len(grid) for grid in grids[1:]]).astype(np.int32)
    units, rows = np.empty(len(times)), np.empty((len(times), 2), np.int64)
    values(made, owners, times, units, rows)
    priced = ~np.isnan(units)
    times, owners, units, rows = times[priced], owners[priced], units[priced], rows[priced]
    changed = np.append(True, (owners[1:] != owners[:-1]) | (units[1:] != units[:-1]))[: len(times)]
    times, owners, units, rows = times[changed], owners[changed], units[changed], rows[changed]
    grown = np.append(0.0, units[:-1] * np.diff(times))[: len(times)]
    begins = np.append(True, owners[1:] != owners[:-1])[: len(times)]
    grown[begins] = 0.0
    found = pl.DataFrame(
        {
            "asset": pl.Series(names, dtype=pl.String).gather(owners),
            "time_ms": times,
            "mark": units,
            "grown": grown,
            "source": _sources(prices, rows),
        }
    )
    return found.select(
        "asset", "time_ms", "mark", pl.col("grown").cum_sum().over("asset").alias("mark_time"), "source"
    )


def marks_of(prices: pl.DataFrame, assets: Collection[str], valuation: Valuation) -> pl.DataFrame:
    """Return the marks of assets by prices alone."""
    names = numbered((*prices["base"].unique(), *prices["quote"].unique(), *assets, *fixed(valuation)))
    numbering = Numbering(names, {}, numbered(prices["exchange"].unique()), {}, {})
    both, wanted = quotes(prices, numbering), np.zeros(len(names), dtype=bool)
    wanted[[names[asset] for asset in assets]] = True
    codes = np.flatnonzero(wanted).astype(np.int32)
    return marks(market(both, numbering, valuation, wanted), codes, prices, list(names))


def _instants(made: Market, asset: int) -> Integers:
    """Return the instants at which an asset's mark may change, the epoch first."""
    over = made.over[made.ways[asset] : made.ways[asset + 1]]
    tables = [(made.direct, asset), *((made.first, way) for way in range(made.ways[asset], made.ways[asset + 1]))]
    tables += [(made.direct, int(middle)) for middle in over]
    parts = [
        table.time[table.ends[key] : table.ends[key + 1]]
        for ranked, key in tables
        for table in (ranked.anyone, ranked.imported)
    ]
    return np.unique(np.concatenate([np.zeros(1, np.int64), *parts]))


def _sources(prices: pl.DataFrame, rows: Integers) -> pl.Series:
    """Return what each value rests on: one price, two of a bridge, or a peg."""
    label = pl.format("{} {}/{} {}", "exchange", "base", "quote", "source")
    first, second = (
        prices.select(pl.all().gather(np.maximum(rows[:, place], 0))).select(label).to_series()
        if prices.height
        else None
        for place in range(2)
    )
    if first is None or second is None:
        return pl.Series(["peg"] * len(rows), dtype=pl.String)
    frame = pl.DataFrame({"one": first, "two": second, "has_one": rows[:, 0] >= 0, "has_two": rows[:, 1] >= 0})
    bridge = pl.format("{}, {}", "one", "two")
    told = pl.when("has_two").then(bridge).when("has_one").then("one").otherwise(pl.lit("peg"))
    return frame.select(told).to_series()
