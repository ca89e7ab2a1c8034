"""Repairs of bodies that this ccxt version misreads, each with the row it would lose.

A repair only rewrites the spelling of what is there. Every one was found by replaying recorded bodies; drop it when
ccxt reads the body itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.exchanges.bodies import Json


def _kraken_balance(body: Json) -> Json:
    """`Balance` gives `"XXBT": "0.5"`, `BalanceEx` an object; ccxt reads only the latter and drops the former."""
    result = body.get("result") if isinstance(body, dict) else None
    if isinstance(body, dict) and isinstance(result, dict):
        body["result"] = {asset: {"balance": held} if isinstance(held, str) else held for asset, held in result.items()}
    return body


def _bitstamp_transactions(body: Json) -> Json:
    """`type` came as a number in older answers; ccxt compares with the text "2" and drops every row.

    Deposits and withdrawals name their asset only by which field is not zero; ccxt looks at whole units and so finds
    none for less than one coin.
    """
    for row in body if isinstance(body, list) else []:
        if not isinstance(row, dict):
            continue
        row["type"] = str(row.get("type"))
        moved = [name for name, value in row.items() if _holding(name) and value not in NOTHING]
        if row["type"] in {"0", "1"} and "currency" not in row and len(moved) == 1:
            row["currency"] = moved[0]
    return body


NOTHING = (0, "0", "0.0", "0.00", "0.00000000", None)


def _holding(name: str) -> bool:
    return "_" not in name and name not in {"id", "fee", "type", "datetime", "amount", "currency"}


def _coinbase_accounts(body: Json) -> Json:
    """The documentation writes `"type": "CRYPTO"`; ccxt keeps only accounts of type `ACCOUNT_TYPE_CRYPTO`."""
    accounts = body.get("accounts") if isinstance(body, dict) else None
    for row in accounts if isinstance(accounts, list) else []:
        if isinstance(row, dict) and row.get("type") in {"CRYPTO", "FIAT", "VAULT"}:
            row["type"] = f"ACCOUNT_TYPE_{row['type']}"
    return body


def _binance_dust(body: Json) -> Json:
    """`total` counts more conversions than the page lists; ccxt indexes by it and fails."""
    if isinstance(body, dict) and isinstance(rows := body.get("userAssetDribblets"), list):
        body["total"] = len(rows)
    return body


REPAIRS: dict[tuple[str, str], Callable[[Json], Json]] = {
    ("kraken", "BalanceEx"): _kraken_balance,
    ("bitstamp", "user_transactions/"): _bitstamp_transactions,
    ("bitstamp", "user_transactions/{pair}/"): _bitstamp_transactions,
    ("coinbase", "brokerage/accounts"): _coinbase_accounts,
    ("binance", "asset/dribblet"): _binance_dust,
}


def repaired(exchange: str, path: str, body: Json) -> Json:
    """Return the body as ccxt needs it; unknown endpoints pass untouched."""
    repair = REPAIRS.get((exchange, path))
    return repair(body) if repair else body
