"""`turnover`: the headline, as a table a desk wants to read or exactly as the answer has it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import click

from monitor.cli.cells import MISSING, figures, moment_text, money, ratio_text, words
from monitor.cli.options import DeskCommand, Duration, Instant, choices_of, gathered
from monitor.cli.output import STALE_OR_PARTIAL, Column, Listing, Row, say_findings, show
from monitor.cli.reading import reading, tracks_of
from monitor.clock import SystemClock
from monitor.jobs.answer import turnover_answer
from monitor.jobs.question import ALL_BOOKS, BOOKS, HEADLINE_BOOK, METHODS

if TYPE_CHECKING:
    import sqlite3

    from monitor.jobs.answer import Answer
    from monitor.jobs.question import By, Options

UNTRUSTED = {"partial", "stale"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `turnover`, as `monitor.jobs.question.Question` names them."""

    assets: tuple[str, ...]
    window: int | None
    start: int | None
    end: int | None
    as_of: int | None
    by: By
    book: str | None
    method: str | None
    account: str | None
    strict: bool


@click.command(cls=DeskCommand)
@click.argument("assets", metavar="[ASSET]...", nargs=-1)
@click.option("--window", type=Duration(), metavar="LENGTH", help="Length of the window: 12h, 7d, 4w [default: 7d].")
@click.option("--from", "start", type=Instant(), metavar="TIME", help="Start of the window (inclusive), instead.")
@click.option("--to", "end", type=Instant(), metavar="TIME", help="End of the window (exclusive) [default: as of].")
@click.option("--as-of", type=Instant(), metavar="TIME", help="Now, for the answer [default: all is read until then].")
@click.option(
    "--by",
    type=click.Choice(["asset", "account", "portfolio"]),
    default="asset",
    show_default=True,
    help="One row each.",
)
@click.option(
    "--book",
    type=click.Choice([*BOOKS, ALL_BOOKS]),
    help="Market family to show and sum [default: show every one, sum spot].",
)
@click.option("--method", type=click.Choice(METHODS), help="Costing [default: as in the settings].")
@click.option("--account", metavar="NAME", help="Of one account's own lots [default: of all together].")
@click.option("--exit-code", "strict", is_flag=True, help="End with 4 if the data is stale or not complete.")
@gathered(Asked)
def turnover(context: click.Context, asked: Asked) -> int:
    r"""How fast the inventory turns over in a window: relieved basis over time-weighted average inventory.

    \b
    Examples:
      monitor turnover
      monitor turnover BTC ETH --window 30d
      monitor turnover --from 2026-01-01 --to 2026-02-01 --by account -f csv
    """
    form = choices_of(context).format
    question: Options = {
        "assets": asked.assets,
        "window": asked.window,
        "start": asked.start,
        "end": asked.end,
        "as_of": asked.as_of,
        "by": asked.by,
        "book": asked.book,
        "method": asked.method,
        "account": asked.account,
        "detail": form != "table",
    }
    with reading(context) as connection:
        answer = answered(connection, question)
    show(turnover_listing(answer, asked.by, asked.book), form)
    found = cast("list[dict[str, str]]", answer["findings"])
    say_findings(found if form == "table" else ())
    untrusted = any(finding["code"] in UNTRUSTED for finding in found)
    return STALE_OR_PARTIAL if asked.strict and untrusted else 0


def answered(connection: sqlite3.Connection, question: Options) -> Answer:
    """Return the answer from the stored tracks; for a method that has none, from the ledger, which takes longer."""
    now = SystemClock().now()
    with tracks_of(connection, question, now) as tracks:
        return turnover_answer(tracks, now=now, **question)


def turnover_listing(answer: Answer, by: By, book: str | None) -> Listing:
    """Return the answer as a listing: a row an asset (and account), the portfolio last."""
    portfolio = cast("dict[str, object]", answer["portfolio"])
    assets = cast("list[Row]", answer["assets"])
    window = cast("dict[str, object]", answer["window"])
    days = f"{window['days']:g}"
    title = (
        f"Inventory turnover over {days} days, {moment_text(window['from'])} to {moment_text(window['to'])} UTC, "
        f"{answer['method']}, {'all books' if book == ALL_BOOKS else book or HEADLINE_BOOK}"
    )
    return Listing(
        title,
        _columns(str(answer["currency"]), days, by, books=any(row["book"] != HEADLINE_BOOK for row in assets)),
        assets if by != "portfolio" else [portfolio],
        answer,
        total={**portfolio, "asset": "portfolio"},
        in_table=_with_accounts(assets, cast("list[Row]", answer.get("accounts", []))),
    )


def _with_accounts(assets: list[Row], accounts: list[Row]) -> list[Row]:
    """Return the rows of the table: with accounts, the assets of each, then its total."""
    if not accounts:
        return assets
    return [
        row
        for account in accounts
        for row in (
            *(asset for asset in assets if asset["account"] == account["account"]),
            {**account, "asset": "together"},
        )
    ]


def _columns(currency: str, days: str, by: By, *, books: bool) -> list[Column]:
    """Return the columns of the table, units in the headers."""
    return [
        *([words("account", "account")] if by == "account" else []),
        words("asset", "asset"),
        *([words("book", "book")] if books else []),
        Column("turnover", "turnover\nx", turnover_text, figure=True),
        Column("days_inventory", "days of\ninventory d", lambda row: days_text(row, days), figure=True),
        money("relieved_basis", f"relieved\nbasis {currency}"),
        money("average_inventory", f"average\ninventory {currency}"),
        money("realised_pnl", f"realised\npnl {currency}", rank=1),
        Column("closing", "closing\nunits", closing_text, figure=True, rank=2),
        figures("fills", "fills", rank=3),
        words("status", "status"),
    ]


def turnover_text(row: Row) -> str:
    """Return turns in the window; where there is no number, the status that says why."""
    value = row["turnover"]
    return str(row["status"]).replace("_", " ") if value is None else ratio_text(value)


def days_text(row: Row, days: str) -> str:
    """Return the days of inventory; of idle inventory only that they are more than the window is long."""
    if row["days_inventory"] is None and row["turnover"] == 0:
        return f"> {days} d"
    return ratio_text(row["days_inventory"])


def closing_text(row: Row) -> str:
    """Return the units held at the end of the window, exactly; units of several assets do not add up."""
    closing = row.get("closing")
    quantity = closing.get("quantity") if isinstance(closing, dict) else None
    return MISSING if quantity is None else str(quantity)
