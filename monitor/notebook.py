"""The desk in a notebook: `monitor.open(database)`, and every answer as a polars frame.

    import monitor

    with monitor.open("desk.db") as desk:
        desk.turnover("BTC", "ETH", window="30d")
        desk.series("BTC", metric="days_inventory", window="7d", step="1d")
        desk.lots("SOL")
        desk.fills("SOL", start="2026-01-01")

Instants are ISO 8601 text, epoch milliseconds or datetimes (UTC without a zone); lengths are `7d`, milliseconds or
timedeltas. In the frames instants are `Datetime(ms, UTC)`, quantities and prices exact `Decimal`s, money and ratios
`Float64`, missing is null. The database is only read, also while `monitor run` writes to it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import polars as pl

from monitor.clock import DAY, Clock, SystemClock, parse_duration, parse_instant
from monitor.jobs.answer import turnover_answer
from monitor.jobs.inventory import positions
from monitor.jobs.question import Question
from monitor.jobs.series import Wanted, series_answer
from monitor.jobs.turns import inquire
from monitor.store.answers import snapshot
from monitor.store.frames import ledger_frames
from monitor.store.reader import open_reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from monitor.jobs.inventory import Held
    from monitor.jobs.question import By

Moment = str | int | datetime | None
Length = str | int | timedelta

TIME = pl.Datetime("ms", "UTC")
# What polars keeps of an exact decimal; longer ones stay text.
DIGITS = 38
POINTS: dict[str, pl.DataType] = {
    "asset": pl.String(),
    "book": pl.String(),
    "time": pl.String(),
    "value": pl.Float64(),
    "status": pl.String(),
}
# Columns of the answer that are words; the rest are figures, also where every one of them is missing.
WORDS = frozenset({"account", "half_life_reason", "opening_quantity", "closing_quantity"})
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


class Desk:
    """An open database, to read; close it, or use it as a context manager."""

    def __init__(self, path: str | Path, clock: Clock | None = None) -> None:
        """Open the database at `path`; `clock` tells the present, by default the machine's."""
        self._connection = open_reader(Path(path))
        self._clock = clock or SystemClock()

    def turnover(  # noqa: PLR0913  the options of the command of the same name
        self,
        *assets: str,
        window: Length | None = None,
        start: Moment = None,
        end: Moment = None,
        as_of: Moment = None,
        by: By = "asset",
        book: str | None = None,
        method: str | None = None,
    ) -> pl.DataFrame:
        """Return the turnover of assets (none: of all) in a window, a row a pool, as `monitor turnover -f json` has it.

        Columns are the metrics of the answer; what is nested is joined by an underscore (`opening_quantity`,
        `age_long_mean`). With `by` portfolio it is the one row of all pools.

        Raises:
            UsageError: an unknown asset, book, method or scope, or an empty window.
        """
        answer = turnover_answer(
            self._connection,
            now=self._clock.now(),
            window=None if window is None else milliseconds(window),
            start=instant(start),
            end=instant(end),
            as_of=instant(as_of),
            by=by,
            assets=assets,
            book=book,
            method=method,
        )
        rows = [answer["portfolio"]] if by == "portfolio" else answer["assets"]
        flat = [dict(_flat(row)) for row in cast("list[Mapping[str, object]]", rows)]
        frame = pl.DataFrame(flat, infer_schema_length=None)
        unknown = [name for name, kind in frame.schema.items() if kind == pl.Null]
        frame = frame.with_columns(pl.col(name).cast(pl.String if name in WORDS else pl.Float64) for name in unknown)
        times = {"freshness_fills_complete_until"} & set(frame.columns)
        exact = [name for name in ("opening_quantity", "closing_quantity") if name in frame.columns]
        return _decimals(frame.with_columns(_time(name) for name in times), exact)

    def series(  # noqa: PLR0913  the options of the command of the same name
        self,
        *assets: str,
        metric: str = "turnover",
        window: Length = "7d",
        step: Length = "1d",
        start: Moment = None,
        end: Moment = None,
        book: str = "spot",
        method: str | None = None,
    ) -> pl.DataFrame:
        """Return a metric as a rolling line for assets (none: for the portfolio).

        Columns: asset, book, time, value, status. A point at `time` stands for [time - window, time); points go from
        `start` in steps up to `end` (both inclusive), by default the thirty that end where the data stands.

        Raises:
            UsageError: an unknown metric, asset, book or method, or a line of more than 10,000 points.
        """
        wanted = Wanted(
            metric=metric,
            window=milliseconds(window),
            step=milliseconds(step),
            start=instant(start),
            end=instant(end),
            by="asset" if assets else "portfolio",
            assets=assets,
            book=book,
            method=method,
        )
        lines = series_answer(self._connection, wanted, self._clock.now())
        rows = [
            (line["asset"], line["book"], point["time"], point["value"], point["status"])
            for line in lines
            for point in cast("list[Mapping[str, object]]", line["points"])
        ]
        return pl.DataFrame(rows, schema=POINTS, orient="row").with_columns(_time("time"))

    def lots(
        self,
        *assets: str,
        as_of: Moment = None,
        by: By = "asset",
        book: str | None = None,
        method: str | None = None,
    ) -> pl.DataFrame:
        """Return the open lots of assets (none: of all), after all events before `as_of`.

        Columns: asset, book, account (null unless `by` account), lot, opened (kept through transfers), entered, age
        [days], quantity (signed), basis, estimated, mark, fill and movement (the row that opened it), unit_basis,
        market_value (of its size, positive), unrealised_pnl.

        Raises:
            UsageError: an unknown asset, book, method or scope.
        """
        question = Question(as_of=instant(as_of), by=by, assets=assets, book=book, method=method)
        with snapshot(self._connection):
            inquiry = inquire(self._connection, question, self._clock.now())
            rows = [row for held in positions(inquiry) for row in _lot_rows(held, inquiry.window.end)]
        units = pl.col("quantity").cast(pl.Float64).abs()
        side = pl.when(pl.col("quantity").str.starts_with("-")).then(-1.0).otherwise(1.0)
        inverse = pl.col("book") == "inverse"
        frame = pl.DataFrame(rows, schema=LOTS, orient="row").with_columns(
            unit_basis=pl.col("basis") / units,
            market_value=pl.when(inverse).then(pl.col("basis")).otherwise(units * pl.col("mark")),
        )
        pnl = pl.when(inverse).then("earned").otherwise(side * (pl.col("market_value") - pl.col("basis")))
        return _decimals(frame.with_columns(unrealised_pnl=pnl).drop("earned"), ["quantity"])

    def fills(self, *assets: str, start: Moment = None, end: Moment = None, account: str | None = None) -> pl.DataFrame:
        """Return the stored fills with one of the assets as base or quote (none: all) in [start, end), by time.

        Columns: id, account, exchange, key, time, book, kind, symbol, base, quote, settle, side, amount (base units, or
        contracts), price, cost, contract_size, inverse, fees (a list of asset and amount, negative for a rebate).
        """
        with snapshot(self._connection):
            frame = ledger_frames(self._connection, assets or None).fills
        # An asset's fills come with those that only paid a fee in it.
        chosen = [pl.lit(not assets) | pl.col("base").is_in(assets) | pl.col("quote").is_in(assets)]
        if account is not None:
            chosen.append(pl.col("account") == account)
        if start is not None:
            chosen.append(pl.col("time_ms") >= instant(start))
        if end is not None:
            chosen.append(pl.col("time_ms") < instant(end))
        found = frame.filter(chosen).sort("time_ms", "exchange", "sequence", "key")
        fees = pl.col("fees").str.json_decode(pl.List(pl.List(pl.String)))
        told = found.with_columns(
            pl.col("time_ms").cast(TIME).alias("time"),
            pl.col("inverse").cast(pl.Boolean),
            fees.list.eval(pl.struct(asset=pl.element().list.get(0), amount=pl.element().list.get(1))),
        )
        order = [
            "id",
            "account",
            "exchange",
            "key",
            "time",
            "book",
            "kind",
            "symbol",
            "base",
            "quote",
            "settle",
            "side",
        ]
        exact = ["amount", "price", "cost", "contract_size"]
        return _decimals(told.select(*order, *exact, "inverse", "fees"), exact)

    def close(self) -> None:
        """Close the database; a second call does nothing."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Use the open database in a `with` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def open_desk(path: str | Path, *, clock: Clock | None = None) -> Desk:
    """Open a database of the monitor's to read; `monitor.open` is this function.

    Raises:
        DatabaseMissing: there is no file at `path`.
        StoreError: it is no database of the monitor's, or of another version.
    """
    return Desk(path, clock)


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


def _flat(row: Mapping[str, object], before: str = "") -> Iterable[tuple[str, object]]:
    """Yield (name, value) with nested names joined by an underscore."""
    for name, value in row.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}_")
        else:
            yield before + name, value


def _time(name: str) -> pl.Expr:
    return pl.col(name).str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="ms", time_zone="UTC")


def _lot_rows(held: Held, end: int) -> Iterable[tuple[object, ...]]:
    """Yield the lots of a position as rows of `LOTS`."""
    pool, mark = held.pool, held.mark.mark if held.mark else None
    earned = held.earned or [None] * len(held.lots)
    for lot, made in zip(held.lots, earned, strict=True):
        name = (pool.asset, pool.book, pool.account or None)
        since = (lot.lot, lot.opened, lot.entered, (end - lot.opened) / DAY)
        yield (*name, *since, lot.quantity, lot.basis, bool(lot.estimated), mark, lot.fill, lot.movement, made)


def _decimals(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """Return a frame with columns of exact text as decimals of as many places as the longest has."""
    kept = []
    for name in names:
        text = frame[name].cast(pl.String)
        places = cast("int | None", text.str.extract(r"\.(\d+)$").str.len_chars().max()) or 0
        whole = cast("int | None", text.str.extract(r"^-?(\d+)").str.len_chars().max()) or 0
        kept.append(text.cast(pl.Decimal(DIGITS, places)) if whole + places <= DIGITS else text)
    return frame.with_columns(kept)
