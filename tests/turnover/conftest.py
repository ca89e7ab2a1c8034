"""A ledger written down as small tables, computed by the fast path and by the exact one."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import polars as pl
import pytest

from monitor.records import Valuation
from monitor.schema import FILLS, MOVEMENTS, PRICES, SUMS, Columns, unpacked
from monitor.turnover.exact_book import ExactBook
from monitor.turnover.track import PoolKey, recompute

if TYPE_CHECKING:
    from collections.abc import Collection

    from monitor.turnover.results import PoolFrames
    from monitor.turnover.track import Tracks

Row = dict[str, object]
DAY = 86_400_000
BLANK_FILL: Row = {"account": "main", "exchange": "kraken", "book": "spot", "kind": "trade", "inverse": 0}
BLANK_MOVE: Row = {"account": "main", "exchange": "kraken", "book": "spot", "status": "ok", "is_matched_deposit": 0}


def frame(rows: list[Row], columns: Columns) -> pl.DataFrame:
    """Return rows as the store gives them."""
    schema = {name: getattr(pl, kind) for name, kind in columns.items()}
    return pl.DataFrame([[row.get(name) for name in columns] for row in rows], schema=schema, orient="row")


def opened(track: pl.DataFrame) -> pl.DataFrame:
    """Return a track with a column for each of its sums."""
    sums = pl.DataFrame([*map(unpacked, track["sums"])], schema=dict.fromkeys(SUMS, pl.Float64), orient="row")
    return pl.concat([track.drop("sums"), sums], how="horizontal")


@dataclass
class Desk:
    """Fills, movements and prices; times in days, amounts as text."""

    valuation: Valuation = field(default_factory=Valuation)
    fills: list[Row] = field(default_factory=list)
    movements: list[Row] = field(default_factory=list)
    prices: list[Row] = field(default_factory=list)

    def fill(self, day: float, side: str, amount: str, symbol: str, price: str, **more: object) -> None:
        """Add a fill; `fees` as [(asset, amount)]."""
        base, quote = symbol.split(":", maxsplit=1)[0].split("/")
        fees = json.dumps(more.pop("fees", []))
        number = len(self.fills) + 1
        row = {"id": number, "key": str(number), "sequence": number, "time_ms": round(day * DAY), "side": side}
        row |= {"amount": amount, "price": price, "symbol": symbol, "base": base, "quote": quote, "fees": fees}
        self.fills.append(BLANK_FILL | row | more)

    def move(self, day: float, kind: str, amount: str, asset: str, **more: object) -> None:
        """Add a movement."""
        fees = json.dumps(more.pop("fees", []))
        number = len(self.movements) + 1
        row = {"id": number, "key": f"m{number}", "time_ms": round(day * DAY), "kind": kind, "asset": asset}
        self.movements.append(BLANK_MOVE | row | {"amount": amount, "fees": fees} | more)

    def price(self, day: float, pair: str, price: str, exchange: str = "kraken", source: str = "candle") -> None:
        """Add a price, known from `day` on."""
        base, quote = pair.split("/")
        row = {"base": base, "quote": quote, "time_ms": round(day * DAY), "exchange": exchange}
        self.prices.append(row | {"price": price, "source": source})

    def frames(self) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
        """Return fills, movements and prices as the store gives them."""
        return frame(self.fills, FILLS), frame(self.movements, MOVEMENTS), frame(self.prices, PRICES)

    def valued(self, method: str) -> Valuation:
        """Return the valuation with a costing method."""
        return replace(self.valuation, method=method)

    def tracks(self, method: str = "fifo", assets: Collection[str] | None = None) -> Tracks:
        """Compute by the fast path."""
        return recompute(*self.frames(), self.valued(method), assets=assets)

    def exact(self, method: str = "fifo", scope: str = "portfolio") -> ExactBook:
        """Compute in exact fractions."""
        empty: Row = dict.fromkeys(MOVEMENTS)
        fills = [dict.fromkeys(FILLS) | row for row in self.fills]
        movements = [empty | row for row in self.movements]
        return ExactBook(fills, movements, self.prices, self.valued(method), scope)

    def pool(self, asset: str, *, method: str = "fifo", account: str = "", book: str = "spot") -> PoolFrames:
        """Return the frames of one pool."""
        scope = "account" if account else "portfolio"
        return self.tracks(method).pools[PoolKey(scope, account, asset, book, method)]

    def last(self, asset: str, *, method: str = "fifo", account: str = "", book: str = "spot") -> dict[str, float]:
        """Return the last row of a pool's track, quantities as float."""
        row = opened(self.pool(asset, method=method, account=account, book=book).track).row(-1, named=True)
        return {name: float(value) for name, value in row.items()}


def close(one: float, other: Fraction | float, scale: Fraction | float = 0) -> bool:
    """Tell whether two numbers agree within 1e-9, relative to the greater of `other` and `scale`."""
    return abs(Fraction(one) - Fraction(other)) <= Fraction(1, 10**9) * max(abs(Fraction(other)), abs(Fraction(scale)))


@pytest.fixture
def desk() -> Desk:
    """Give an empty desk that reports in USD."""
    return Desk()


@pytest.fixture(scope="module")
def empty() -> Desk:
    """Give a desk to write fresh ones from: one for all examples of a property."""
    return Desk()
