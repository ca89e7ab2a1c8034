"""What one unit of an asset was worth in the reporting currency, by prices known at that instant.

The first that applies:

1. the reporting currency itself is 1; where a fill's own quote is pegged, the peg is the value of its price;
2. the last price at or before the instant, of a pair with the currency or a pegged asset, either way round: the
   venue's own, else the latest of any venue (ties by name), else an imported one;
3. a bridge of two pairs: the last price against something that itself has such a price;
4. the asset's own peg;
5. nothing: null, never 0.

Every value carries its source and the instant its price was known from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from monitor.turnover.arrays import TRADE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from monitor.records import Valuation

FILE = "file"
UNKNOWN, NAMELESS, TIMELESS = (pl.lit(None, dtype=kind) for kind in (pl.Float64, pl.String, pl.Int64))
# Who is first among prices of one instant at one venue: the currency before a peg, as quoted before inverted.
RANKED = ("time_ms", "rank", "via", "exchange")


def fixed(valuation: Valuation) -> dict[str, float]:
    """Return the value of one unit of what is taken as money: the reporting currency and the pegs."""
    return {asset: float(value) for asset, value in valuation.pegs.items()} | {valuation.currency: 1.0}


def rates(prices: pl.DataFrame) -> pl.DataFrame:
    """Return prices (schema.PRICES) as rates both ways: one `asset` is `rate` of `via`.

    Columns: asset, via, time_ms, exchange, rate, imported, inverted, label. Prices that are not positive are left out.
    """
    quoted = prices.with_columns(rate=pl.col("price").cast(pl.Float64)).filter(pl.col("rate") > 0)
    label = pl.format("{} {}/{} {}", "exchange", "base", "quote", "source")
    columns = ["time_ms", "exchange", "rate", "imported", "inverted", "label"]
    quoted = quoted.with_columns(imported=pl.col("source") == FILE, label=label, inverted=False)
    turned = quoted.with_columns(rate=1.0 / pl.col("rate"), inverted=True)
    return pl.concat(
        [
            quoted.select(pl.col("base").alias("asset"), pl.col("quote").alias("via"), *columns),
            turned.select(pl.col("quote").alias("asset"), pl.col("base").alias("via"), *columns),
        ]
    )


def direct(both_ways: pl.DataFrame, valuation: Valuation) -> pl.DataFrame:
    """Return the rates against money, in the reporting currency, in order of time, the preferred last."""
    money = fixed(valuation)
    worth = pl.col("via").replace_strict(money, default=None, return_dtype=pl.Float64)
    found = both_ways.with_columns(rate=pl.col("rate") * worth).filter(pl.col("rate").is_not_null())
    rank = 2 * (pl.col("via") != valuation.currency).cast(pl.Int8) + pl.col("inverted").cast(pl.Int8)
    return found.with_columns(rank=rank).sort(RANKED, descending=[False, True, True, True])


def last_known(requests: pl.DataFrame, known: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return for each request (row, *by, exchange, time_ms) the last rate: venue's own, else any, else imported.

    `known` is in order of time with the preferred last. Adds rate, label, known_ms and level; null where there is none.
    """
    own_known = known.unique([*by, "exchange", "time_ms"], keep="last", maintain_order=True)
    wide_known = known.unique([*by, "imported", "time_ms"], keep="last", maintain_order=True)
    asked = requests.sort("time_ms")
    found = []
    for level, table, keys in (
        (0, own_known, [*by, "exchange"]),
        (1, wide_known.filter(~pl.col("imported")), [*by]),
        (2, wide_known.filter("imported"), [*by]),
    ):
        right = table.select(*keys, "time_ms", "rate", "label", pl.col("time_ms").alias("known_ms"))
        joined = asked.join_asof(right, on="time_ms", by=keys, strategy="backward", check_sortedness=False)
        found.append(joined.filter(pl.col("rate").is_not_null()).with_columns(level=pl.lit(level, dtype=pl.Int8)))
    return (
        pl.concat(found)
        .sort("row", "level", maintain_order=True)
        .unique(["row", *by], keep="first", maintain_order=True)
    )


def unit_values(requests: pl.DataFrame, prices: pl.DataFrame, valuation: Valuation) -> pl.DataFrame:
    """Return what one unit of `asset` was worth at `time_ms`, seen from `exchange`.

    `requests` has row (unique), asset, time_ms, exchange (null: no venue's own). Returns row, value, source, known_ms
    (null for the currency and pegs); rows without a value are missing.
    """
    columns = ["row", "value", "source", "known_ms"]
    money = fixed(valuation)
    asked = requests.select("row", "asset", "time_ms", "exchange")
    is_currency = pl.col("asset") == valuation.currency
    no_time = pl.lit(None, dtype=pl.Int64).alias("known_ms")
    one = asked.filter(is_currency).select(
        "row", pl.lit(1.0).alias("value"), pl.lit("currency").alias("source"), no_time
    )
    asked = asked.filter(~is_currency)
    both_ways = rates(prices)
    priced = last_known(asked, direct(both_ways, valuation), ["asset"])
    priced = priced.select("row", pl.col("rate").alias("value"), pl.col("label").alias("source"), "known_ms")
    rest = asked.join(priced, on="row", how="anti")
    bridged = bridges(rest, both_ways, valuation).select(columns)
    pegged = rest.join(bridged, on="row", how="anti").filter(pl.col("asset").is_in(list(money)))
    peg = pl.col("asset").replace_strict(money, default=None, return_dtype=pl.Float64).alias("value")
    pegs = pegged.select("row", peg, pl.lit("peg").alias("source"), no_time)
    return pl.concat([one.select(columns), priced.select(columns), bridged, pegs.select(columns)])


def bridges(requests: pl.DataFrame, both_ways: pl.DataFrame, valuation: Valuation) -> pl.DataFrame:
    """Return values over one asset in between, for requests no direct price answers; columns as in `unit_values`.

    Of several ways: the venue's own, else any, else imported first leg; then the latest; then by the name between.
    """
    first = both_ways.filter(~pl.col("via").is_in(list(fixed(valuation)))).sort(
        "time_ms", "exchange", "inverted", descending=[False, True, True]
    )
    ways = first.select("asset", "via").unique()
    asked = requests.join(ways, on="asset", how="inner")
    legs = last_known(asked, first, ["asset", "via"]).rename(
        {"rate": "rate_1", "label": "label_1", "known_ms": "known_1"}
    )
    legs = legs.with_row_index("leg")
    second = legs.select(pl.col("leg").alias("row"), pl.col("via").alias("asset"), "time_ms", "exchange")
    values = last_known(second, direct(both_ways, valuation), ["asset"]).select(
        pl.col("row").alias("leg"), "rate", "label", "known_ms"
    )
    both = legs.join(values, on="leg").sort(["level", "known_1", "via"], descending=[False, True, False])
    return both.unique("row", keep="first", maintain_order=True).select(
        "row",
        (pl.col("rate_1") * pl.col("rate")).alias("value"),
        pl.format("{}, {}", "label_1", "label").alias("source"),
        pl.min_horizontal("known_1", "known_ms").alias("known_ms"),
    )


def value_legs(legs: pl.DataFrame, prices: pl.DataFrame, valuation: Valuation) -> pl.DataFrame:
    """Add value, gross, mark (all in the reporting currency), source and age_ms to legs; null where there is no price.

    A given value wins. A trade is worth what was paid for it, by the value of that; where that has none, by its base.
    Legs marked `first` are given a mark whatever they are.
    """
    legs, asked = _asked(legs, valuation)
    if asked.is_empty():
        return _valued(legs.with_columns(other=False, value=UNKNOWN, source=NAMELESS, known_ms=TIMELESS))
    first = unit_values(asked.with_columns(asset=pl.coalesce("worth_asset", "asset")), prices, valuation)
    rest = asked.filter(pl.col("other_asset").is_not_null()).join(first, on="row", how="anti")
    second = unit_values(rest.with_columns(asset="other_asset"), prices, valuation)
    found = pl.concat([first.with_columns(other=False), second.with_columns(other=True)])
    legs = legs.join(found, on="row", how="left", maintain_order="left")
    return _valued(legs.with_columns(pl.col("other").fill_null(value=False)))


def _asked(legs: pl.DataFrame, valuation: Valuation) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Number legs, add what needs no price (`own`), and return them and those of them that need one."""
    paid = pl.col("worth_asset").replace_strict(fixed(valuation), default=None, return_dtype=pl.Float64)
    # what a fill was paid in needs no market where it is money; a lot at the mark asks for the market even of a peg
    is_own = (pl.col("action") == TRADE) | (pl.col("worth_asset") == valuation.currency)
    legs = legs.with_row_index("row").with_columns(own=pl.when(is_own & pl.col("given").is_null()).then(paid))
    needed = pl.col("worth_asset").is_not_null() & pl.col("given").is_null() & pl.col("own").is_null()
    return legs, legs.filter(needed | (pl.col("first") & pl.col("own").is_null()))


def _valued(legs: pl.DataFrame) -> pl.DataFrame:
    """Make values of unit values."""
    unit = pl.coalesce("own", "value")
    return legs.with_columns(
        value=pl.coalesce("given", unit * pl.when("other").then("other_worth").otherwise("worth")),
        gross=unit * pl.when("other").then("other_gross").otherwise("gross"),
        source=pl.when(pl.col("given").is_not_null()).then(pl.lit("given"))
        .when(pl.col("own").is_not_null()).then(pl.lit("fill")).otherwise("source"),
        # what one unit of the leg's own asset was worth by the leg itself
        mark=unit * pl.when("other").then("other_gross").otherwise("gross") / pl.col("traded"),
        age_ms=pl.col("time_ms") - pl.col("known_ms"),
    ).drop("row", "own", "other", "known_ms")  # fmt: skip


def marks(prices: pl.DataFrame, assets: Iterable[str], valuation: Valuation) -> pl.DataFrame:
    """Return the mark of each asset at every instant it changes (schema.MARKS): any venue's last known price.

    `mark_time` is the integral of the mark since the asset's first one, in currency * milliseconds. A peg holds from
    the epoch on. Assets without any price have no rows.
    """
    wanted = pl.DataFrame({"asset": sorted(set(assets))}, schema={"asset": pl.String})
    both_ways = rates(prices)
    ways = both_ways.select("asset", "via", "time_ms").join(wanted, on="asset", how="semi")
    between = ways.select("asset", "via").unique().filter(~pl.col("via").is_in(list(fixed(valuation))))
    moves = both_ways.select(pl.col("asset").alias("via"), "time_ms", pl.col("via").alias("money"))
    moves = moves.filter(pl.col("money").is_in(list(fixed(valuation))))
    bridged = between.join(moves, on="via").select("asset", "time_ms")
    start = wanted.with_columns(time_ms=pl.lit(0, dtype=pl.Int64))
    grid = pl.concat([start, ways.select("asset", "time_ms"), bridged]).unique().with_row_index("row")
    grid = grid.with_columns(exchange=pl.lit(None, dtype=pl.String))
    found = grid.join(unit_values(grid, prices, valuation), on="row").sort("asset", "time_ms")
    changed = (pl.col("value") != pl.col("value").shift().over("asset")) | pl.col("value").shift().over(
        "asset"
    ).is_null()
    found = found.filter(changed)
    grown = pl.col("value").shift().over("asset") * pl.col("time_ms").diff().over("asset")
    return found.select(
        "asset",
        "time_ms",
        pl.col("value").alias("mark"),
        grown.fill_null(0.0).cum_sum().over("asset").alias("mark_time"),
        "source",
    )
