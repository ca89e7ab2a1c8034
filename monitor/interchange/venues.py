"""What symbols and accounts say of the rows they stand in: assets, book, exchange, the venue's own market id."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from monitor.interchange.columns import FILL_KINDS
from monitor.interchange.symbols import Market, read_market

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FILE = "file"
# What a fill is told by when the database is asked for it.
CLAIM = (
    "key", "time_ms", "book", "market", "symbol", "side", "amount_exact", "price_exact", "fees", "trade_id", "order_id",
)  # fmt: skip
MARKET_TYPES = {
    "symbol": pl.String,
    "book": pl.String,
    "base": pl.String,
    "quote": pl.String,
    "settle": pl.String,
    "family": pl.String,
    "inverse": pl.Int64,
    "symbol_reason": pl.String,
}


@dataclass(frozen=True, slots=True)
class Venues:
    """What the database knows of accounts that are read from an exchange; a file may bring their rows too.

    `exchanges` maps an account to its ccxt id, `markets` an (exchange, symbol) to the venue's own market id.
    `stored_keys` finds, for fills of an account told as rows of `CLAIM` and the grain of their times in ms, the keys of
    those that the database has already: an export often lacks the order id, or all ids, and has coarser times.
    """

    exchanges: Mapping[str, str] = field(default_factory=dict)
    markets: Mapping[tuple[str, str], str] = field(default_factory=dict)
    stored_keys: Callable[[str, Sequence[tuple[object, ...]], int], Mapping[str, str]] = lambda *_: {}


def with_markets(frame: pl.DataFrame) -> pl.DataFrame:
    """Add what the symbol says: base, quote, settle, inverse, the book where none is given, a convert's two assets."""
    is_fill, is_convert = pl.col("kind").is_in(FILL_KINDS), pl.col("kind") == "convert"
    named = frame.filter((is_fill | is_convert) & pl.col("symbol").is_not_null()).select("symbol", "book").unique()
    found = [_market_row(symbol, book) for symbol, book in named.iter_rows()]
    markets = pl.DataFrame(found, schema=MARKET_TYPES, orient="row")
    frame = frame.join(markets, on=["symbol", "book"], how="left", nulls_equal=True, maintain_order="left")
    old = pl.when(is_convert).then(pl.coalesce("asset", "base")).otherwise("asset")
    no_market = pl.when(is_fill | is_convert).then("symbol_reason")
    other = pl.when(is_convert & (pl.col("asset") != pl.col("base"))).then(
        pl.format("asset '{}' is not the first of symbol '{}'", "asset", "symbol")
    )
    book = pl.coalesce(pl.when(is_fill).then("family"), "book", pl.lit("spot"))
    return frame.with_columns(
        asset=old,
        symbol_reason=pl.coalesce(no_market, other),
        book=book,
        to_asset=pl.when(is_convert).then("quote"),
    )


def _market_row(symbol: str, book: str | None) -> tuple[str | int | None, ...]:
    """Return one symbol's row of `MARKET_TYPES`."""
    market = read_market(symbol, book)
    if isinstance(market, Market):
        return (symbol, book, market.base, market.quote, market.settle, market.book, int(market.inverse), None)
    return (symbol, book, None, None, None, None, None, market)


def with_exchanges(frame: pl.DataFrame, venues: Venues) -> pl.DataFrame:
    """Add `exchange` and `market`: the venue's own where the account is known, else the file and the symbol."""
    own = {account: exchange for account, exchange in venues.exchanges.items() if exchange != FILE}
    exchange = pl.lit(FILE)
    if own:
        exchange = pl.col("account").replace_strict(own, default=FILE, return_dtype=pl.String)
    frame = frame.with_columns(exchange=exchange)
    if not own or not venues.markets:
        return frame.with_columns(market="symbol")
    known = pl.DataFrame(
        [(*pair, market) for pair, market in venues.markets.items()],
        schema={"exchange": pl.String, "symbol": pl.String, "market": pl.String},
        orient="row",
    )
    frame = frame.join(known, on=["exchange", "symbol"], how="left", maintain_order="left")
    return frame.with_columns(market=pl.coalesce("market", "symbol"))
