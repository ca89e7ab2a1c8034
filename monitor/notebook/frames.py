"""Instants and lengths as a notebook writes them, and answers as polars frames: typed, exact, flat."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import polars as pl

from monitor.clock import DAY, parse_duration, parse_instant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from monitor.jobs.inventory import Held

Moment = str | int | datetime | None
Length = str | int | timedelta

TIME = pl.Datetime("ms", "UTC")
# What polars keeps of an exact decimal; longer ones stay text.
DIGITS = 38
POINTS: dict[str, pl.DataType] = {
    "asset": pl.String(),
    "book": pl.String(),
    "account": pl.String(),
    "time": pl.String(),
    "value": pl.Float64(),
    "status": pl.String(),
}
# Columns of the answer that are words; the rest are figures, also where every one of them is missing.
WORDS = frozenset({"account", "half_life_reason", "opening_quantity", "closing_quantity"})
FILLS = (*("id", "account", "exchange", "key", "time", "book", "kind", "symbol", "base", "quote", "settle", "side"),)
EXACT = ("amount", "price", "cost", "contract_size")
LOTS: dict[str, pl.DataType] = {
    "asset": pl.String(),
    "book": pl.String(),
    "account": pl.String(),
    "lot": pl.Int64(),
    "opened": TIME,
    "entered": TIME,
    "age": pl.Float64(),
    "quantity": pl.String(),
    "basis": pl.Float64(),
    "estimated": pl.Boolean(),
    "mark": pl.Float64(),
    "fill": pl.Int64(),
    "movement": pl.Int64(),
    "earned": pl.Float64(),
}


def instant(moment: Moment) -> int | None:
    """Return an instant in milliseconds UTC; a text that is none raises a UsageError."""
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - datetime.fromtimestamp(0, UTC)) // timedelta(milliseconds=1)
    return parse_instant(moment) if isinstance(moment, str) else moment


def milliseconds(length: Length) -> int:
    """Return a length of time in milliseconds; a text that is none raises a UsageError."""
    if isinstance(length, timedelta):
        return length // timedelta(milliseconds=1)
    return parse_duration(length) if isinstance(length, str) else length


def answer_frame(rows: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """Return rows of an answer, what is nested joined by an underscore."""
    frame = pl.DataFrame([dict(flat(row)) for row in rows], infer_schema_length=None)
    unknown = [name for name, kind in frame.schema.items() if kind == pl.Null]
    frame = frame.with_columns(pl.col(name).cast(pl.String if name in WORDS else pl.Float64) for name in unknown)
    times = {"freshness_fills_complete_until"} & set(frame.columns)
    exact = [name for name in ("opening_quantity", "closing_quantity") if name in frame.columns]
    return decimals(frame.with_columns(time(name) for name in times), exact)


def points_frame(lines: Iterable[Mapping[str, object]]) -> pl.DataFrame:
    """Return lines as one row a point."""
    rows = [
        (*(line[name] for name in ("asset", "book", "account")), point["time"], point["value"], point["status"])
        for line in lines
        for point in cast("list[Mapping[str, object]]", line["points"])
    ]
    return pl.DataFrame(rows, schema=POINTS, orient="row").with_columns(time("time"))


def lots_frame(found: Iterable[Held], end: int) -> pl.DataFrame:
    """Return the open lots of positions at an instant, at cost and at their marks."""
    rows = [row for held in found for row in lot_rows(held, end)]
    units = pl.col("quantity").cast(pl.Float64).abs()
    side = pl.when(pl.col("quantity").str.starts_with("-")).then(-1.0).otherwise(1.0)
    inverse = pl.col("book") == "inverse"
    frame = pl.DataFrame(rows, schema=LOTS, orient="row").with_columns(
        unit_basis=pl.col("basis") / units,
        market_value=pl.when(inverse).then(pl.col("basis")).otherwise(units * pl.col("mark")),
    )
    pnl = pl.when(inverse).then("earned").otherwise(side * (pl.col("market_value") - pl.col("basis")))
    return decimals(frame.with_columns(unrealised_pnl=pnl).drop("earned"), ["quantity"])


def fills_frame(chosen: pl.DataFrame) -> pl.DataFrame:
    """Return rows of the ledger's fills by time, typed, fees as lists."""
    fees = pl.col("fees").str.json_decode(pl.List(pl.List(pl.String)))
    told = chosen.sort("time_ms", "exchange", "sequence", "key").with_columns(
        pl.col("time_ms").cast(TIME).alias("time"),
        pl.col("inverse").cast(pl.Boolean),
        fees.list.eval(pl.struct(asset=pl.element().list.get(0), amount=pl.element().list.get(1))),
    )
    return decimals(told.select(*FILLS, *EXACT, "inverse", "fees"), EXACT)


def flat(row: Mapping[str, object], before: str = "") -> Iterable[tuple[str, object]]:
    """Yield (name, value) with nested names joined by an underscore."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from flat(value, f"{before}{name}_")
        else:
            yield before + name, value


def time(name: str) -> pl.Expr:
    """Return a column of ISO 8601 texts as instants."""
    return pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="ms", time_zone="UTC")


def lot_rows(held: Held, end: int) -> Iterable[tuple[object, ...]]:
    """Yield the lots of a position as rows of `LOTS`."""
    pool, mark = held.pool, held.mark.mark if held.mark else None
    earned = held.earned or [None] * len(held.lots)
    for lot, made in zip(held.lots, earned, strict=True):
        name = (pool.asset, pool.book, pool.account or None)
        since = (lot.lot, lot.opened, lot.entered, (end - lot.opened) / DAY)
        yield (*name, *since, lot.quantity, lot.basis, bool(lot.estimated), mark, lot.fill, lot.movement, made)


def decimals(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """Return a frame with columns of exact text as decimals of as many places as the longest has."""
    kept = []
    for name in names:
        text = frame[name].cast(pl.String)
        places = cast("int | None", text.str.extract(r"\.(\d+)$").str.len_chars().max()) or 0
        whole = cast("int | None", text.str.extract(r"^-?(\d+)").str.len_chars().max()) or 0
        kept.append(text.cast(pl.Decimal(DIGITS, places)) if whole + places <= DIGITS else text)
    return frame.with_columns(kept)
