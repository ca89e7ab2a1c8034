"""`series`: a metric as a rolling line, a point a step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import click

from monitor.cli.cells import MISSING, instants, ratio_text, words
from monitor.cli.options import DeskCommand, Duration, Instant, choices_of, gathered
from monitor.cli.output import Column, Listing, Row, show
from monitor.cli.reading import reading, tracks_of
from monitor.clock import DAY, SystemClock
from monitor.jobs.question import ALL_BOOKS, BOOKS, METHODS
from monitor.jobs.series import METRICS, Wanted, series_answer

if TYPE_CHECKING:
    from monitor.jobs.question import By
    from monitor.jobs.series import Line


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `series`."""

    assets: tuple[str, ...]
    metric: str
    window: int
    step: int
    start: int | None
    end: int | None
    by: By | None
    book: str
    method: str | None
    account: str | None


@click.command(cls=DeskCommand, epilog=f"Metrics: {', '.join(METRICS)}.")
@click.argument("assets", metavar="[ASSET]...", nargs=-1)
@click.option("--metric", default="turnover", show_default=True, metavar="NAME", help="Which number; see below.")
@click.option("--window", type=Duration(), default=7 * DAY, metavar="LENGTH", help="What a point covers [default: 7d].")
@click.option("--step", type=Duration(), default=DAY, metavar="LENGTH", help="Between two points [default: 1d].")
@click.option(
    "--from", "start", type=Instant(), metavar="TIME", help="First point [default: 29 steps before the last]."
)
@click.option("--to", "end", type=Instant(), metavar="TIME", help="Last point [default: all is read until then].")
@click.option(
    "--by",
    type=click.Choice(["asset", "account", "portfolio"]),
    help="A line each [default: asset where one is named, else portfolio].",
)
@click.option(
    "--book", type=click.Choice([*BOOKS, ALL_BOOKS]), default="spot", show_default=True, help="Market family."
)
@click.option("--method", type=click.Choice(METHODS), help="Costing [default: as in the settings].")
@click.option("--account", metavar="NAME", help="Of one account's own lots [default: of all together].")
@gathered(Asked)
def series(context: click.Context, asked: Asked) -> None:
    r"""A metric as a rolling line: at each point its value over the window that ends there.

    \b
    Examples:
      monitor series BTC --metric turnover --window 7d --step 1d
      monitor series --metric days_inventory --from 2026-01-01 -f csv
      monitor series BTC ETH SOL --metric inventory --step 1h -f json
    """
    by: By = asked.by or ("asset" if asked.assets else "portfolio")
    wanted = Wanted(
        metric=asked.metric,
        window=asked.window,
        step=asked.step,
        start=asked.start,
        end=asked.end,
        by=by,
        assets=asked.assets,
        book=asked.book,
        method=asked.method,
        account=asked.account,
    )
    now = SystemClock().now()
    with reading(context) as connection, tracks_of(connection, wanted.options(), now) as tracks:
        lines = series_answer(tracks, wanted, now)
    show(series_listing(lines, wanted), choices_of(context).format)


def series_listing(lines: list[Line], wanted: Wanted) -> Listing:
    """Return lines as a listing, a row a point; JSON has the one line that was asked for, else a list of them."""
    rows = [
        {"asset": line["asset"], "book": line["book"], "account": line["account"], **point}
        for line in lines
        for point in cast("list[Row]", line["points"])
    ]
    first = lines[0] if lines else {"window": "", "step": "", "method": ""}
    columns = [
        instants("time", "until"),
        *([] if wanted.is_single else [words("asset", "asset")]),
        *([words("account", "account")] if wanted.by == "account" else []),
        *([words("book", "book")] if wanted.book == ALL_BOOKS else []),
        Column("value", wanted.metric.replace("_", " "), _value_text, figure=True),
        words("status", "status"),
    ]
    about = f" of {lines[0]['asset']}" if wanted.is_single else ""
    title = f"{wanted.metric.replace('_', ' ').capitalize()}{about} over {first['window']}, every {first['step']}"
    return Listing(title, columns, rows, lines[0] if wanted.is_single else lines, empty="No inventory in this book.")


def _value_text(row: Row) -> str:
    return MISSING if row["value"] is None else ratio_text(row["value"])
