"""`fills`, `balances`, `accounts`: what is stored, as the exchanges told it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from monitor.cli.cells import figures, instants, words
from monitor.cli.options import DeskCommand, Instant, choices_of, gathered
from monitor.cli.output import Listing, show
from monitor.cli.reading import instant, reading
from monitor.exact import plain
from monitor.store import query

if TYPE_CHECKING:
    from monitor.records import Fill


@dataclass(frozen=True, slots=True)
class FillQuestion:
    """Which fills: of these assets (empty: all), in [start, end) and of one account where given, the newest `limit`."""

    assets: tuple[str, ...]
    start: int | None
    end: int | None
    account: str | None
    limit: int

    def filters(self) -> list[query.FillFilter]:
        """Return one filter for each asset, or one for all."""
        return [query.FillFilter(self.account, asset, self.start, self.end) for asset in self.assets or (None,)]


@click.command(cls=DeskCommand)
@click.argument("assets", metavar="[ASSET]...", nargs=-1)
@click.option("--from", "start", type=Instant(), help="Not before this instant (inclusive).")
@click.option("--to", "end", type=Instant(), help="Before this instant (exclusive).")
@click.option("--account", help="Of one account.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="How many, the newest.")
@gathered(FillQuestion)
def fills(context: click.Context, question: FillQuestion) -> None:
    r"""The stored fills, the newest first; with ASSETs only those that have one of them as base or quote.

    \b
    Example: monitor fills BTC ETH --from 2026-01-01 --limit 500 -f csv
    """
    with reading(context) as connection:
        found = {
            (fill.account, fill.key): fill
            for wanted in question.filters()
            for fill in query.fills(connection, wanted, limit=question.limit)
        }
    newest = sorted(found.values(), key=lambda fill: (-fill.time, fill.account, fill.key))[: question.limit]
    show(fill_listing([_fill_row(fill) for fill in newest]), choices_of(context).format)


def fill_listing(rows: list[dict[str, object]]) -> Listing:
    """Return fills as a listing."""
    columns = [
        instants("time", "time UTC"),
        words("account", "account"),
        words("symbol", "symbol"),
        words("side", "side"),
        figures("amount", "amount"),
        figures("price", "price"),
        words("fees", "fees"),
        words("kind", "kind", rank=2),
        words("trade_id", "trade id", rank=1),
    ]
    told = [row | {"fees": " + ".join(f"{amount} {asset}" for asset, amount in _fees(row)) or None} for row in rows]
    flat = [_without_lists(row) for row in rows]
    return Listing(f"Fills: {len(rows)}", columns, flat, rows, in_table=told, empty="No fills.")


def _fees(row: dict[str, object]) -> list[tuple[str, str]]:
    fees = row["fees"]
    return [(fee["asset"], fee["amount"]) for fee in fees] if isinstance(fees, list) else []


def _without_lists(row: dict[str, object]) -> dict[str, object]:
    """Return a fill for CSV, its fees in two columns as in an events file: `0.1;0.002` and `USD;BNB`."""
    fees = {
        "fee": ";".join(amount for _, amount in _fees(row)),
        "fee_asset": ";".join(asset for asset, _ in _fees(row)),
    }
    return {name: value for name, value in row.items() if name != "fees"} | fees


def _fill_row(fill: Fill) -> dict[str, object]:
    """Return a fill for JSON: quantities are exact text."""
    return {
        "time": instant(fill.time),
        "account": fill.account,
        "exchange": fill.exchange,
        "book": fill.book,
        "symbol": fill.symbol,
        "side": fill.side,
        "amount": plain(fill.amount),
        "price": plain(fill.price),
        "cost": None if fill.cost is None else plain(fill.cost),
        "fees": [{"asset": fee.asset, "amount": plain(fee.amount)} for fee in fill.fees],
        "kind": fill.kind,
        "liquidity": fill.liquidity,
        "contract_size": None if fill.contract_size is None else plain(fill.contract_size),
        "trade_id": fill.trade_id,
        "order_id": fill.order_id,
        "key": fill.key,
    }


@click.command(cls=DeskCommand)
@click.option("--account", help="Of one account.")
@click.pass_context
def balances(context: click.Context, account: str | None) -> None:
    r"""What each account holds, as of the last time the venue told it.

    \b
    Example: monitor balances --account kraken-main
    """
    with reading(context) as connection:
        found = query.balances(connection, account)
    rows = [
        {
            "account": holding.account,
            "asset": holding.balance.asset,
            "total": plain(holding.balance.total),
            "free": None if holding.balance.free is None else plain(holding.balance.free),
            "used": None if holding.balance.used is None else plain(holding.balance.used),
            "as_of": instant(holding.time),
        }
        for holding in found
    ]
    columns = [
        words("account", "account"),
        words("asset", "asset"),
        figures("total", "total units"),
        figures("free", "free units", rank=1),
        figures("used", "used units", rank=2),
        instants("as_of", "as of UTC"),
    ]
    show(Listing("Balances", columns, rows, rows, empty="No balances yet."), choices_of(context).format)


@click.command(cls=DeskCommand)
@click.pass_context
def accounts(context: click.Context) -> None:
    r"""The accounts: their state, when each was last read, and what is missing.

    Tier says how well the venue is known: `proven` against recorded answers, by its `profile` alone, or by `default`.

    \b
    Example: monitor accounts -f json
    """
    with reading(context) as connection:
        found = query.accounts(connection)
    rows = [account_row(account) for account in found]
    columns = [
        words("account", "account"),
        words("exchange", "exchange"),
        words("tier", "tier", rank=1),
        words("state", "state"),
        instants("last_success", "last read UTC"),
        figures("open_gaps", "open gaps"),
        words("stream_states", "streams", rank=2),
        instants("last_balance", "balances UTC", rank=1),
        words("trouble", "trouble"),
    ]
    told = [
        {**row, "trouble": row["reason"] or row["last_error"], "stream_states": states_text(one)}
        for row, one in zip(rows, found, strict=True)
    ]
    listing = Listing("Accounts", columns, rows, rows, in_table=told, empty="No accounts yet.")
    show(listing, choices_of(context).format)


def states_text(account: query.AccountRow) -> str:
    """Return how many streams are in which state, as one cell."""
    return ", ".join(f"{count} {state}" for state, count in account.states.items()) or "none"


def account_row(account: query.AccountRow) -> dict[str, object]:
    """Return an account for JSON; an error older than the last success is history."""
    failed = account.last_error_time or 0
    current = account.last_error if failed >= (account.last_success or 0) else None
    return {
        "account": account.account,
        "exchange": account.exchange,
        "tier": account.tier,
        "state": account.state,
        "reason": account.reason,
        "starts": instant(account.starts),
        "last_success": instant(account.last_success),
        "last_error": current,
        "last_error_time": instant(account.last_error_time) if current else None,
        "streams": account.streams,
        "stream_states": account.states,
        "unreachable_before": instant(account.unreachable_before),
        "open_gaps": account.open_gaps,
        "last_balance": instant(account.last_balance),
    }
