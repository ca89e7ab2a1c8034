"""`explain`: a number taken apart, down to the fills and prices behind it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

import click

from monitor.cli.cells import exact_text, instants, money, ratio_text, span_text, word_text, words
from monitor.cli.inventory import price_text, tell
from monitor.cli.options import DeskCommand, Duration, Instant, choices_of, gathered
from monitor.cli.output import Column, Listing, Row, emit, say, show
from monitor.cli.progress import EventBar
from monitor.cli.reading import reading
from monitor.cli.turnover import answered
from monitor.jobs.explain import explain_answer, question_of
from monitor.jobs.question import BOOKS, METHODS
from monitor.jobs.thinning import thinned

if TYPE_CHECKING:
    from monitor.jobs.exact_figures import Numbers
    from monitor.jobs.question import Options

DISAGREES = 1
# Rows of each part that a screen takes; JSON has all.
SHOWN = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `explain`."""

    asset: str
    window: int | None
    start: int | None
    end: int | None
    as_of: int | None
    account: str | None
    book: str
    method: str | None


@click.command(cls=DeskCommand)
@click.argument("asset")
@click.option("--window", type=Duration(), metavar="LENGTH", help="Length of the window: 12h, 7d, 4w [default: 7d].")
@click.option("--from", "start", type=Instant(), metavar="TIME", help="Start of the window (inclusive), instead.")
@click.option("--to", "end", type=Instant(), metavar="TIME", help="End of the window (exclusive) [default: as of].")
@click.option("--as-of", type=Instant(), metavar="TIME", help="Now, for the answer [default: all is read until then].")
@click.option("--account", help="Of one account's own lots [default: of all together].")
@click.option("--book", type=click.Choice(BOOKS), default="spot", show_default=True, help="Market family.")
@click.option("--method", type=click.Choice(METHODS), help="Costing [default: as in the settings].")
@gathered(Asked)
def explain(context: click.Context, asked: Asked) -> int:
    r"""The turnover of one asset taken apart: formula, lots, fills, prices, and what is doubtful.

    All of it is computed anew from the ledger in exact numbers, and compared with the stored answer; ends with 1 if
    they differ by more than 1e-9. A ledger with many fills of the asset takes a while.

    \b
    Example: monitor explain BTC --window 7d
    """
    form = choices_of(context).format
    options = {name: value for name, value in asdict(asked).items() if name != "asset"}
    question = question_of(asked.asset, **cast("Options", options))
    with reading(context) as connection, EventBar(f"Computing {asked.asset} from the ledger") as bar:
        answer = explain_answer(connection, answered(connection, question), asked.account, bar.step)
    show_parts(answer, form)
    tell(answer, form)
    comparison = cast("Numbers", answer["comparison"])
    return DISAGREES if comparison["agrees"] is False else 0


def show_parts(answer: Numbers, form: str) -> None:
    """Show every part as a table of its own; JSON is the whole, CSV the events of the window."""
    events = _events(answer)
    if form != "table":
        show(events, form)
        return
    window = cast("Numbers", answer["window"])
    emit(f"{answer['asset']}, {answer['book']}, {answer['method']}, {window['from']} to {window['to']}: ")
    emit(f"{answer['status']}\n\n" + "".join(f"  {line}\n" for line in cast("list[str]", answer["formula"])) + "\n")
    emit("".join(f"{line}\n" for line in cast("list[str]", answer["summary"])) + "\n")
    for listing in (
        _curve(answer), _lots(answer, "left"), _lots(answer, "opened"), _relieved(answer), events, _prices(answer),
        _comparison(answer),
    ):  # fmt: skip
        if listing.lines:
            show(listing, form)
            emit("\n")
    for line in doubts(answer):
        say(line)


def _part(answer: Numbers, name: str, title: str, columns: list[Column]) -> Listing:
    """Return a part as a listing of its newest rows; of what is left, of the oldest: that is what is stuck."""
    rows = cast("list[Row]", answer[name])
    shown, which = (rows[:SHOWN], "oldest") if name == "left" else (rows[-SHOWN:], "newest")
    cut = f", the {which} {SHOWN} of {len(rows)}" if len(rows) > SHOWN else f": {len(rows)}"
    return Listing(title + cut, columns, rows, answer, in_table=shown)


def _comparison(answer: Numbers) -> Listing:
    comparison = cast("Numbers", answer["comparison"])
    verdict = {True: "agrees within 1e-9", False: "DIFFERS", None: "not comparable: newer rows await measurement"}
    rows = cast("list[Row]", comparison["figures"])
    columns = [
        Column("figure", "figure", lambda row: str(row["figure"]).replace("_", " ")),
        Column("exact", "exact", lambda row: word_text(row["exact"]), figure=True),
        Column("stored", "stored", lambda row: word_text(row["stored"]), figure=True),
        Column("difference", "difference", lambda row: ratio_text(row["difference"]), figure=True),
    ]
    agrees = cast("bool | None", comparison["agrees"])
    return Listing(f"From the ledger, exactly, beside what is stored: {verdict[agrees]}", columns, rows, answer)


def _curve(answer: Numbers) -> Listing:
    rows = cast("list[Row]", answer["curve"])
    currency = answer["currency"]
    columns = [
        instants("time", "from"),
        Column("quantity", "quantity", lambda row: exact_text(row["quantity"]), figure=True),
        money("inventory_cost", f"inventory\n{currency}"),
    ]
    shown = thinned(rows, "inventory_cost", SHOWN)
    title = f"Inventory curve, {len(shown)} of {len(rows)} steps"
    return Listing(title, columns, rows, answer, in_table=shown)


def _lots(answer: Numbers, name: str) -> Listing:
    currency = answer["currency"]
    age = [Column("age", "age d", lambda row: ratio_text(row["age"]), figure=True)] if name == "left" else []
    waits = [money("basis_days", f"basis-days\n{currency} d")] if name == "left" else []
    columns = [
        words("lot", "lot"),
        instants("opened", "opened"),
        *age,
        words("side", "side", rank=2),
        Column("quantity", "quantity", lambda row: exact_text(row["quantity"]), figure=True),
        money("basis", f"basis\n{currency}"),
        Column("unit_basis", f"unit basis\n{currency}", lambda row: price_text(row["unit_basis"]), figure=True),
        *waits,
        words("estimated", "estimated", rank=1),
    ]
    return _part(answer, name, {"opened": "Lots opened", "left": "Lots left at the end"}[name], columns)


def _relieved(answer: Numbers) -> Listing:
    columns = [
        instants("time", "time"),
        words("kind", "by"),
        words("counts", "turnover"),
        words("lot", "lot"),
        instants("opened", "opened", rank=1),
        Column("quantity", "quantity", lambda row: exact_text(row["quantity"]), figure=True),
        money("basis", f"basis\n{answer['currency']}"),
        Column("held", "held", lambda row: span_text(row["held"]), figure=True),
    ]
    return _part(answer, "relieved", "Lots relieved", columns)


def _events(answer: Numbers) -> Listing:
    columns = [
        instants("time", "time"),
        words("account", "account"),
        words("kind", "kind"),
        words("side", "side"),
        words("symbol", "symbol"),
        Column("amount", "amount", lambda row: exact_text(row["amount"]), figure=True),
        Column("price", "price", lambda row: exact_text(row["price"]), figure=True),
        Column("change", "change", lambda row: exact_text(row["change"]), figure=True),
        money("value", f"value\n{answer['currency']}"),
        words("value_source", "valued by", rank=1),
        Column("price_age", "price\nage", lambda row: span_text(row["price_age"]), figure=True, rank=2),
        words("id", "id", rank=3),
    ]
    return _part(answer, "events", "Fills and movements", columns)


def _prices(answer: Numbers) -> Listing:
    columns = [
        words("source", "price"),
        words("legs", "legs"),
        money("value", f"value\n{answer['currency']}"),
        Column("oldest", "oldest", lambda row: span_text(row["oldest"]), figure=True),
    ]
    return _part(answer, "prices", "Valued by", columns)


def doubts(answer: Numbers) -> list[str]:
    """Return in words what is estimated and what is missing; nothing where nothing is."""
    estimated, missing = cast("Numbers", answer["estimated"]), cast("Numbers", answer["missing"])
    lines = []
    if estimated["share"]:
        lines.append(f"Estimated: {100 * cast('float', estimated['share']):.1f} % rests on estimated basis.")
    if isinstance(opening := estimated["missing_opening"], dict) and not opening["clipped"]:
        price = "an unknown price" if opening["unit_basis"] is None else f"{price_text(opening['unit_basis'])} each"
        lines.append(f"Estimated: an opening of {opening['quantity']} {answer['asset']} at {price} was assumed.")
    lines += [
        f"Missing: rows of {span['account']} from {span['from']} to {span['to']} are not proven complete."
        for span in cast("list[Row]", missing["unproven"])
    ]
    if unpriced := cast("list[Row]", missing["unpriced"]):
        lines.append(f"Missing: {len(unpriced)} events have no value, the first at {unpriced[0]['time']}.")
    return lines
