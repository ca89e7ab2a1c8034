"""The desk of the benchmark: seeded fills of two hundred assets on four accounts, with what every reader of them needs.

How often an asset trades follows Zipf. Every market is bought and sold back in blocks, so that lots come and go for as
long as the data lasts: four fifths spot for cash, some crosses (bitcoin is the quote, its lots are relieved too), the
rest linear contracts that swing through zero, short and long. Instants are unique, so nothing hangs on a tie.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from monitor.clock import DAY, Window, parse_instant
from monitor.schema import FILLS, MOVEMENTS, PRICES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Integers = NDArray[np.int64]
    Numbers = NDArray[np.float64]

SEED = 7
ASSETS, ACCOUNTS, DAYS = 200, 4, 365
START = parse_instant("2025-01-01")
SPAN = Window(START, START + DAYS * DAY)
NAMES = ("BTC", "ETH", *(f"A{number:03}" for number in range(2, ASSETS)))
SPOT, CROSS, LINEAR = 0, 1, 2
SHARES = (0.80, 0.05, 0.15)
# Assets with crosses: dear enough for a price in bitcoin of few decimals, as venues quote them.
CROSSED = 20
BLOCK = 5
TYPICAL_VALUE = 1000.0
FEE_RATE = 0.001
CROSS_DECIMALS = 8


@dataclass(frozen=True, eq=False)
class Desk:
    """The ledger as frames with the columns of monitor.schema, and `flat`: the same fills as plain numbers.

    `flat` has time, asset, market (SPOT, CROSS, LINEAR), sign (1 bought, -1 sold), amount, price, fee, rate: the
    reporting currency's value of one unit of the quote asset, as the stored prices have it.
    """

    fills: pl.DataFrame
    movements: pl.DataFrame
    prices: pl.DataFrame
    flat: dict[str, NDArray[np.generic]]

    def __len__(self) -> int:
        """Return the number of fills."""
        return self.fills.height

    @property
    def size(self) -> int:
        """Return the bytes of the three frames."""
        return int(sum(frame.estimated_size() for frame in (self.fills, self.movements, self.prices)))


@dataclass(frozen=True, slots=True)
class _Walk:
    """Daily closes of every asset as whole numbers of `decimals` places; the first column is the first midnight."""

    closes: Integers
    decimals: Integers
    amount_decimals: Integers

    @property
    def values(self) -> Numbers:
        return self.closes / 10.0 ** self.decimals[:, None]


def make(count: int, seed: int = SEED) -> Desk:
    """Return a desk of `count` fills, always the same for a seed."""
    rng = np.random.default_rng(seed)
    walk = _walk(rng)
    known = _drawn(rng, count - ACCOUNTS)
    amount, sign = _amounts(rng, known, walk)
    day = (known["time"] - START) // DAY
    close = walk.values[known["asset"], day]
    noise = 1 + 0.002 * rng.standard_normal(len(day))
    bitcoin = walk.values[0, day]
    cross = known["market"] == CROSS
    decimals = np.where(cross, CROSS_DECIMALS, walk.decimals[known["asset"]])
    price = np.maximum(np.rint(np.where(cross, close / bitcoin, close) * noise * 10.0**decimals), 1).astype(np.int64)
    amount_decimals = walk.amount_decimals[known["asset"]]
    value = amount / 10.0**amount_decimals * close
    fee = np.where(cross, 0, np.maximum(np.rint(100 * FEE_RATE * value), 1)).astype(np.int64)
    rows = {
        **known,
        "sign": sign,
        "amount": amount,
        "amount_decimals": amount_decimals,
        "price": price,
        "price_decimals": decimals,
        "fee": fee,
        "rate": np.where(cross, bitcoin, 1.0),
    }
    rows = {name: np.concatenate([opened, rows[name]]) for name, opened in _openings(rows, walk).items()}
    return Desk(_fills(rows), pl.DataFrame(schema=_types(MOVEMENTS)), _prices(walk), _flat(rows))


def _types(columns: dict[str, str]) -> dict[str, type[pl.DataType]]:
    return {name: getattr(pl, kind) for name, kind in columns.items()}


def _walk(rng: np.random.Generator) -> _Walk:
    first = 10 ** rng.uniform(-2, 2, ASSETS)
    first[:CROSSED] = 10 ** rng.uniform(0.5, 2, CROSSED)
    first[:2] = 60_000, 3_000
    steps = np.exp(0.02 * rng.standard_normal((ASSETS, DAYS)))
    steps[:, 0] = 1
    values = first[:, None] * np.cumprod(steps, axis=1)
    decimals = np.clip(5 - np.floor(np.log10(first)), 1, 8).astype(np.int64)
    closes = np.maximum(np.rint(values * 10.0 ** decimals[:, None]), 1).astype(np.int64)
    return _Walk(closes, decimals, np.clip(np.rint(np.log10(first)) + 2, 0, 8).astype(np.int64))


def _drawn(rng: np.random.Generator, count: int) -> dict[str, Integers]:
    """Return which asset, market and account each fill has, and when it was."""
    zipf = 1 / np.arange(1, ASSETS + 1)
    asset = rng.choice(ASSETS, count, p=zipf / zipf.sum())
    market = rng.choice(3, count, p=SHARES)
    market[(market == CROSS) & ((asset == 0) | (asset >= CROSSED))] = SPOT
    # Sorted draws plus their place: no two are the same. The first millisecond of each account is its opening's.
    time = START + ACCOUNTS + np.sort(rng.integers(0, DAYS * DAY - count - ACCOUNTS, count)) + np.arange(count)
    return {"asset": asset, "market": market, "account": rng.integers(0, ACCOUNTS, count), "time": time}


def _amounts(rng: np.random.Generator, known: dict[str, Integers], walk: _Walk) -> tuple[Integers, Integers]:
    """Return amounts (whole numbers of the asset's places) and sides: a block bought, then nearly all of it sold.

    Linear markets begin half a block short and sell all of what they bought: the position swings through zero.
    """
    asset, market = known["asset"], known["market"]
    group = (market * ACCOUNTS + known["account"]) * ASSETS + asset
    order = np.argsort(group, kind="stable")
    sorted_group = group[order]
    begins = np.flatnonzero(np.insert(sorted_group[1:] != sorted_group[:-1], 0, values=True))
    place = np.arange(len(order)) - np.repeat(begins, np.diff(np.append(begins, len(order))))
    typical = (TYPICAL_VALUE / walk.values[:, 0] * 10.0**walk.amount_decimals)[asset[order]]
    drawn = np.maximum(np.rint(typical * rng.lognormal(0, 0.7, len(order))), 1).astype(np.int64)
    sells = (place // BLOCK) % 2 == 1
    linear = market[order] == LINEAR
    partner = np.where(sells, np.arange(len(order)) - BLOCK, np.arange(len(order)))
    kept = np.where(linear, drawn[partner], np.maximum(drawn[partner] * 99 // 100, 1))
    amount = np.where(sells, kept, drawn)
    first = linear & (place == 0)
    amount[first] = np.rint(BLOCK / 2 * typical[first]).astype(np.int64) + 1
    unsorted = np.empty_like(order)
    unsorted[order] = np.arange(len(order))
    return amount[unsorted], np.where(sells | first, -1, 1)[unsorted]


def _openings(rows: dict[str, NDArray[np.generic]], walk: _Walk) -> dict[str, NDArray[np.generic]]:
    """Return one purchase of bitcoin for each account, as much as its crosses will ever be short of."""
    amount = rows["amount"] / 10.0 ** rows["amount_decimals"]
    price = rows["price"] / 10.0 ** rows["price_decimals"]
    own = np.where((rows["asset"] == 0) & (rows["market"] == SPOT), amount * rows["sign"], 0.0)
    moved = np.where(rows["market"] == CROSS, -amount * price * rows["sign"], own)
    short = [-min(0.0, float(np.cumsum(moved[rows["account"] == one]).min(initial=0))) for one in range(ACCOUNTS)]
    places = int(walk.amount_decimals[0])
    whole = np.array([int(one * 1.01 * 10**places) + 10**places for one in short])
    return {
        "asset": np.zeros(ACCOUNTS, np.int64),
        "market": np.full(ACCOUNTS, SPOT),
        "account": np.arange(ACCOUNTS),
        "time": START + np.arange(ACCOUNTS),
        "sign": np.ones(ACCOUNTS, np.int64),
        "amount": whole,
        "amount_decimals": np.full(ACCOUNTS, places),
        "price": np.full(ACCOUNTS, walk.closes[0, 0]),
        "price_decimals": np.full(ACCOUNTS, walk.decimals[0]),
        "fee": np.full(ACCOUNTS, 100),
        "rate": np.ones(ACCOUNTS),
    }


def _decimal(whole: str, places: str) -> pl.Expr:
    """Return a whole number of some decimal places as plain text."""
    scale = pl.lit(10, pl.Int64).pow(pl.col(places))
    text = (pl.col(whole) // scale).cast(pl.String) + "." + (pl.col(whole) % scale).cast(pl.String).str.zfill(places)
    return text.str.strip_chars_end("0").str.strip_chars_end(".")


def _fills(rows: dict[str, NDArray[np.generic]]) -> pl.DataFrame:
    """Return the fills as the ledger has them."""
    cross, linear = pl.col("market") == CROSS, pl.col("market") == LINEAR
    quote = pl.when(cross).then(pl.lit("BTC")).when(linear).then(pl.lit("USDT")).otherwise(pl.lit("USD"))
    settle = pl.when(linear).then(pl.lit("USDT"))
    base = pl.col("asset").replace_strict(dict(enumerate(NAMES)), return_dtype=pl.String)
    made = pl.DataFrame(rows).with_row_index("id", offset=1).with_columns(base=base, quote=quote, settle=settle)
    fee, pair = _decimal("fee", "cents"), pl.col("base") + "/" + pl.col("quote")
    return made.with_columns(
        account=pl.lit("desk-") + pl.col("account").cast(pl.String),
        exchange=pl.lit("file"),
        key=pl.col("id").cast(pl.String),
        time_ms="time",
        sequence="id",
        book=pl.when(linear).then(pl.lit("linear")).otherwise(pl.lit("spot")),
        kind=pl.lit("trade"),
        symbol=pl.when(linear).then(pair + ":USDT").otherwise(pair),
        side=pl.when(pl.col("sign") > 0).then(pl.lit("buy")).otherwise(pl.lit("sell")),
        amount=_decimal("amount", "amount_decimals"),
        price=_decimal("price", "price_decimals"),
        cost=pl.lit(None, pl.String),
        contract_size=pl.when(linear).then(pl.lit("1")),
        inverse=pl.lit(0),
        cents=pl.lit(2),
    ).select(
        *(pl.col(name).cast(getattr(pl, kind)) for name, kind in FILLS.items() if name != "fees"),
        fees=pl.when(cross).then(pl.lit("[]")).otherwise(pl.format('[["{}","{}"]]', "quote", fee)),
    )


def _prices(walk: _Walk) -> pl.DataFrame:
    assets, days = walk.closes.shape
    return (
        pl.DataFrame(
            {
                "base": np.repeat(np.array(NAMES), days),
                "time_ms": np.tile(START + np.arange(days) * DAY, assets),
                "close": walk.closes.ravel(),
                "places": np.repeat(walk.decimals, days),
            }
        )
        .with_columns(
            quote=pl.lit("USD"), exchange=pl.lit("file"), price=_decimal("close", "places"), source=pl.lit("file")
        )
        .select(pl.col(name).cast(getattr(pl, kind)) for name, kind in PRICES.items())
    )


def _flat(rows: dict[str, NDArray[np.generic]]) -> dict[str, NDArray[np.generic]]:
    return {
        **{name: rows[name] for name in ("time", "asset", "market", "sign", "rate")},
        "amount": rows["amount"] / 10.0 ** rows["amount_decimals"],
        "price": rows["price"] / 10.0 ** rows["price_decimals"],
        "fee": rows["fee"] / 100.0,
    }


def write_files(desk: Desk, folder: Path) -> tuple[Path, Path]:
    """Write the desk as an events file and a prices file, and return their paths."""
    events, prices = folder / "events.csv", folder / "prices.csv"
    fee = pl.col("fees").str.extract_groups(r'\["([^"]*)","([^"]*)"\]')
    desk.fills.select(
        time="time_ms",
        account="account",
        kind="kind",
        symbol="symbol",
        side="side",
        amount="amount",
        price="price",
        fee=fee.struct.field("2"),
        fee_asset=fee.struct.field("1"),
        id="key",
        book="book",
        contract_size="contract_size",
    ).write_csv(events)
    desk.prices.select(time="time_ms", asset="base", price="price").write_csv(prices)
    return events, prices
