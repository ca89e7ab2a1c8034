"""The columns of an events file and which of them mean something for which kind of event.

One row is one event; a column that does not apply to the kind is left empty. What is required, what may be negative
and what is merely ignored is stated here once, so that reading, writing and the error messages agree.
"""

from __future__ import annotations

from difflib import get_close_matches

EVENT_COLUMNS = (
    "time",
    "account",
    "kind",
    "symbol",
    "side",
    "amount",
    "price",
    "asset",
    "value",
    "fee",
    "fee_asset",
    "id",
    "order_id",
    "to_account",
    "received",
    "book",
    "contract_size",
)
PRICE_COLUMNS = ("time", "asset", "price")
# A header without these cannot describe any event.
NEEDED_COLUMNS = ("time", "account", "kind", "amount")

FILL_KINDS = ("trade", "liquidation")
MOVEMENT_KINDS = (
    "opening",
    "deposit",
    "withdrawal",
    "transfer",
    "income",
    "fee",
    "rebate",
    "funding",
    "settlement",
    "convert",
    "adjust",
    "write_off",
)
KINDS = FILL_KINDS + MOVEMENT_KINDS
# Paid out as well as received, so a minus is no mistake there.
SIGNED_KINDS = ("funding", "settlement", "adjust")
SIDES = ("buy", "sell")
BOOKS = ("spot", "margin", "linear", "inverse", "option")

# What only some kinds use; a value anywhere else is ignored, and the summary says so. A funding or settlement row
# often names the contract it belongs to: harmless, and not worth a remark.
USED_BY = {
    "symbol": (*FILL_KINDS, "convert", "funding", "settlement"),
    "side": FILL_KINDS,
    "price": FILL_KINDS,
    "contract_size": FILL_KINDS,
    "asset": MOVEMENT_KINDS,
    "value": MOVEMENT_KINDS,
    "to_account": ("transfer",),
    "received": ("transfer", "convert"),
}


def did_you_mean(word: str, known: tuple[str, ...]) -> str:
    """Return ` (did you mean 'amount'?)` for a word close to a known one, else nothing."""
    close = get_close_matches(word.strip().lower(), known, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
