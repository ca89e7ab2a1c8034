"""From the ledger to legs: one row for each thing that changes the lots of one asset in one book of one account.

A spot fill moves its base and, unless that is cash, its quote; a contract moves its own book alone. Fees follow the
asset they are paid in:

| fee in | effect |
|---|---|
| base (spot) | a purchase acquires less, a sale gives up more, at the same value |
| quote | into the basis of a purchase, off the proceeds of a sale; what moves of a quote that is no cash is net of it |
| other cash | none: it has no lots |
| anything else | a leg of its own in the spot book: relieves lots as fee basis |

A rebate, a negative fee, is netted likewise in the quote and is a lot at the mark in any other asset that is no cash.
The value of a leg is found later: here it is only said what it is the value of (`worth` units of `worth_asset`, or,
where that has no price, `other_worth` units of `other_asset`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from monitor.exact import plain
from monitor.turnover.amounts import DIGITS, Amount, either, plus, read, signed, stored, times
from monitor.turnover.arrays import FEE, GAIN, TRADE
from monitor.turnover.chains import levels
from monitor.turnover.movement_legs import COMES_IN, GOES_OUT, movement_legs
from monitor.turnover.wide_legs import wide_base, wide_fee, wide_quote, widened

if TYPE_CHECKING:
    from monitor.records import Valuation
    from monitor.turnover.wide_legs import Wide

LEGS: dict[str, pl.DataType] = {
    "account": pl.String(),
    "owner": pl.String(),
    "exchange": pl.String(),
    "asset": pl.String(),
    "book": pl.String(),
    "time_ms": pl.Int64(),
    "phase": pl.Int8(),
    "sequence": pl.Int64(),
    "key": pl.String(),
    "role": pl.Int32(),
    "kind": pl.String(),
    "action": pl.Int8(),
    "units": pl.Float64(),
    "mantissa": pl.Int64(),
    "decimals": pl.Int64(),
    "wide": pl.String(),
    "worth_asset": pl.String(),
    "worth": pl.Float64(),
    "gross": pl.Float64(),
    "traded": pl.Float64(),
    "other_asset": pl.String(),
    "other_worth": pl.Float64(),
    "other_gross": pl.Float64(),
    "given": pl.Float64(),
    "price": pl.Float64(),
    "estimated": pl.Boolean(),
    "cross": pl.Boolean(),
    "local": pl.Boolean(),
    "fill": pl.Int64(),
    "movement": pl.Int64(),
}
# Who was first at one instant in one place; the account and the ledger tell apart what venues number alike. It is the
# account whose row it was: what arrives from another one comes after it was sent, whatever the names are.
ORDER = ("time_ms", "phase", "exchange", "sequence", "key", "owner", "movement", "role")
COINS = ("spot", "margin")
BASE_ROLE, QUOTE_ROLE, FEE_ROLE = 0, 1, 2


def legs(fills: pl.DataFrame, movements: pl.DataFrame, valuation: Valuation) -> pl.DataFrame:
    """Return the legs of fills (schema.FILLS) and movements (schema.MOVEMENTS), in no particular order.

    Columns are those of LEGS: `units` is the signed quantity as float64, `mantissa` / 10 ** `decimals` the exact one
    (`wide` its text where no int64 holds it), `traded` its size before fees, `local` legs are of scope account only.
    """
    cash = sorted(valuation.cash | {valuation.currency})
    facts = _facts(fills, cash)
    moved = list(movements.iter_rows(named=True))
    level = levels(moved)
    rows = [leg for row in moved for leg in movement_legs(row, valuation, level.get(row["id"], 0))]
    frames = [_base_legs(facts.trades, cash), _quote_legs(facts.trades, cash), _fee_legs(facts.fees)]
    frames = [*frames, pl.DataFrame(rows, schema=LEGS)]
    return pl.concat([_complete(frame) for frame in frames]).filter(pl.col("units") != 0)


def _complete(frame: pl.DataFrame) -> pl.DataFrame:
    """Fill in what a kind of leg leaves open."""
    defaults = {"estimated": False, "cross": False, "local": False}
    missing = [pl.lit(defaults.get(name), dtype=kind).alias(name) for name, kind in LEGS.items()]
    known = [pl.col(name).cast(kind) for name, kind in LEGS.items() if name in frame.columns]
    frame = frame.select(*known, *(one for one in missing if one.meta.output_name() not in frame.columns)).select(*LEGS)
    frame = frame.with_columns(pl.col(name).fill_null(value) for name, value in defaults.items())
    return frame.with_columns(owner=pl.coalesce("owner", "account"))


class Facts(NamedTuple):
    """Fills with their amounts read and what their fees do to them, and the fees that are legs of their own."""

    trades: pl.DataFrame
    fees: pl.DataFrame


def _facts(fills: pl.DataFrame, cash: list[str]) -> Facts:
    """Read the fills' amounts and sort their fees."""
    is_coin = pl.col("book").is_in(COINS)
    fills = fills.with_row_index("row").with_columns(
        is_coin=is_coin,
        side_sign=pl.when(pl.col("side") == "buy").then(1).otherwise(-1).cast(pl.Int64),
        size=pl.when(is_coin).then(None).otherwise(pl.col("contract_size")).fill_null("1"),
        # a contract is worth, and charged, in what it settles in; its quote only names the price
        money=pl.when(pl.col("book") == "option").then(pl.coalesce("settle", "quote")).otherwise("quote"),
    )
    fees = _fees(fills)
    fee, in_quote = pl.col("fee_asset"), pl.col("fee_asset") == pl.col("money")
    of_base = pl.col("is_coin") & (fee == pl.col("base")) & (pl.col("fee_near") > 0)
    settled = (
        ~pl.col("is_coin") & fee.is_in(cash) & (in_quote | (fee == pl.col("settle"))) & (pl.col("book") != "inverse")
    )
    of_quote = (pl.col("is_coin") & in_quote) | settled
    fees = fees.with_columns(of_base=of_base, of_quote=of_quote.fill_null(value=False))
    trades = fills.with_columns(
        *read("amount").named("amount"), *read("price").named("price"), *read("size").named("size"),
        *read("cost").named("cost"),
    )  # fmt: skip
    for name in ("of_base", "of_quote"):
        trades = trades.join(_summed(fees.filter(name), name), on="row", how="left", maintain_order="left")
    return Facts(trades, fees.filter(~pl.col("of_base") & ~pl.col("of_quote") & ~fee.is_in(cash)))


def _fees(fills: pl.DataFrame) -> pl.DataFrame:
    """Return one row for each fee: the JSON text [["BNB","0.1"],["BTC","-0.2"]] cut at its quotes."""
    used = (
        "row",
        "is_coin",
        "base",
        "money",
        "settle",
        "id",
        "account",
        "exchange",
        "key",
        "time_ms",
        "sequence",
        "book",
    )
    paid = fills.filter(pl.col("fees").str.len_bytes() > len("[]")).select(*used, "fees")
    inner = pl.col("fees").str.strip_prefix('[["').str.strip_suffix('"]]')
    gap = inner.str.find('","', literal=True)
    # most fills have one fee: cut in two, without a list
    alone = pl.col("fees").str.ends_with('"]]') & gap.is_not_null() & ~inner.str.contains("[", literal=True)
    single = paid.filter(alone.fill_null(value=False)).with_columns(
        fee_asset=inner.str.slice(0, gap), fee=inner.str.slice(gap + len('","')), place=pl.lit(0, dtype=pl.Int64)
    )
    words = pl.col("fees").str.split('"')
    several = paid.filter(~alone.fill_null(value=False)).with_columns(
        fee_asset=words.list.gather_every(4, 1), fee=words.list.gather_every(4, 3)
    )
    several = several.with_columns(place=pl.int_ranges(pl.col("fee").list.len())).explode("fee_asset", "fee", "place")
    every = pl.concat([single, several]).with_columns(read("fee").named("fee"))
    return every.filter(pl.col("fee_near") != 0).drop("fees")


def _summed(fees: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the fees of each fill as one exact amount: `name`_near, _mantissa, _decimals and the text `name`."""
    columns = [f"{name}_{part}" for part in ("near", "mantissa", "decimals")]
    single = fees.filter(pl.col("row").is_unique()).select("row", pl.col("fee").alias(name), *stored("fee").named(name))
    several = fees.filter(pl.col("row").is_duplicated())
    totals: dict[int, Decimal] = {}
    for row, text in several.select("row", "fee").iter_rows():
        totals[row] = DIGITS.add(totals.get(row, Decimal(0)), Decimal(text))
    schema = {"row": pl.UInt32, name: pl.String}
    added = pl.DataFrame([(row, plain(total)) for row, total in totals.items()], schema=schema, orient="row")
    return pl.concat([single, added.with_columns(read(name).named(name)).select("row", name, *columns)])


def _fee_of(name: str) -> Amount:
    fee = stored(name)
    return Amount(
        fee.near.fill_null(0.0), pl.when(fee.near.is_null()).then(0).otherwise(fee.mantissa), fee.decimals.fill_null(0)
    )


def _base_legs(trades: pl.DataFrame, cash: list[str]) -> pl.DataFrame:
    """Return what each fill does to its base, or to the contract's own book."""
    sign, amount, size = pl.col("side_sign"), stored("amount"), stored("size")
    coins = plus(signed(amount, sign), signed(_fee_of("of_base"), pl.lit(-1)))
    quantity = either(pl.col("is_coin"), coins, signed(times(amount, size), sign))
    units, inverse = amount.near * size.near, pl.col("inverse") == 1
    frame = trades.filter(~pl.col("is_coin") | ~pl.col("base").is_in(cash)).with_columns(_net(), units=units)
    frame = frame.with_columns(
        # options are kinds of their own: a call is no put
        asset=pl.when(pl.col("book") == "option").then("symbol").otherwise("base"),
        worth=pl.when(inverse).then("units").otherwise("net_near"),
        gross=pl.when(inverse).then("units").otherwise(pl.col("units") * pl.col("price_near")),
        traded="units",
        price=pl.when(inverse).then("price_near"),
        role=BASE_ROLE,
        units=quantity.near,
        mantissa=quantity.mantissa,
        decimals=quantity.decimals,
    )
    return _finished(frame, wide_base)


def _net() -> list[pl.Expr]:
    """Return what changed hands in quote, quote fees netted: cost + fee of a purchase, cost - fee of a sale."""
    fee = signed(_fee_of("of_quote"), pl.col("side_sign"))
    product = times(times(stored("amount"), stored("size")), stored("price"))
    cost = either(pl.col("is_coin") & pl.col("cost_near").is_not_null(), stored("cost"), product)
    return [*plus(cost, fee).named("net"), cost.near.alias("before_fee")]


def _quote_legs(trades: pl.DataFrame, cash: list[str]) -> pl.DataFrame:
    """Return what each fill does to a quote that is no cash: the other side of a cross."""
    frame = trades.filter(pl.col("is_coin") & ~pl.col("quote").is_in(cash)).with_columns(_net())
    quantity = signed(stored("net"), -pl.col("side_sign"))
    frame = frame.with_columns(
        asset=pl.col("quote"),
        worth=pl.col("net_near"),
        gross=pl.col("amount_near") * pl.col("price_near"),
        traded=pl.col("amount_near") * pl.col("price_near"),
        price_text=pl.col("price"),
        price=pl.lit(None, dtype=pl.Float64),
        role=QUOTE_ROLE,
        # without a base leg nothing is counted twice
        cross=~pl.col("base").is_in(cash),
        units=quantity.near,
        mantissa=quantity.mantissa,
        decimals=quantity.decimals,
    )
    return _finished(frame, wide_quote)


def _finished(frame: pl.DataFrame, wide: Wide) -> pl.DataFrame:
    """Add what trade legs have in common."""
    share = pl.col("net_near") / pl.col("before_fee")
    frame = frame.with_columns(
        phase=pl.when((pl.col("book") != "spot") | (pl.col("units") > 0)).then(COMES_IN).otherwise(GOES_OUT),
        action=TRADE,
        worth_asset=pl.col("money"),
        other_asset=pl.when("is_coin").then("base"),
        other_worth=pl.col("amount_near") * share,
        other_gross=pl.col("amount_near"),
        fill=pl.col("id"),
    )
    return widened(frame, wide)


def _fee_legs(fees: pl.DataFrame) -> pl.DataFrame:
    """Return the legs of fees and rebates that are neither in the fill's base or quote nor in cash."""
    quantity, spot = signed(stored("fee"), pl.lit(-1)), ~pl.col("is_coin") | (pl.col("fee_asset") != pl.col("base"))
    gain = pl.col("fee_near") < 0
    frame = fees.with_columns(
        asset=pl.col("fee_asset"),
        book=pl.when(spot).then(pl.lit("spot")).otherwise("book"),
        role=FEE_ROLE + pl.col("place"),
        kind=pl.when(gain).then(pl.lit("rebate")).otherwise(pl.lit("fee")),
        action=pl.when(gain).then(GAIN).otherwise(FEE),
        worth_asset=pl.when(gain | ~spot).then("fee_asset"),
        worth=pl.col("fee_near").abs(),
        gross=pl.col("fee_near").abs(),
        traded=pl.col("fee_near").abs(),
        price=pl.lit(None, dtype=pl.Float64),
        units=quantity.near,
        mantissa=quantity.mantissa,
        decimals=quantity.decimals,
        fill=pl.col("id"),
    )
    in_spot = (pl.col("book") == "spot") & ~gain
    return widened(frame.with_columns(phase=pl.when(in_spot).then(GOES_OUT).otherwise(COMES_IN)), wide_fee)
