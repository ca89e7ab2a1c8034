"""From ccxt's deposits, withdrawals, transfers and ledger entries to movements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from monitor.exchanges.bodies import canonical
from monitor.exchanges.dropped import dropped
from monitor.exchanges.fields import Digests, Row, Unreadable, fees, instant, number, raw, raw_row, text
from monitor.exchanges.normalise import Origin, Rows
from monitor.exchanges.spoken import direction
from monitor.records import Movement, MovementKind, Quarantined

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FAILED = frozenset({"failed", "canceled", "cancelled", "expired", "rejected", "refunded"})
# ccxt's unified ledger types. Trades and own transfers reach us as fills, deposits and withdrawals.
LEDGER_KINDS: dict[str, MovementKind] = {
    "deposit": "deposit",
    "withdrawal": "withdrawal",
    "transfer": "transfer",
    "fee": "fee",
    "rebate": "rebate",
    "cashback": "rebate",
    "referral": "income",
    "reward": "income",
    "staking": "income",
    "airdrop": "income",
    "interest": "income",
    "income": "income",
    "funding": "funding",
    "margin": "settlement",
    "settlement": "settlement",
    "convert": "convert",
}
SIGNED: frozenset[MovementKind] = frozenset({"funding", "settlement", "adjust"})


def transaction(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return the movement of one ccxt deposit or withdrawal.

    Raises:
        Unreadable: time, asset, amount or direction is missing.
    """
    kind = direction(row, origin.stream.kind)
    asset, amount = text(row, "currency") or named_asset(row), number(row, "amount")
    if asset is None or amount is None:
        raise Unreadable("asset or amount is missing")
    txid = text(row, "txid")
    identity = text(row, "id") or txid or digests.key(raw(row))
    return Movement(
        account=origin.stream.account,
        exchange=origin.exchange,
        key=f"{kind}|{asset}|{identity}",
        time=instant(row),
        kind=kind,
        asset=asset,
        amount=abs(amount),
        fees=tuple(fee for fee in fees(row) if fee.amount != 0),
        network_id=txid,
        status=_status(text(row, "status")),
        raw=canonical(raw(row)),
    )


def named_asset(row: Row) -> str | None:
    """Return the asset that the venue's own row names where ccxt looked elsewhere."""
    info = raw_row(row)
    return next((name for field in ("currency", "asset", "coin", "ccy") if (name := text(info, field))), None)


def _status(said: str | None) -> Literal["ok", "pending", "failed"]:
    # Venues that list only finished transactions give no status; a status nobody knows has not finished.
    if said is None or said == "ok":
        return "ok"
    return "failed" if said.lower() in FAILED else "pending"


def ledger_entry(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return the movement of one ccxt ledger entry.

    Raises:
        Unreadable: time, asset or amount is missing.
    """
    asset, amount = text(row, "currency"), number(row, "amount")
    if asset is None or amount is None:
        raise Unreadable("asset or amount is missing")
    said = text(row, "type") or ""
    if said == "transaction":  # some classes do not say which
        said = "withdrawal" if row.get("direction") == "out" else "deposit"
    kind = LEDGER_KINDS.get(said, "adjust")
    signed = -abs(amount) if row.get("direction") == "out" else abs(amount)
    return Movement(
        account=origin.stream.account,
        exchange=origin.exchange,
        key=f"ledger|{said}|{asset}|{text(row, 'id') or digests.key(raw(row))}",
        time=instant(row),
        kind=kind,
        asset=asset,
        amount=signed if kind in SIGNED else abs(amount),
        fees=tuple(fee for fee in fees(row) if fee.amount != 0),
        book=origin.stream.book,
        raw=canonical(raw(row)),
    )


def transfer(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return the movement of one ccxt transfer between wallets of the account.

    Raises:
        Unreadable: time, asset or amount is missing.
    """
    asset, amount = text(row, "currency"), number(row, "amount")
    if asset is None or amount is None:
        raise Unreadable("asset or amount is missing")
    return Movement(
        account=origin.stream.account,
        exchange=origin.exchange,
        key=f"transfer|{asset}|{text(row, 'id') or digests.key(raw(row))}",
        time=instant(row),
        kind="transfer",
        asset=asset,
        amount=abs(amount),
        to_account=text(row, "toAccount"),
        received=abs(amount),
        status=_status(text(row, "status")),
        raw=canonical(raw(row)),
    )


def conversion(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return the movement of one ccxt conversion: so much of one asset became so much of another.

    Raises:
        Unreadable: time, an asset or an amount is missing.
    """
    asset, amount = text(row, "fromCurrency"), number(row, "fromAmount")
    into, received = text(row, "toCurrency"), number(row, "toAmount")
    if asset is None or amount is None or into is None or received is None:
        raise Unreadable("an asset or an amount is missing")
    return Movement(
        account=origin.stream.account,
        exchange=origin.exchange,
        key=f"convert|{asset}|{into}|{text(row, 'id') or digests.key(raw(row))}",
        time=instant(row),
        kind="convert",
        asset=asset,
        amount=abs(amount),
        to_asset=into,
        received=abs(received),
        fees=tuple(fee for fee in fees(row) if fee.amount != 0),
        raw=canonical(raw(row)),
    )


def dust(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return the conversion that ccxt tells as a trade: a leftover sold to the venue, the charge taken off.

    `received` is before the charge, which is the fee.

    Raises:
        Unreadable: time, an asset or an amount is missing.
    """
    asset, _, into = (text(row, "symbol") or "").partition("/")
    amount, received = number(row, "amount"), number(row, "cost")
    if not asset or not into or amount is None or received is None:
        raise Unreadable("an asset or an amount is missing")
    return Movement(
        account=origin.stream.account,
        exchange=origin.exchange,
        key=f"dust|{asset}|{into}|{text(row, 'order') or ''}|{text(row, 'id') or digests.key(raw(row))}",
        time=instant(row),
        kind="convert",
        asset=asset,
        amount=amount,
        to_asset=into,
        received=received,
        fees=tuple(fee for fee in fees(row) if fee.amount != 0),
        raw=canonical(raw(row)),
    )


def movements(
    parsed: Sequence[Row],
    listed: Sequence[object],
    origin: Origin,
    read: Callable[[Row, Origin, Digests], Movement],
) -> Rows:
    """Return every movement of an answer; `listed` are the raw rows of its body, `read` what makes one of a row."""
    digests, found, bad = Digests(), list[Movement](), list[Quarantined]()
    for row in parsed:
        if read is ledger_entry and row.get("type") == "trade":
            continue  # the fills stream has it, with its price
        try:
            found.append(read(row, origin, digests))
        except Unreadable as why:
            bad.append(Quarantined(origin.stream, str(why), canonical(raw(row))))
    return Rows((), tuple(found), (*bad, *dropped(listed, parsed, origin)))
