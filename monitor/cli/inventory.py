"""`inventory` and `stuck`: what the desk holds, how old it is, and what its money waits in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

import click

from monitor.cli.cells import MISSING, exact_text, figures, instants, money, money_text, ratio_text, words
from monitor.cli.options import DeskCommand, Duration, Instant, choices_of, gathered
from monitor.cli.output import Column, Listing, Row, emit, say_findings, show
from monitor.cli.reading import reading, tracks_of
from monitor.clock import SystemClock
from monitor.jobs.inventory import inventory_answer
from monitor.jobs.question import ALL_BOOKS, BOOKS, HEADLINE_BOOK, METHODS
from monitor.jobs.stuck import stuck_answer

if TYPE_CHECKING:
    from monitor.jobs.inventory import Numbers
    from monitor.jobs.question import By, Options

AGES = {
    "under_1h": "< 1 h",
    "1h_to_1d": "< 1 d",
    "1d_to_7d": "< 7 d",
    "7d_to_30d": "< 30 d",
    "30d_to_90d": "< 90 d",
    "over_90d": "older",
}
# Of the lots of a position as many as fit a screen; JSON has all.
LOTS_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Held:
    """The options of `inventory`, as `monitor.jobs.question.Question` names them."""

    assets: tuple[str, ...]
    as_of: int | None
    by: By
    book: str | None
    method: str | None
    account: str | None


@dataclass(frozen=True, slots=True)
class Waiting(Held):
    """The options of `stuck`."""

    window: int | None


BY = click.option(
    "--by", type=click.Choice(["asset", "account"]), default="asset", show_default=True, help="One row each."
)
BOOK = click.option(
    "--book",
    type=click.Choice([*BOOKS, ALL_BOOKS]),
    help="Market family to show and sum [default: show every one, sum spot].",
)
METHOD = click.option("--method", type=click.Choice(METHODS), help="Costing [default: as in the settings].")
ACCOUNT = click.option("--account", metavar="NAME", help="Of one account's own lots [default: of all together].")
AS_OF = click.option("--as-of", type=Instant(), metavar="TIME", help="Held then [default: all is read until then].")
ASSETS = click.argument("assets", metavar="[ASSET]...", nargs=-1)


@click.command(cls=DeskCommand)
@ASSETS
@AS_OF
@BY
@BOOK
@METHOD
@ACCOUNT
@gathered(Held)
def inventory(context: click.Context, asked: Held) -> None:
    r"""What is held: quantity, basis, mark, unrealised pnl and age; longs and shorts apart.

    \b
    Examples:
      monitor inventory
      monitor inventory BTC ETH --by account
      monitor inventory --as-of 2026-01-01 -f csv
    """
    form = choices_of(context).format
    question, now = cast("Options", asdict(asked)), SystemClock().now()
    with reading(context) as connection, tracks_of(connection, question, now) as tracks:
        answer = inventory_answer(tracks, now=now, **question)
    show(inventory_listing(answer, asked), form)
    tell(answer, form)


@click.command(cls=DeskCommand)
@ASSETS
@click.option("--window", type=Duration(), metavar="LENGTH", help="For the days of inventory [default: 30d].")
@AS_OF
@BY
@BOOK
@METHOD
@ACCOUNT
@gathered(Waiting)
def stuck(context: click.Context, asked: Waiting) -> None:
    r"""What the money waits in: basis times age of open lots, the most first, and why.

    With an ASSET also its lots, the oldest first.

    \b
    Examples:
      monitor stuck
      monitor stuck SOL
    """
    form = choices_of(context).format
    question, now = cast("Options", asdict(asked)), SystemClock().now()
    with reading(context) as connection, tracks_of(connection, question, now) as tracks:
        answer = stuck_answer(tracks, now=now, **question)
    show(stuck_listing(answer, asked.by), form)
    rows = cast("list[Numbers]", answer["stuck"])
    if form != "table":
        return
    for row in rows:
        emit(f"{row['asset']}{' short' if row['side'] == 'short' else ''}: {row['why']}\n")
    for row in rows if asked.assets else ():
        emit("\n")
        show(lots_listing(row, str(answer["currency"])), form)
    tell(answer, form)


def tell(answer: Numbers, form: str) -> None:
    """Say the findings of an answer where a table is shown; JSON has them in it."""
    say_findings(cast("list[dict[str, str]]", answer["findings"]) if form == "table" else ())


def inventory_listing(answer: Numbers, asked: Held) -> Listing:
    """Return the positions as a listing: longs, their total, shorts, their total; each total is of the books asked."""
    rows = cast("list[Row]", answer["positions"])
    totals = cast("dict[str, Row]", answer["total"])
    lines: list[Row] = []
    mixed = any(row["book"] != HEADLINE_BOOK for row in rows) and asked.book is None
    for side in ("long", "short"):
        own = [row for row in rows if row["side"] == side]
        lines += own
        if totals[side]["positions"]:
            lines.append({**totals[side], "asset": f"{HEADLINE_BOOK if mixed else 'all'} {side}"})
    return Listing(
        f"Inventory at {str(answer['as_of']).replace('T', ' ')[:19]} UTC, {answer['method']}",
        _held_columns(str(answer["currency"]), rows, asked.by),
        rows,
        answer,
        in_table=lines,
        empty="Nothing is held.",
    )


def _held_columns(currency: str, rows: list[Row], by: str) -> list[Column]:
    """Return the columns of positions, units in the headers."""
    return [
        words("asset", "asset"),
        *([words("account", "account")] if by == "account" else []),
        *([words("book", "book")] if any(row["book"] != "spot" for row in rows) else []),
        figures("quantity", "quantity\nunits"),
        money("basis", f"basis\n{currency}"),
        Column("unit_basis", f"unit basis\n{currency}", lambda row: price_text(row.get("unit_basis")), figure=True),
        Column("mark", f"mark\n{currency}", lambda row: price_text(row.get("mark")), figure=True),
        money("unrealised_pnl", f"unrealised\npnl {currency}"),
        *(
            Column(name, f"{title}\n{currency}", lambda row, name=name: bucket_text(row, name), figure=True, rank=1)  # type: ignore[misc]
            for name, title in AGES.items()
        ),
        instants("mark_time", "marked at", rank=3),
        words("mark_source", "by", rank=4),
        words("status", "status"),
    ]


def bucket_text(row: Row, name: str) -> str:
    """Return the basis of one age, a dash for none."""
    age = row.get("age")
    basis = age.get("basis") if isinstance(age, dict) else None
    return money_text(basis[name]) if isinstance(basis, dict) and basis[name] else MISSING


def price_text(value: object) -> str:
    """Return a price with six significant digits at least, thousands grouped."""
    if not isinstance(value, int | float):
        return MISSING
    return f"{value:,.2f}" if abs(value) >= 10_000 else f"{value:,.6g}"  # noqa: PLR2004  six digits, four before the point


def stuck_listing(answer: Numbers, by: str) -> Listing:
    """Return what is stuck as a listing, the most basis-days first."""
    currency, rows = str(answer["currency"]), cast("list[Row]", answer["stuck"])
    columns = [
        words("asset", "asset"),
        *([words("account", "account")] if by == "account" else []),
        *([words("book", "book")] if any(row["book"] != "spot" for row in rows) else []),
        money("basis_days", f"basis-days\n{currency} d"),
        Column("share", "share\n%", lambda row: share_text(row["share"]), figure=True),
        money("basis", f"basis\n{currency}"),
        Column("mean_age", "mean\nage d", lambda row: ratio_text(row["mean_age"]), figure=True),
        Column("oldest", "oldest\nlot d", _oldest_text, figure=True),
        instants("last_sale", "last sale", rank=1),
        Column("days_inventory", "days of\ninventory d", _days_text, figure=True),
        money("unrealised_pnl", f"unrealised\npnl {currency}", rank=2),
        words("turnover_status", "status", rank=3),
    ]
    title = f"Basis-days waiting at {str(answer['as_of']).replace('T', ' ')[:19]} UTC, {answer['method']}"
    return Listing(title, columns, [_plain(row) for row in rows], answer, in_table=rows, empty="Nothing is held.")


def _plain(row: Row) -> Row:
    """Return a row for CSV: the lots have rows of their own elsewhere."""
    return {name: value for name, value in row.items() if name != "lots"}


def share_text(value: object) -> str:
    """Return a share in percent with one digit."""
    return f"{100 * value:.1f}" if isinstance(value, int | float) else MISSING


def _oldest_text(row: Row) -> str:
    oldest = row["oldest"]
    return ratio_text(oldest["age"]) if isinstance(oldest, dict) else MISSING


def _days_text(row: Row) -> str:
    """Return the days of inventory; of what was not sold in the window, that."""
    if row["days_inventory"] is None and row["turnover"] == 0:
        return "none sold"
    return ratio_text(row["days_inventory"])


def lots_listing(row: Numbers, currency: str) -> Listing:
    """Return the lots of one position, the oldest first."""
    lots = cast("list[Row]", row["lots"])
    more = f", the oldest {LOTS_SHOWN} of {len(lots)}" if len(lots) > LOTS_SHOWN else ""
    columns = [
        instants("opened", "opened"),
        Column("age", "age d", lambda lot: ratio_text(lot["age"]), figure=True),
        Column("quantity", "quantity", lambda lot: exact_text(lot["quantity"]), figure=True),
        Column("unit_basis", f"unit basis\n{currency}", lambda lot: price_text(lot["unit_basis"]), figure=True),
        money("basis", f"basis\n{currency}"),
        money("basis_days", f"basis-days\n{currency} d"),
        words("under_water", "under\nwater"),
        words("kind", "by", rank=1),
        words("symbol", "in", rank=1),
        words("account", "account", rank=2),
    ]
    return Listing(f"Open lots of {row['asset']}{more}", columns, lots[:LOTS_SHOWN], lots)
