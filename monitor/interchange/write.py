"""The ledger as an events file, CSV or Parquet by the file's ending: reading it back gives the same ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from monitor.errors import UsageError
from monitor.interchange.columns import EVENT_COLUMNS, PRICE_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

PARQUET = {".parquet", ".pq"}
FEES = pl.List(pl.List(pl.String))


def write_events(path: Path, pages: Iterable[Sequence[tuple[object, ...]]], fields: tuple[str, ...]) -> int:
    """Write pages of ledger rows, whose `fields` are an events file's but for `time_ms` and `fees`; return how many.

    Raises:
        UsageError: the file cannot be written.
    """
    types = {name: pl.Int64 if name == "time_ms" else pl.String for name in fields}
    frames = [_events(pl.DataFrame(page, schema=types, orient="row")) for page in pages]
    return _write(path, pl.concat(frames) if frames else pl.DataFrame(schema=dict.fromkeys(EVENT_COLUMNS, pl.String)))


def write_prices(path: Path, prices: Iterable[tuple[int, str, str]]) -> int:
    """Write (instant, asset, price) as a prices file; return how many.

    Raises:
        UsageError: the file cannot be written.
    """
    types = {"time_ms": pl.Int64, "asset": pl.String, "price": pl.String}
    frame = pl.DataFrame(list(prices), schema=types, orient="row")
    return _write(path, frame.with_columns(_iso()).select(PRICE_COLUMNS))


def _events(frame: pl.DataFrame) -> pl.DataFrame:
    """Return ledger rows in the columns of an events file."""
    fees = frame["fees"].str.json_decode(FEES)
    pairs = pl.DataFrame({"fees": fees}).with_columns(
        fee=pl.col("fees").list.eval(pl.element().list.get(1)).list.join(";"),
        fee_asset=pl.col("fees").list.eval(pl.element().list.get(0)).list.join(";"),
    )
    frame = frame.with_columns(
        _iso(), *(pl.when(pairs[name] != "").then(pairs[name]).alias(name) for name in ("fee", "fee_asset"))
    )
    return frame.select(EVENT_COLUMNS)


def _iso() -> pl.Expr:
    """Return the instants as ISO 8601 UTC with milliseconds."""
    return pl.from_epoch("time_ms", time_unit="ms").dt.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").alias("time")


def _write(path: Path, frame: pl.DataFrame) -> int:
    """Write a frame in the form the file's ending asks for."""
    try:
        with path.open("wb") as file:
            if path.suffix.lower() in PARQUET:
                frame.write_parquet(file)
            else:
                frame.write_csv(file)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written: {error.strerror}.", "Check the folder and its permissions."
        ) from None
    return frame.height
