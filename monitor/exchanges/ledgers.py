"""Venues' ledgers, conversions and payments beside the fills: what each type of row is, and what it only tells again.

A row that restates a fill, a deposit or a withdrawal is passed over by name. A type that nobody here knows might be
either, so it is kept aside and its window stays unproven: an event counted twice would be silent, this is not.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.exchanges.extra_rows import converted, entry, funding
from monitor.exchanges.fields import Digests, Row, Unreadable, number, raw, raw_row, text
from monitor.exchanges.ledger_types import (
    BITFINEX,
    BY_SIGN,
    BYBIT,
    CRYPTOCOM,
    KUCOIN,
    MOVES_IN_AND_OUT,
    OKX,
    OKX_ASSET,
    OKX_FUNDING_ACCOUNT,
    OKX_TRADING_ACCOUNT,
    OKX_TRANSFERS,
)

if TYPE_CHECKING:
    from decimal import Decimal

    from monitor.exchanges.ledger_types import Kinds
    from monitor.exchanges.normalise import Origin
    from monitor.records import Movement


def bybit_ledger(row: Row, origin: Origin, digests: Digests) -> Movement | None:
    """Return the movement of a row of Bybit's transaction log, None if another stream has it.

    Raises:
        Unreadable: its type is unknown, or time, asset or amount is missing.
    """
    return _told(row, _kind(BYBIT, text(raw_row(row), "type")), (origin, digests))


def okx_ledger(row: Row, origin: Origin, digests: Digests) -> Movement | None:
    """Return the movement of a bill of OKX's trading account, None if another stream has it.

    What passes between it and the funding account stays with the account; a bill from one trading account to
    another is a sub-account's.

    Raises:
        Unreadable: its type is unknown, or time, asset or amount is missing.
    """
    info = raw_row(row)
    said, ends = text(info, "subType"), {text(info, "from"), text(info, "to")}
    if said in OKX_TRANSFERS and ends == {OKX_FUNDING_ACCOUNT, OKX_TRADING_ACCOUNT}:
        return None
    kind = MOVES_IN_AND_OUT if said in OKX_TRANSFERS and ends == {OKX_TRADING_ACCOUNT} else _kind(OKX, said)
    return _told(_signed(row, number(info, "balChg")), kind, (origin, digests))


def okx_funding_account(row: Row, origin: Origin, digests: Digests) -> Movement | None:
    """Return the movement of a bill of OKX's funding account, None if another stream has it.

    Raises:
        Unreadable: its type is unknown, or time, asset or amount is missing.
    """
    info = raw_row(row)
    return _told(_signed(row, number(info, "balChg")), _kind(OKX_ASSET, text(info, "type")), (origin, digests))


def cryptocom_ledger(row: Row, origin: Origin, digests: Digests) -> Movement | None:
    """Return the movement of a row of Crypto.com's journal, None if another stream has it.

    ccxt takes the order's id for the row's, which many rows share.

    Raises:
        Unreadable: its type is unknown, time, asset or amount is missing, or what it names is no asset.
    """
    info = raw_row(row)
    kind = _kind(CRYPTOCOM, text(info, "journal_type"))
    asset = text(row, "currency") or ""
    if kind is not None and not asset.isalnum():
        raise Unreadable(f"a row of the journal in {asset!r}, which is no asset")
    return _told({**row, "id": text(info, "journal_id")}, kind, (origin, digests))


def kucoin_ledger(row: Row, origin: Origin, digests: Digests) -> Movement | None:
    """Return the movement of a row of KuCoin's account ledger, None if another stream has it.

    Raises:
        Unreadable: its type is unknown, or time, asset or amount is missing.
    """
    return _told(row, _kind(KUCOIN, text(raw_row(row), "bizType")), (origin, digests))


def bitfinex_ledger(row: Row, origin: Origin, digests: Digests) -> Movement | None:
    """Return the movement of a line of Bitfinex's ledger, None if another stream has it.

    Raises:
        Unreadable: its sentence is unknown, or time, asset or amount is missing.
    """
    line = raw(row)
    said = str(line[8]) if isinstance(line, list) and len(line) > 8 else ""  # noqa: PLR2004 - where the sentence stands
    kind = next(([kind] for words, kind in BITFINEX if words.match(said)), None)
    if kind is None:
        raise Unreadable(f"a ledger row that says {said!r}, which another stream may have")
    return _told(_signed(row, number(row, "amount")), kind[0], (origin, digests))


def _kind(kinds: Kinds, said: str | None) -> str | None:
    if said is None or said not in kinds:
        raise Unreadable(f"a ledger row of the unknown type {said!r}, which another stream may have")
    return kinds[said]


def _signed(row: Row, change: Decimal | None) -> Row:
    """Return a row with its direction by the sign of the change of the balance."""
    return {**row, "direction": "out" if change is not None and change < 0 else "in"}


def _told(row: Row, kind: str | None, told: tuple[Origin, Digests]) -> Movement | None:
    """Return a ledger row as a movement of a kind; what a ledger states is the change of the balance, fee included."""
    if kind is None:
        return None
    if kind == BY_SIGN:
        kind = "fee" if row.get("direction") == "out" else "income"
    moved = entry({**row, "fee": None, "fees": []}, kind, *told)
    if moved.kind in {"fee", "rebate", "income"} and (row.get("direction") == "out") != (moved.kind == "fee"):
        # A gift taken back, or a fee that came back: neither may be booked the wrong way round.
        moved = replace(moved, kind="fee" if row.get("direction") == "out" else "income")
    return moved if moved.kind == "funding" else replace(moved, book="spot")


def paid(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return a funding payment; an id of zeros (Hyperliquid's hash) names nothing.

    Raises:
        Unreadable: time, asset or amount is missing.
    """
    identity = text(row, "id") or ""
    return funding({**row, "id": identity if identity.lower().strip("0x") else None}, origin, digests)


def bitget_funding(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return a funding payment of Bitget's bills.

    Raises:
        Unreadable: it is a bill of another kind, or time, asset or amount is missing.
    """
    said = text(raw_row(row), "businessType")
    if said != "contract_settle_fee":
        raise Unreadable(f"a bill of the type {said!r} among the funding payments")
    return paid(row, origin, digests)


def bitget_unified_funding(row: Row, origin: Origin, digests: Digests) -> Movement | None:
    """Return a funding payment of a unified account's records; its other records are trades.

    Raises:
        Unreadable: time, asset or amount is missing.
    """
    said = text(raw_row(row), "type") or ""
    return paid(row, origin, digests) if said.startswith("CONTRACT_MAIN_SETTLE_FEE_USER_") else None


def mexc_paid(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return a funding payment of MEXC, in the book of its market: a coin-margined one is paid in its base.

    Raises:
        Unreadable: time, asset or amount is missing.
    """
    base, _, rest = (text(row, "symbol") or "").partition("/")
    inverse = rest.partition(":")[2] == base
    return replace(paid(row, origin, digests), book="inverse" if inverse else "linear")


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
