"""Venues' ledgers, conversions and payments beside the fills: what each type of row is, and what it only tells again.

A row that restates a fill, a deposit or a withdrawal is passed over by name. A type that nobody here knows might be
either, so it is kept aside and its window stays unproven: an event counted twice would be silent, this is not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.exchanges.extra_rows import converted, funding
from monitor.exchanges.fields import Digests, Row, Unreadable, raw_row, text
from monitor.exchanges.movements import ledger_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.exchanges.normalise import Origin
    from monitor.records import Movement

BY_SIGN = "paid or earned"
# Bybit's transaction log of a unified account (https://bybit-exchange.github.io/docs/v5/enum#typeuta-translog); None:
# the fills, the funding stream, deposits or withdrawals have it, or coins only changed wallets inside the account.
BYBIT: Mapping[str, str | None] = {
    "TRANSFER_IN": None,
    "TRANSFER_OUT": None,
    "TRADE": None,
    "SETTLEMENT": None,
    "DELIVERY": None,
    "LIQUIDATION": None,
    "ADL": None,
    "AIRDROP": "airdrop",
    "BONUS": "income",
    "BONUS_RECOLLECT": BY_SIGN,
    "FEE_REFUND": "rebate",
    "INTEREST": BY_SIGN,
    "AUTO_INTEREST_REPAYMENT": BY_SIGN,
    # One row for each asset of a conversion: what was given up and what was received do not name each other.
    "CURRENCY_BUY": "adjust",
    "CURRENCY_SELL": "adjust",
}


def bybit_ledger(row: Row, origin: Origin, digests: Digests) -> Movement | None:
    """Return the movement of a row of Bybit's transaction log, None if another stream has it.

    Raises:
        Unreadable: its type is unknown, or time, asset or amount is missing.
    """
    return _typed(row, BYBIT, "type", (origin, digests))


def _typed(row: Row, kinds: Mapping[str, str | None], field: str, told: tuple[Origin, Digests]) -> Movement | None:
    said = text(raw_row(row), field) or ""
    if said not in kinds:
        raise Unreadable(f"a ledger row of the unknown type {said!r}, which another stream may have")
    kind = kinds[said]
    if kind is None:
        return None
    if kind == BY_SIGN:
        kind = "fee" if row.get("direction") == "out" else "income"
    # What a ledger states is the change of the balance: the fee is in it.
    return replace(ledger_entry({**row, "type": kind, "fee": None, "fees": []}, *told), book="spot")


def paid(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return a funding payment; an id of zeros (Hyperliquid's hash) names nothing.

    Raises:
        Unreadable: time, asset or amount is missing.
    """
    identity = text(row, "id") or ""
    return funding({**row, "id": identity if identity.lower().strip("0x") else None}, origin, digests)


def paid_in_usdt(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return a funding payment of Gate's USDT account book: ccxt finds no market in its text, and so no asset.

    Raises:
        Unreadable: time or amount is missing.
    """
    return paid({**row, "code": "USDT"}, origin, digests)


def okx_converted(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return one of OKX's conversions: a purchase gives the quote asset for the base, which ccxt tells the other way.

    Raises:
        Unreadable: time, an asset or an amount is missing.
    """
    info = raw_row(row)
    if text(info, "side") == "buy":
        names = ("fromCurrency", "toCurrency"), ("fromAmount", "toAmount")
        row = {**row, **{name: row.get(other) for pair in names for name, other in (pair, pair[::-1])}}
    failed = text(info, "state") in {"rejected", "failed"}
    return replace(converted(row, origin, digests), status="failed" if failed else "ok")
