"""An events file into ledger rows: every row is accepted, or rejected with its line and the reasons.

The rows come out as two frames that are the ledger's own tables column by column, ready to be stored in bulk: one
record object a row would cost more than everything else together.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import polars as pl

from monitor.interchange.batches import held, joined
from monitor.interchange.changes import read_ledger
from monitor.interchange.checks import NUMBERS, reasons
from monitor.interchange.columns import EVENT_COLUMNS, FILL_KINDS, NEEDED_COLUMNS, USED_BY
from monitor.interchange.fees import fee_lists
from monitor.interchange.identity import WHOLE_KEY, grain_of, keyed, named
from monitor.interchange.notes import notes, remarks
from monitor.interchange.sides import read_sides
from monitor.interchange.table import LINE, Rejected, read_parts
from monitor.interchange.translate import Source, read_fills, translated
from monitor.interchange.values import decimals, instants
from monitor.interchange.venues import FILE, Venues, with_exchanges, with_markets

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from monitor.interchange.table import Table

FILL_ROW = (
    "account", "exchange", "key", "time_ms", "sequence", "book", "kind", "market", "symbol", "base", "quote", "settle",
    "side", "amount", "price", "contract_size", "inverse", "fees", "trade_id", "order_id", "source",
)  # fmt: skip
MOVEMENT_ROW = (
    "account", "exchange", "key", "time_ms", "sequence", "kind", "book", "asset", "amount", "value", "fees",
    "to_account", "to_asset", "received", "source",
)  # fmt: skip

# Rows that are checked at a time.
SLICE = 250_000
# How an export of each shape is read.
SHAPES = {"fills": read_fills, "sides": read_sides, "ledger": read_ledger}


@dataclass(frozen=True, slots=True)
class Events:
    """What a file holds. `fills` and `movements` have the ledger's columns and `line`.

    `repeats` are lines that say again, with the same id, what an earlier line said. `notes` tell what was assumed.
    `grain` is how fine the fills' times are, in ms.
    """

    fills: pl.DataFrame
    movements: pl.DataFrame
    rejected: tuple[Rejected, ...] = ()
    repeats: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    grain: int = 1


def read_events(path: Path, venues: Venues | None = None, source: Source | None = None) -> Events:
    """Read an events file, CSV or Parquet, or another program's export.

    Raises:
        UsageError: there is no such file.
        ImportRejected: it is neither, or its columns are not those of an events file.
    """
    venues = venues or Venues()
    checked, told_first = _checked(path, venues, source)
    good = keyed(checked.frame, venues, ask_all=source is not None)
    rejected = [*checked.rejected, *_clashes(good)]
    rejected.sort(key=lambda row: row.line)
    repeats = tuple(good.filter("repeat")[LINE].to_list())
    kept = _those(good, ~(good["repeat"] | good["clash"]))
    is_fill = kept["kind"].is_in(FILL_KINDS)
    return Events(
        _rows(_those(kept, is_fill), (*FILL_ROW, "cost") if source else FILL_ROW),
        _rows(_those(kept, ~is_fill), MOVEMENT_ROW),
        tuple(replace(row, file=str(path)) for row in rejected),
        repeats,
        (*told_first, *checked.notes),
        grain_of(good),
    )


@dataclass(frozen=True, slots=True)
class _Checked:
    """The good rows of a file in `HELD` columns, the others, and what was assumed."""

    frame: pl.DataFrame
    rejected: tuple[Rejected, ...]
    notes: tuple[str, ...]


def _checked(path: Path, venues: Venues, source: Source | None) -> tuple[_Checked, tuple[str, ...]]:
    """Read and check a file slice by slice, and return the notes of an export's translation apart.

    What checking takes is several times what a row comes to: it is there for one slice at a time.
    """
    tables, told_first = _tables(path, source)
    rejected: list[Rejected] = []
    parts, told = [], []
    for table in tables:
        rejected += table.rejected
        for part in [*table.frame.iter_slices(SLICE)] or [table.frame]:
            frame = _parsed(part, venues)
            bad = frame["reason"].is_not_null()
            rejected += [Rejected(*row) for row in frame.filter(bad).select(LINE, "reason").iter_rows()]
            good = _those(frame, ~bad)
            told.append(remarks(good))
            parts.append(held(named(_settled(good))))
    return _Checked(joined(parts), tuple(rejected), notes(told)), told_first


def _tables(path: Path, source: Source | None) -> tuple[Iterable[Table], tuple[str, ...]]:
    """Return the parts of an events file, or another program's export as such a file and the notes about it."""
    if source is None:
        return read_parts(path, EVENT_COLUMNS, NEEDED_COLUMNS), ()
    table, told = translated(path, source, SHAPES[source.mapping.shape])
    return [table], told


def _those(frame: pl.DataFrame, wanted: pl.Series) -> pl.DataFrame:
    """Return the rows that are wanted; where all are, without a copy."""
    return frame if wanted.all() else frame.filter(wanted)


def _parsed(frame: pl.DataFrame, venues: Venues) -> pl.DataFrame:
    """Add the canonical values of every column, and `reason` where a row is no event."""
    frame = frame.with_columns(pl.col("kind", "side", "book").str.to_lowercase())
    frame = frame.with_columns(
        instants(frame["time"]).alias("time_ms"),
        *(decimals(frame[name]).alias(f"{name}_exact") for name in NUMBERS),
        *fee_lists(frame),
    )
    frame = with_exchanges(with_markets(frame), venues)
    return frame.with_columns(reasons(frame).alias("reason"))


def _clashes(frame: pl.DataFrame) -> list[Rejected]:
    """Return the rows that use the id of another event: one of the two would be lost."""
    clashing = frame.filter("clash")
    if clashing.is_empty():
        return []
    firsts = frame.filter(~pl.col("repeat") & ~pl.col("clash")).select("account", "key", first=LINE)
    pairs = clashing.join(firsts, on=["account", "key"], how="left", maintain_order="left")
    why = "id {!r} is that of line {}, which says something else; leave it empty if the venue gives none"
    return [
        Rejected(line, why.format(event, first)) for line, event, first in pairs.select(LINE, "id", "first").iter_rows()
    ]


def _settled(frame: pl.DataFrame) -> pl.DataFrame:
    """Apply what an empty field stands for and drop what does not apply, so that equal events are equal rows."""
    unused = {
        column: pl.col("kind").is_in(kinds)
        for column, kinds in USED_BY.items()
        if frame[column].null_count() < frame.height
    }
    names = {column: f"{column}_exact" if column in NUMBERS else column for column in unused}
    frame = frame.with_columns(
        pl.when(used).then(names[column]).alias(names[column]) for column, used in unused.items()
    )
    all_arrives = pl.when(pl.col("kind") == "transfer").then("amount_exact")
    contracts = pl.col("kind").is_in(FILL_KINDS) & ~pl.col("book").is_in(["spot", "margin"])
    size = pl.when(contracts).then(pl.coalesce("contract_size_exact", pl.lit("1")))
    return frame.with_columns(received_exact=pl.coalesce("received_exact", all_arrives), contract_size_exact=size)


def _rows(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Return the rows under the ledger's column names."""
    named = pl.col("id").str.strip_chars("0") != ""
    whole = pl.col("id").str.contains(WHOLE_KEY)
    # A whole key is the id of a row whose place among equals is not told by a number.
    told = pl.when(named & ~whole).then("id")
    return frame.with_columns(
        *(pl.col(f"{name}_exact").alias(name) for name in NUMBERS),
        sequence=pl.when(told.str.contains(r"^[0-9]{1,19}$")).then(told).cast(pl.Int64, strict=False),
        trade_id=told,
        source=pl.lit(FILE),
    ).select(LINE, *columns)
