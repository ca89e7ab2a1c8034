"""`reconcile`: whether what the ledger says is held equals what the venues say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from monitor.cli.cells import figures, instants, words
from monitor.cli.options import DeskCommand, choices_of
from monitor.cli.output import Listing, Row, say, show
from monitor.cli.reading import instant, reading
from monitor.errors import UsageError
from monitor.exact import plain
from monitor.jobs.reconcile import reconciliation
from monitor.store.holdings import own_accounts

if TYPE_CHECKING:
    from decimal import Decimal

    from monitor.jobs.reconcile import Reconciled

DRIFTS = 4


@click.command(cls=DeskCommand)
@click.option("--account", help="Of one account.")
@click.option("--exit-code", is_flag=True, help="End with 4 if a balance and the ledger disagree.")
@click.pass_context
def reconcile(context: click.Context, account: str | None, *, exit_code: bool) -> int:
    r"""What the ledger says each account holds, beside its balance at the venue; exact, to the last digit.

    \b
    agrees        they are equal
    drift         they are not: rows are missing, or wrong
    waiting       the next balance will tell (the reason is beside it)
    not compared  a position is open: the venue's balance holds results that are not realised

    \b
    Example: monitor reconcile --exit-code || monitor findings
    """
    with reading(context) as connection:
        if account is not None and account not in (known := own_accounts(connection)):
            raise UsageError(f"There is no account {account!r}.", f"There are: {', '.join(sorted(known)) or 'none'}.")
        found = reconciliation(connection, account)
    rows = [line_row(row) for row in found]
    drifting = [row for row in found if row.drifts]
    show(_listing(rows), choices_of(context).format)
    for row in drifting if choices_of(context).format == "table" else ():
        if row.cause:
            say(f"{row.account} {row.line.asset}: likely {row.cause.name}. {row.cause.message} {row.cause.remedy}")
    return DRIFTS if drifting and exit_code else 0


def _listing(rows: list[Row]) -> Listing:
    columns = [
        words("account", "account"),
        words("asset", "asset"),
        figures("ledger", "ledger units"),
        figures("balance", "balance units"),
        figures("residual", "residual units"),
        instants("time", "balance UTC", rank=1),
        words("verdict", "verdict"),
        words("reason", "reason"),
    ]
    told = [{**row, "reason": row["cause"] or row["reason"]} for row in rows]
    empty = "No balances yet: they come with `monitor sync`."
    return Listing("Ledger and balances", columns, rows, rows, in_table=told, empty=empty)


def line_row(row: Reconciled) -> Row:
    """Return one comparison for JSON: quantities are exact text, null where nothing can be said."""
    line, cause = row.line, row.cause
    return {
        "account": row.account,
        "asset": line.asset,
        "ledger": _text(line.ledger),
        "balance": _text(line.balance),
        "residual": _text(line.residual),
        "time": instant(line.time),
        "verdict": line.verdict,
        "agreed": instant(row.agreed),
        "reason": line.reason or None,
        "cause": cause.name if cause else None,
        "message": cause.message if cause else None,
        "remedy": cause.remedy if cause else None,
    }


def _text(number: Decimal | None) -> str | None:
    return None if number is None else plain(number)
