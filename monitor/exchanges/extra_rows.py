"""What the rows of ledgers, incomes, transfers, conversions and dust are, so that no event is counted twice.

A ledger lists everything again: trades (the fills stream has them), deposits and withdrawals (streams of their own),
fees and results of contracts (they follow from the fills). Those rows are passed over here by name; a type that nobody
knows is an `adjust`, which shows as estimated.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.exchanges.bodies import canonical
from monitor.exchanges.dropped import dropped
from monitor.exchanges.fields import Digests, Row, Unreadable, fees, instant, number, raw, raw_row, text
from monitor.exchanges.ledger_types import MOVES_IN_AND_OUT
from monitor.exchanges.movements import conversion, dust, ledger_entry, transfer
from monitor.exchanges.normalise import Origin, Rows
from monitor.records import Movement, Quarantined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from monitor.records import MovementKind

    Read = Callable[[Row, Origin, Digests], Movement | None]

# Binance's income types; None: another stream has the row, or it follows from the fills.
INCOME: Mapping[str, str | None] = {
    "COMMISSION": None,
    "REALIZED_PNL": None,
    "FUNDING_FEE": None,
    "SPECIAL_FUNDING_FEE": "funding",
    "TRANSFER": MOVES_IN_AND_OUT,
    "INTERNAL_TRANSFER": MOVES_IN_AND_OUT,
    "CROSS_COLLATERAL_TRANSFER": MOVES_IN_AND_OUT,
    "STRATEGY_UMFUTURES_TRANSFER": MOVES_IN_AND_OUT,
    "COIN_SWAP_DEPOSIT": MOVES_IN_AND_OUT,
    "COIN_SWAP_WITHDRAW": MOVES_IN_AND_OUT,
    "INSURANCE_CLEAR": "settlement",
    "DELIVERED_SETTELMENT": "settlement",
    "COMMISSION_REBATE": "rebate",
    "API_REBATE": "rebate",
    "FEE_RETURN": "rebate",
    "REFERRAL_KICKBACK": "rebate",
    "WELCOME_BONUS": "income",
    "CONTEST_REWARD": "income",
    "BFUSD_REWARD": "income",
}
# Kraken's ledger types, or type/subtype; None as above. A wallet of Kraken's own beside the spot wallet is no holding
# of the spot account, but coins put to work (staking, earn) stay the account's.
KRAKEN: Mapping[str, str | None] = {
    "trade": None,
    "deposit": None,
    "withdrawal": None,
    "margin": None,
    "settled": None,
    "rollover": "settlement",
    "staking": "income",
    "reward": "income",
    "dividend": "income",
    "earn/reward": "income",
    "earn/allocation": "transfer",
    "earn/deallocation": "transfer",
    "earn/autoallocation": "transfer",
    "earn/migration": "transfer",
    "transfer/spottostaking": "transfer",
    "transfer/stakingfromspot": "transfer",
    "transfer/stakingtospot": "transfer",
    "transfer/spotfromstaking": "transfer",
    "transfer/spottofutures": MOVES_IN_AND_OUT,
    "transfer/spotfromfutures": MOVES_IN_AND_OUT,
}
# Two rows with one reference: so much of one asset became so much of another.
KRAKEN_SWAPS = frozenset({"spend", "receive", "conversion"})
CONVERTED = {"SUCCESS": "ok", "S": "ok", "FAIL": "failed", "F": "failed"}


def each(parsed: Sequence[Row], listed: Sequence[object], origin: Origin, read: Read) -> Rows:
    """Return the movements of an answer; a row that `read` gives None for belongs to another stream."""
    digests, found, bad = Digests(), list[Movement](), list[Quarantined]()
    for row in parsed:
        try:
            movement = read(row, origin, digests)
        except Unreadable as why:
            bad.append(Quarantined(origin.stream, str(why), canonical(raw(row))))
        else:
            found += [movement] if movement else []
    return Rows((), tuple(found), (*bad, *dropped(listed, parsed, origin)))


def entry(row: Row, kind: str, origin: Origin, digests: Digests) -> Movement:
    """Return a ledger row as a movement of a kind of ours; `in or out` by its direction.

    Raises:
        Unreadable: time, asset or amount is missing.
    """
    if kind != MOVES_IN_AND_OUT:
        return ledger_entry({**row, "type": kind}, origin, digests)
    kind = "withdrawal" if row.get("direction") == "out" else "deposit"
    # Coins are coins, whichever wallet they lie in; the other end may be another account of the desk.
    return replace(ledger_entry({**row, "type": kind}, origin, digests), book="spot")


def income(row: Row, origin: Origin, digests: Digests) -> Movement | None:
    """Return the movement of a row of Binance's income list, None if another stream has it."""
    said = text(raw_row(row), "incomeType") or ""
    kind = INCOME.get(said, said)
    return None if kind is None else entry(row, kind, origin, digests)


def funding(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return the movement of a funding payment as ccxt's fetchFundingHistory tells it: negative is paid.

    Raises:
        Unreadable: time, asset or amount is missing.
    """
    amount = number(row, "amount")
    identity = "|".join(part for part in (text(row, "symbol"), text(row, "id")) if part)
    entry = {
        **row,
        "type": "funding",
        "currency": row.get("code"),
        "direction": "out" if amount is not None and amount < 0 else "in",
        "id": identity if text(row, "id") else None,
    }
    return ledger_entry(entry, origin, digests)


def charged(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return the movement of a funding payment that Bybit tells as an execution; its fee is what was paid.

    Raises:
        Unreadable: time, asset or amount is missing.
    """
    paid = fees(row)
    if len(paid) != 1:
        raise Unreadable("a funding payment without its amount")
    amount = -paid[0].amount
    entry = {**row, "code": paid[0].asset, "amount": str(amount), "fee": None, "fees": []}
    return funding(entry, origin, digests)


def between_wallets(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return a transfer between two of Binance's wallets as the spot wallet sees it.

    Deposits may arrive in the funding wallet and are listed as deposits then: what goes there or comes from there is
    no second one.

    Raises:
        Unreadable: time, asset or amount is missing.
    """
    moved = transfer({**row, "toAccount": None}, origin, digests)
    source, _, target = (text(raw_row(row), "type") or "").partition("_")
    if "FUNDING" in {source, target} or not target:
        return moved
    kind: MovementKind = "withdrawal" if source == "MAIN" else "deposit"
    return replace(moved, kind=kind, received=None)


def sold_dust(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return the conversion of a leftover.

    ccxt tells USDT sold for BNB as a purchase in BNB/USDT; what was given up is told first here.

    Raises:
        Unreadable: time, an asset or an amount is missing.
    """
    if row.get("side") == "buy":
        base, _, quote = (text(row, "symbol") or "").partition("/")
        swapped = {"symbol": f"{quote}/{base}", "side": "sell", "amount": row.get("cost"), "cost": row.get("amount")}
        row = {**row, **swapped}
    return dust(row, origin, digests)


def converted(row: Row, origin: Origin, digests: Digests) -> Movement:
    """Return a conversion with its state; one that failed or is under way has changed nothing.

    Raises:
        Unreadable: time, an asset or an amount is missing.
    """
    info = raw_row(row)
    said = text(info, "orderStatus") or text(info, "status") or "SUCCESS"
    status = CONVERTED.get(said, "pending")
    return replace(conversion(row, origin, digests), status=status)  # type: ignore[arg-type]  # one of the three


def kraken_ledger(parsed: Sequence[Row], listed: Sequence[object], origin: Origin) -> Rows:
    """Return the movements of a page of Kraken's ledger."""
    swaps = [row for row in parsed if _said(row)[0] in KRAKEN_SWAPS]
    single = [row for row in parsed if _said(row)[0] not in KRAKEN_SWAPS]
    rows = each(single, [], origin, _kraken_entry)
    pairs = _swapped(swaps, origin)
    return Rows(
        (), rows.movements + pairs.movements, (*rows.quarantined, *pairs.quarantined, *dropped(listed, parsed, origin))
    )


def _said(row: Row) -> tuple[str, str]:
    info = raw_row(row)
    return text(info, "type") or "", text(info, "subtype") or ""


def _kraken_entry(row: Row, origin: Origin, digests: Digests) -> Movement | None:
    said, detail = _said(row)
    kind = KRAKEN.get(f"{said}/{detail}", KRAKEN.get(said, said))
    if kind is None:
        return None
    moved, identity = entry(row, kind, origin, digests), text(row, "id")
    # The venue's own export names the row by the same id, but may spell the asset differently (DOT.S, DOT).
    return replace(moved, key=f"ledger|kraken|{identity}") if identity else moved


def _swapped(rows: Iterable[Row], origin: Origin) -> Rows:
    """Return conversions from their two rows; a row whose partner is not in the answer is kept for a look."""
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[text(row, "referenceId") or ""].append(row)
    found, bad = list[Movement](), list[Quarantined]()
    for reference, group in groups.items():
        try:
            found.append(_swap(reference, group, origin))
        except Unreadable as why:
            bad += [Quarantined(origin.stream, str(why), canonical(raw(row))) for row in group]
    return Rows((), tuple(found), tuple(bad))


def _swap(reference: str, group: Sequence[Row], origin: Origin) -> Movement:
    given = [row for row in group if row.get("direction") == "out"]
    taken = [row for row in group if row.get("direction") == "in"]
    if not reference or len(given) != 1 or len(taken) != 1:
        raise Unreadable(f"a conversion of {len(group)} rows, not of one given and one received")
    (gave,), (got,) = given, taken
    asset, amount = text(gave, "currency"), number(gave, "amount")
    into, received = text(got, "currency"), number(got, "amount")
    if asset is None or amount is None or into is None or received is None:
        raise Unreadable("an asset or an amount is missing")
    return Movement(
        account=origin.stream.account,
        exchange=origin.exchange,
        key=f"convert|{asset}|{into}|{reference}",
        time=instant(gave),
        kind="convert",
        asset=asset,
        amount=abs(amount),
        to_asset=into,
        received=abs(received),
        fees=tuple(fee for row in (gave, got) for fee in fees(row) if fee.amount != Decimal(0)),
        raw=canonical([raw(gave), raw(got)]),
    )
