"""What a row says by itself where ccxt left a field empty.

ccxt's parser of an exchange reads the fields of one answer; older, newer and neighbouring answers of the same venue
spell them differently, and the parsed row then has no side, say. Nothing is guessed here: a word counts only if
it can mean one thing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from monitor.exchanges.fields import Row, Unreadable, number, raw_row, text

if TYPE_CHECKING:
    from decimal import Decimal

    from monitor.records import Side

BUY = frozenset({"buy", "b", "bid", "bids", "long", "open_long", "close_short", "trade_direction_buy"})
SELL = frozenset({"sell", "s", "ask", "asks", "short", "open_short", "close_long", "trade_direction_sell"})
SIDE_FIELDS = ("side", "type", "direction", "orderSide", "order_side", "tradeType", "trade_type", "action")
BUYER_FIELDS = ("isBuyer", "is_buyer", "is_buy", "isBuy", "buyer")


def side_of(row: Row) -> Side:
    """Return the side: ccxt's, else the venue's own word or flag, else the sign of the amount.

    Raises:
        Unreadable: the row does not say.
    """
    said, info = text(row, "side"), raw_row(row)
    if said is not None and (told := _side(said)):
        return told
    for field in SIDE_FIELDS:
        if (word := text(info, field)) is not None and (told := _side(word)):
            return told
    for field in BUYER_FIELDS:
        if isinstance(flag := info.get(field), bool):
            return "buy" if flag else "sell"
    amount, cost = number(row, "amount"), number(row, "cost")
    if said is None and amount is not None and amount < 0 and (cost is None or cost != 0):
        return "sell"
    raise Unreadable(f"the side is {said!r}")


def _side(word: str) -> Side | None:
    plain = word.lower()
    return "buy" if plain in BUY else "sell" if plain in SELL else None


def direction(row: Row, stream: str) -> Literal["deposit", "withdrawal"]:
    """Return which way a transaction went: ccxt's word, else what the stream lists.

    Raises:
        Unreadable: neither says it.
    """
    said = (text(row, "type") or "").lower()
    for kind, words in DIRECTIONS.items():
        if said in words:
            return kind
    if said in {"", "transaction"} or said.isdigit():
        if stream == "deposits":
            return "deposit"
        if stream == "withdrawals":
            return "withdrawal"
    raise Unreadable(f"the type is {text(row, 'type')!r}")


DIRECTIONS: dict[Literal["deposit", "withdrawal"], frozenset[str]] = {
    "deposit": frozenset({"deposit", "deposits", "transfer_in", "in", "receive", "credit"}),
    "withdrawal": frozenset({"withdrawal", "withdrawals", "withdraw", "withdraws", "transfer_out", "out", "send"}),
}


def priced(row: Row, amount: Decimal) -> Decimal:
    """Return the price; where only the cost is stated, the cost of one unit.

    Raises:
        Unreadable: neither is stated, or it is not above zero.
    """
    price = number(row, "price")
    if price is None and (cost := number(row, "cost")) is not None:
        price = abs(cost) / amount
    if price is None:
        raise Unreadable("price is missing")
    if price <= 0:
        raise Unreadable(f"price is {price}")
    return price
