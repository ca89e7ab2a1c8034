"""Quantities of fills that no int64 holds on the way: the same rules, one row at a time, digit by digit.

Signs are turned by `copy_negate`: a plain minus would round to the 28 digits of the default context.
"""

from __future__ import annotations

import json
from decimal import Decimal
from math import isnan
from typing import TYPE_CHECKING

from monitor.exact import exact
from monitor.turnover.amounts import DIGITS, NO_INTEGER, split
from monitor.turnover.fills import AMOUNTS

if TYPE_CHECKING:
    from monitor.turnover.fees import FeeTable
    from monitor.turnover.ledger import Ledger


def exact_parts(quantity: Decimal) -> tuple[int, int, str | None]:
    """Return mantissa, decimals and, where no int64 holds the mantissa, the text."""
    mantissa, decimals, text = split(quantity)
    return (NO_INTEGER if mantissa is None else mantissa), decimals, text


class WideFill:
    """One fill, its texts read as decimals."""

    def __init__(self, ledger: Ledger, table: FeeTable, row: int) -> None:
        """Look at a row of the fills."""
        self._ledger, self._table, self._row = ledger, table, row
        self._fill = ledger.fills.rows[row]
        shape = ledger.fills.shapes[ledger.fills.shape[row]]
        self._is_coin, self._buys = bool(shape["is_coin"]), bool(shape["buys"])

    def base(self) -> Decimal:
        """Return what a fill does to its base: amount less base fee of a purchase, amount and fee of a sale."""
        size = Decimal(1) if self._is_coin else self._number("contract_size", "1")
        amount = DIGITS.multiply(self._number("amount"), size)
        signed = amount if self._buys else amount.copy_negate()
        return DIGITS.subtract(signed, self._fee(int(self._fill["base_fee"])))

    def quote(self) -> Decimal:
        """Return what a fill does to its quote: cost and fee leave on a purchase, cost less fee comes in on a sale."""
        product = DIGITS.multiply(self._number("amount"), self._number("price"))
        cost = self._ledger.texts["cost"].column[self._row] if "cost" in self._ledger.texts else None
        paid, fee = product if cost is None else exact(cost), self._fee(int(self._fill["quote_fee"]))
        return DIGITS.add(paid, fee).copy_negate() if self._buys else DIGITS.subtract(paid, fee)

    def fee(self, place: int) -> Decimal:
        """Return what a fee does to the asset it is paid in."""
        return self._fee(place).copy_negate()

    def _fee(self, place: int) -> Decimal:
        if place < 0:
            return Decimal(0)
        told = self._table.exact.get(place)
        return told if told is not None else exact(json.loads(self._ledger.texts["fees"].column[self._row])[0][1])

    def _number(self, name: str, missing: str = "0") -> Decimal:
        if name in self._ledger.texts:
            text = self._ledger.texts[name].column[self._row]
            return exact(missing if text is None else text)
        if name not in AMOUNTS or isnan(self._fill[f"{name}_near"]):
            return Decimal(missing)
        # what is written plainly is known by its digits alone
        return Decimal(int(self._fill[name])).scaleb(-int(self._fill[f"{name}_decimals"]))
