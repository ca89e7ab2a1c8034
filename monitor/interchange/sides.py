"""Exports that tell what went out and what came in, in one row: Koinly, CoinTracking.

Where both sides are there it is a trade; no market is named, so that the asset which comes first among the mapping's
quotes is the quote. Both amounts stand as they are: the price is their ratio, the cost the quote's own amount.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING

from monitor.exact import plain
from monitor.interchange import spelling
from monitor.interchange.columns import SIGNED_KINDS
from monitor.interchange.spelling import Unclear
from monitor.interchange.values import MOST_DIGITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.interchange.foreign import Line
    from monitor.interchange.translate import Event, Translation

FINE = Context(prec=MOST_DIGITS, rounding=ROUND_HALF_EVEN)
LAST_DIGIT = Decimal(1).scaleb(-MOST_DIGITS)
INCOMING = ("deposit", "income", "rebate", "opening")
OUTGOING = ("withdrawal", "fee", "write_off")
NO_MARKET = "trades of two assets that are no usual quote: the market is taken as received/sent"
THIRD_FEE = "a fee in a third asset, which is information only there: a fee row of its own counts"


@dataclass(frozen=True, slots=True)
class Side:
    """An amount of an asset that came or went."""

    asset: str
    amount: Decimal


def read_sides(work: Translation) -> None:
    """Read an export with what was sent and received in one row."""
    for line in work.export.lines:
        try:
            work.events.append(_sided(work, line))
        except Unclear as reason:
            work.refuse(line, reason)


def _sided(work: Translation, line: Line) -> Event:
    """Return the event of a row of two sides, one of which may be empty."""
    event = work.begun(line)
    sent, received, fee = (_side(work, line, name) for name in ("sent", "received", "fee"))
    if sent is None and received is None:
        raise Unclear("nothing was sent and nothing received")
    fees = [] if fee is None or fee.amount == 0 else [fee]
    if fees and work.mapping.fees == "included":
        sent, received, fees = _freed(work, sent, received, fees[0])
    if kept := work.text(line, "id"):
        event["id"] = kept
    word = (work.text(line, "type") or "").lower()
    kind = _kind(work, word, sent, received)
    if sent is not None and received is not None:
        return {**event, **_both(work, kind, sent, received), **fee_columns(fees)}
    return {**event, **_one(work, line, kind, sent, received), **fee_columns(fees)}


def _side(work: Translation, line: Line, name: str) -> Side | None:
    """Return one side of a row."""
    amount, code = work.number(line, name), work.text(line, f"{name}_asset")
    if amount is None or (amount == 0 and (code is None or name == "fee")):
        return None
    if code is None:
        raise Unclear(f"{work.mapping.columns[name][0]} {plain(amount)} has no asset")
    return Side(spelling.asset(code, work.mapping), abs(amount))


def _freed(
    work: Translation, sent: Side | None, received: Side | None, fee: Side
) -> tuple[Side | None, Side | None, list[Side]]:
    """Take a fee out of amounts that include it; one in a third asset is not part of the row."""
    if sent is not None and sent.asset == fee.asset:
        if fee.amount > sent.amount:
            raise Unclear(f"the fee {plain(fee.amount)} is more than the {plain(sent.amount)} it is part of")
        return Side(sent.asset, sent.amount - fee.amount), received, [fee]
    if received is not None and received.asset == fee.asset:
        return sent, Side(received.asset, received.amount + fee.amount), [fee]
    work.told[THIRD_FEE] += 1
    return sent, received, []


def _kind(work: Translation, word: str, sent: Side | None, received: Side | None) -> str:
    """Return what a row's word means here; without a word its sides tell."""
    both = sent is not None and received is not None
    if not word:
        return "trade" if both else "withdrawal" if received is None else "deposit"
    kind = work.mapping.kinds.get(word)
    if kind is None:
        raise Unclear(f"{word!r} means nothing here; give it a kind in a mapping's [kinds]")
    if both != (kind in {"trade", "convert"}):
        raise Unclear(f"{word!r} is a {kind}, which the amounts do not fit")
    if (kind in INCOMING and received is None) or (kind in OUTGOING and sent is None):
        raise Unclear(f"{word!r} is a {kind}, but the amount goes the other way")
    return kind


def _both(work: Translation, kind: str, sent: Side, received: Side) -> Event:
    """Return what a trade or a redenomination of two amounts says."""
    if sent.asset == received.asset:
        raise Unclear(f"{sent.asset} was sent and received: between which accounts is not told")
    if kind == "convert":
        pair = f"{sent.asset}/{received.asset}"
        return {"kind": kind, "symbol": pair, "amount": plain(sent.amount), "received": plain(received.amount)}
    return traded(work, sent, received)


def traded(work: Translation, sent: Side, received: Side) -> Event:
    """Return the fill of two amounts.

    Raises:
        Unclear: one of them is nothing.
    """
    if not sent.amount or not received.amount:
        raise Unclear("one side of the trade is 0")
    ranks = {work.mapping.assets.get(code, code): rank for rank, code in enumerate(work.mapping.quotes)}
    bought = ranks.get(sent.asset, len(ranks)) <= ranks.get(received.asset, len(ranks))
    if sent.asset not in ranks and received.asset not in ranks:
        work.told[NO_MARKET] += 1
    base, quote = (received, sent) if bought else (sent, received)
    price = FINE.divide(quote.amount, base.amount)
    if price.as_tuple().exponent < -MOST_DIGITS:  # type: ignore[operator]  # the quotient of finite numbers is finite
        price = price.quantize(LAST_DIGIT, context=FINE)
    return {
        "kind": "trade",
        "symbol": f"{base.asset}/{quote.asset}",
        "side": "buy" if bought else "sell",
        "amount": plain(base.amount),
        "price": plain(price),
        "cost": plain(quote.amount),
    }


def _one(work: Translation, line: Line, kind: str, sent: Side | None, received: Side | None) -> Event:
    """Return what a movement says; its worth only in the reporting currency."""
    side = received if received is not None else sent
    assert side is not None  # noqa: S101  one of the two is there, or the row was refused
    minus = "-" if received is None and kind in SIGNED_KINDS else ""
    told: Event = {"kind": kind, "asset": side.asset, "amount": f"{minus}{plain(side.amount)}"}
    worth = work.number(line, "value")
    if worth is not None and received is not None and kind not in SIGNED_KINDS:
        if work.text(line, "value_asset") == work.source.currency:
            told["value"] = plain(worth)
        else:
            work.told[f"a worth that is not in {work.source.currency}: the mark is taken"] += 1
    return told


def fee_columns(fees: Sequence[Side]) -> Event:
    """Return fees in the columns of an events file."""
    if not fees:
        return {}
    return {"fee": ";".join(plain(fee.amount) for fee in fees), "fee_asset": ";".join(fee.asset for fee in fees)}
