"""The desk in a notebook: `monitor.open(database)`, and every answer as a polars frame.

    import monitor

    with monitor.open("desk.db") as desk:
        desk.turnover("BTC", "ETH", window="30d")
        desk.turnover(by="account", method="lifo")
        desk.series("BTC", metric="days_inventory", window="7d", step="1d")
        desk.lots("SOL", account="kraken-main")
        desk.fills("SOL", start="2026-01-01")

Instants are ISO 8601 text, epoch milliseconds or datetimes (UTC without a zone); lengths are `7d`, milliseconds or
timedeltas. In the frames instants are `Datetime(ms, UTC)`, quantities and prices exact `Decimal`s, money and ratios
`Float64`, missing is null. A costing method without stored tracks is computed for the question, which takes longer.
The database is only read, also while `monitor run` writes to it.
"""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import polars as pl

from monitor.clock import Clock, SystemClock
from monitor.jobs.answer import turnover_answer
from monitor.jobs.inventory import positions
from monitor.jobs.question import Question
from monitor.jobs.remeasure import remeasured
from monitor.jobs.series import Wanted, series_answer
from monitor.jobs.turns import inquire
from monitor.notebook.frames import answer_frame, fills_frame, instant, lots_frame, milliseconds, points_frame
from monitor.store.answers import has_tracks, snapshot
from monitor.store.frames import ledger_frames
from monitor.store.reader import open_reader

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping
    from types import TracebackType

    from monitor.jobs.question import By, Options
    from monitor.notebook.frames import Length, Moment


class Desk:
    """An open database, to read; close it, or use it as a context manager."""

    def __init__(self, path: str | Path, clock: Clock | None = None) -> None:
        """Open the database at `path`; `clock` tells the present, by default the machine's."""
        self._path = Path(path)
        self._connection = open_reader(self._path)
        self._clock = clock or SystemClock()

    def __repr__(self) -> str:
        """Return how it is opened."""
        return f"monitor.open({str(self._path)!r})"

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
        account: str | None = None,
    ) -> pl.DataFrame:
        """Return the turnover of assets (none: of all) in a window, a row a pool, as `monitor turnover -f json` has it.

        Columns are the metrics of the answer; what is nested is joined by an underscore (`opening_quantity`,
        `age_long_mean`). With `by` portfolio it is the one row of all pools; with `account` of that account's own.

        Raises:
            UsageError: an unknown asset, account, book, method or scope, or an empty window.
        """
        question: Options = {
            "window": None if window is None else milliseconds(window),
            "start": instant(start),
            "end": instant(end),
            "as_of": instant(as_of),
            "by": by,
            "assets": assets,
            "book": book,
            "method": method,
            "account": account,
        }
        with self._tracks(question) as connection:
            answer = turnover_answer(connection, now=self._clock.now(), **question)
        rows = [answer["portfolio"]] if by == "portfolio" else answer["assets"]
        return answer_frame(cast("list[Mapping[str, object]]", rows))

    def series(  # noqa: PLR0913  the options of the command of the same name
        self,
        *assets: str,
        metric: str = "turnover",
        window: Length = "7d",
        step: Length = "1d",
        start: Moment = None,
        end: Moment = None,
        by: By | None = None,
        book: str = "spot",
        method: str | None = None,
        account: str | None = None,
    ) -> pl.DataFrame:
        """Return a metric as a rolling line for assets (none: for the portfolio, unless `by` says otherwise).

        Columns: asset, book, account (null unless asked for), time, value, status. A point at `time` stands for
        [time - window, time); points go from `start` in steps up to `end` (both inclusive), by default the thirty that
        end where the data stands.

        Raises:
            UsageError: an unknown metric, asset, account, book or method, or a line of more than 10,000 points.
        """
        wanted = Wanted(
            metric=metric,
            window=milliseconds(window),
            step=milliseconds(step),
            start=instant(start),
            end=instant(end),
            by=by or ("asset" if assets else "portfolio"),
            assets=assets,
            book=book,
            method=method,
            account=account,
        )
        with self._tracks(wanted.options()) as connection:
            return points_frame(series_answer(connection, wanted, self._clock.now()))

    def lots(
        self,
        *assets: str,
        as_of: Moment = None,
        by: By = "asset",
        book: str | None = None,
        method: str | None = None,
        account: str | None = None,
    ) -> pl.DataFrame:
        """Return the open lots of assets (none: of all), after all events before `as_of`.

        Columns: asset, book, account (null unless asked for), lot, opened (kept through transfers), entered, age
        [days], quantity (signed), basis, estimated, mark, fill and movement (the row that opened it), unit_basis,
        market_value (of its size, positive), unrealised_pnl.

        Raises:
            UsageError: an unknown asset, account, book, method or scope.
        """
        question: Options = {
            "as_of": instant(as_of), "by": by, "assets": assets, "book": book, "method": method, "account": account,
        }  # fmt: skip
        with self._tracks(question) as connection, snapshot(connection):
            inquiry = inquire(connection, Question(**question), self._clock.now())
            return lots_frame(positions(inquiry), inquiry.window.end)

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
        return fills_frame(frame.filter(chosen))

    @contextmanager
    def _tracks(self, question: Options) -> Iterator[sqlite3.Connection]:
        """Give the connection to ask; for a costing method without stored tracks one with tracks computed for it."""
        method = question.get("method")
        if method is None or has_tracks(self._connection, method):
            yield self._connection
            return
        with remeasured(self._connection, Question(**question), self._clock.now()) as memory:
            yield memory

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
