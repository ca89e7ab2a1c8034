"""A number taken apart: the formula with its figures, the lots and fills behind them, the prices, and what is doubtful.

Every figure here is computed anew from the ledger by the exact implementation, which shares no code with the one that
filled the tables, and stands beside the stored answer.
"""

from __future__ import annotations

from decimal import localcontext
from typing import TYPE_CHECKING, Unpack, cast

from monitor.clock import Window, parse_instant
from monitor.errors import UsageError
from monitor.exact import CONTEXT
from monitor.jobs.exact_figures import compared, figures
from monitor.jobs.exact_lots import Told, curve, events, left, opened, prices_used, relieved
from monitor.jobs.exact_question import exact_answer, exact_rows
from monitor.jobs.exact_summary import summary
from monitor.jobs.question import HEADLINE_BOOK
from monitor.store.answers import snapshot

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from monitor.jobs.answer import Answer
    from monitor.jobs.exact_figures import Figures, Numbers
    from monitor.jobs.question import By, Options
    from monitor.turnover.exact_book import Progress

DISAGREES = "exact_disagrees"


def question_of(asset: str, **options: Unpack[Options]) -> Options:
    """Return the options of the question whose answer `explain_answer` takes apart: one asset in one book."""
    by: By = "account" if options.get("account") else "asset"
    options |= {"assets": [asset], "by": by, "book": options.get("book") or HEADLINE_BOOK, "detail": False}
    return options


def explain_answer(
    connection: sqlite3.Connection, stored: Answer, account: str | None = None, progress: Progress | None = None
) -> Numbers:
    """Return the stored answer to `question_of` taken apart; `account` None for the portfolio.

    `progress` is told how many events of how many are done.

    `comparison.agrees` is False where a figure and the stored one differ by more than 1e-9; a finding says so too. It
    is None where rows are stored that the tables do not hold yet.

    Raises:
        UsageError: the account never held the asset.
    """
    row = _row(stored, account)
    window = _window(stored)
    with snapshot(connection):
        rows = exact_rows(connection, str(row["asset"]), window, str(stored["method"]))
    exact = exact_answer(rows, (account or "", str(row["asset"]), str(row["book"])), window, progress)
    with localcontext(CONTEXT):
        return _explained(stored, row, Told(exact, window))


def _window(answer: Answer) -> Window:
    span = cast("Numbers", answer["window"])
    return Window(parse_instant(str(span["from"])), parse_instant(str(span["to"])))


def _row(answer: Answer, account: str | None) -> Numbers:
    """Return the stored numbers of the pool asked about."""
    rows = [row for row in cast("list[Numbers]", answer["assets"]) if row["account"] == account]
    if not rows:
        raise UsageError(f"Account {account!r} never held it.", "`monitor accounts` lists the accounts.")
    return rows[0]


def _explained(answer: Answer, row: Numbers, told: Told) -> Numbers:
    span, exact, window = cast("Numbers", answer["window"]), told.exact, told.window
    computed = figures(exact.pool, window, marked=exact.rows.marked)
    found = cast("list[dict[str, str]]", answer["findings"])
    comparison = compared(computed, row)
    if any(finding["code"] == "restating" for finding in found):
        comparison["agrees"] = None
    steps, lots = curve(told), left(told)
    return {
        **{name: row[name] for name in ("asset", "book", "account", "status")},
        **{name: answer[name] for name in ("currency", "method", "as_of", "window")},
        "formula": formula(computed, window),
        "figures": {name: None if value is None else float(value) for name, value in computed.items()},
        "summary": summary(told, steps, lots, str(answer["currency"])),
        "comparison": comparison,
        "curve": steps,
        "opened": opened(told),
        "relieved": relieved(told),
        "left": lots,
        "events": events(told),
        "prices": prices_used(told),
        "estimated": _estimated(told, row, lots),
        "missing": _missing(told, span),
        "findings": [*found, *_disagreement(comparison, row)],
    }


def formula(computed: Figures, window: Window) -> list[str]:
    """Return the headline as lines of arithmetic, each with its numbers in it."""
    shown = {name: "unknown" if value is None else f"{float(value):,.10g}" for name, value in computed.items()}
    days, average, integral = f"{window.days:.10g} days", shown["average_inventory"], shown["cost_days"]
    idle = computed["turnover"] == 0
    return [
        f"relieved basis = cogs {shown['cogs']} + cover basis {shown['cover_basis']} = {shown['relieved_basis']}",
        f"average inventory = integral of basis over time {integral} (basis x days) / {days} = {average}",
        f"turnover = {shown['relieved_basis']} / {average} = {shown['turnover']}",
        f"days inventory = {days} / {shown['turnover']} = {f'more than {days}' if idle else shown['days_inventory']}",
    ]


def _estimated(told: Told, row: Numbers, lots: Sequence[Numbers]) -> Numbers:
    """Return what rests on a guess: the share, the lots whose basis is estimated, and implied openings."""
    short = told.exact.book.shortages.get(told.exact.pool.key) if told.exact.pool else None
    return {
        "share": row["estimated_share"],
        "lots": [lot for lot in lots if lot["estimated"]],
        "missing_opening": None
        if short is None
        else {
            "quantity": told.text(short.quantity),
            "unit_basis": None if short.mark is None else float(short.mark),
            "clipped": short.clipped,
        },
    }


def _missing(told: Told, span: Numbers) -> Numbers:
    """Return the spans in which rows may be missing, and the events of the window that have no value."""
    return {
        "unproven": span["unproven"],
        "unpriced": [event for event in events(told) if event["counts"] and event["value"] is None],
    }


def _disagreement(comparison: Numbers, row: Numbers) -> list[dict[str, str]]:
    if comparison["agrees"] is not False:
        return []
    worst = max(cast("list[Numbers]", comparison["figures"]), key=_size)
    return [
        {
            "code": DISAGREES,
            "subject": str(row["asset"]),
            "severity": "critical",
            "message": f"{worst['figure']} of {row['asset']} is stored as {worst['stored']!r}, but the ledger gives"
            f" {worst['exact']!r}.",
            "remedy": "Run `monitor rebuild`; if it stays, the computation is wrong: report it with this output.",
        }
    ]


def _size(figure: Numbers) -> float:
    """Return how much a figure differs; one that only one side knows differs most, one that nobody knows not at all."""
    if figure["difference"] is None:
        return 0.0 if figure["agrees"] else float("inf")
    return cast("float", figure["difference"])
