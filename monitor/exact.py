"""Exact decimals: amounts and prices keep the text the exchange sent, never a binary float."""

from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation

from monitor.errors import AmountError

# 60 digits hold any sum of amounts with 18 decimals; Inexact is not trapped because money may divide.
CONTEXT = Context(prec=60)


def exact(text: str | int | Decimal) -> Decimal:
    """Return the decimal a text stands for, digit by digit.

    Raises:
        AmountError: the text is no finite decimal number (empty, NaN, infinite, words).
    """
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise AmountError(f"{text!r} is not a decimal number.", "Give digits with a point, such as 0.25.") from None
    if not number.is_finite():
        raise AmountError(f"{text!r} is not a finite number.", "Leave the field empty if the value is unknown.")
    return number


def plain(number: Decimal) -> str:
    """Return the canonical text: no exponent, no trailing zeros, no negative zero.

    >>> plain(Decimal("1.500E+3")), plain(Decimal("-0.00"))
    ('1500', '0')
    """
    text = str(number)  # takes a third of what format takes, and differs where it writes an exponent
    if "E" in text:
        text = format(number, "f") if number else "0"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
