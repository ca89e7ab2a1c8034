"""Everything that can be wrong with a row of an events file, each as one sentence that names the value.

A check is an expression that is null for a good row and the reason for a bad one; all reasons of a row are told at
once, so that a file is repaired in one go.
"""

from __future__ import annotations

from decimal import Decimal

import polars as pl

from monitor.interchange.columns import BOOKS, FILL_KINDS, KINDS, MOVEMENT_KINDS, SIDES, SIGNED_KINDS, did_you_mean
from monitor.interchange.symbols import ASSET

NUMBERS = ("amount", "price", "value", "received", "contract_size")
IS_FILL = pl.col("kind").is_in(FILL_KINDS)
IS_MOVEMENT = pl.col("kind").is_in(MOVEMENT_KINDS)
IS_TRANSFER = pl.col("kind") == "transfer"
IS_CONVERT = pl.col("kind") == "convert"
SIGNED = pl.col("kind").is_in(SIGNED_KINDS)


def reasons(frame: pl.DataFrame) -> pl.Series:
    """Return why each row is no event, null where it is one.

    `frame` has the file's text columns, canonical numbers as `<column>_exact`, `time_ms`, and the reasons that reading
    symbol and fees already found (`symbol_reason`, `fee_reason`).
    """
    # Most files hold fills only, and leave most columns empty: what cannot fail is not evaluated on every row.
    filled = frozenset(name for name in frame.columns if frame[name].null_count() < frame.height)
    is_fill = frame["kind"].is_in(FILL_KINDS).fill_null(value=False)
    checks = [
        *_time_and_account(filled),
        *_kinds(frame["kind"]),
        *_numbers(filled),
        *(_fills() if is_fill.any() else ()),
        *(pl.col(name) for name in ("symbol_reason", "fee_reason") if name in filled),
    ]
    if not is_fill.all():
        frame = frame.with_columns(excess=_excess(frame))
        checks += _movements()
    told = pl.concat_str(checks, separator="; ", ignore_nulls=True)
    return frame.select(reason=pl.when(told != "").then(told))["reason"]


def _bad(condition: pl.Expr, message: str, *columns: str) -> pl.Expr:
    """Return the message, its `{}` filled with the columns' text, where the condition holds."""
    quoted = [pl.concat_str(pl.lit("'"), pl.col(column), pl.lit("'")).fill_null("") for column in columns]
    text = pl.format(message, *quoted) if columns else pl.lit(message)
    return pl.when(condition).then(text)


def _missing(column: str, condition: pl.Expr) -> pl.Expr:
    """Return the reason where a column is empty although the kind needs it."""
    return _bad(condition & pl.col(column).is_null(), f"{column} is missing")


def _time_and_account(filled: frozenset[str]) -> list[pl.Expr]:
    """Return what every row needs first: when and where."""
    unread = pl.col("time").is_not_null() & pl.col("time_ms").is_null()
    how = "time {} is no instant; write 2026-01-31T08:00:00Z or epoch milliseconds"
    everywhere = pl.lit(value=True)
    damaged = [
        _bad(pl.col(name).str.contains(r"\p{Cc}"), f"{name} holds a control character")
        for name in ("account", "to_account", "symbol", "id", "order_id")
        if name in filled
    ]
    return [_missing("time", everywhere), _bad(unread, how, "time"), _missing("account", everywhere), *damaged]


def _kinds(kinds: pl.Series) -> list[pl.Expr]:
    """Return what is wrong with the kind; an unknown one gets the closest known one as a suggestion."""
    unknown = kinds.filter(~kinds.is_in(KINDS)).unique().to_list()
    meant = {kind: f"kind {kind!r} is unknown{did_you_mean(kind, KINDS)}" for kind in unknown if kind is not None}
    everywhere = pl.lit(value=True)
    told = pl.col("kind").replace_strict(meant, default=None, return_dtype=pl.String) if meant else pl.lit(None)
    return [_missing("kind", everywhere), told]


def _numbers(filled: frozenset[str]) -> list[pl.Expr]:
    """Return which numbers are none, and which are below zero without a right to be."""
    names = [name for name in NUMBERS if name in filled]
    unread = [
        _bad(pl.col(name).is_not_null() & pl.col(f"{name}_exact").is_null(), f"{name} {{}} is no decimal number", name)
        for name in names
    ]
    minus = [
        _bad(_below_zero(name) & ~(SIGNED & pl.lit(name in {"amount", "value"})), f"{name} {{}} is negative", name)
        for name in names
    ]
    return [*unread, *minus]


def _below_zero(name: str) -> pl.Expr:
    return pl.col(f"{name}_exact").str.starts_with("-")


def _is_zero(name: str) -> pl.Expr:
    return pl.col(f"{name}_exact") == "0"


def _fills() -> list[pl.Expr]:
    """Return what a trade or liquidation lacks."""
    wrong_side = IS_FILL & ~pl.col("side").is_in(SIDES)
    return [
        *(_missing(name, IS_FILL) for name in ("symbol", "side", "amount", "price")),
        _bad(wrong_side, "side {} is neither buy nor sell", "side"),
        _bad(IS_FILL & _is_zero("amount"), "amount is 0: nothing was traded"),
        _bad(IS_FILL & _is_zero("contract_size"), "contract_size is 0"),
    ]


def _movements() -> list[pl.Expr]:
    """Return what the other kinds lack."""
    no_asset = pl.col("asset").is_not_null() & ~pl.col("asset").str.contains(f"^(?:{ASSET})$")
    no_book = IS_MOVEMENT & ~pl.col("book").is_in(BOOKS)
    to_itself = IS_TRANSFER & (pl.col("to_account") == pl.col("account"))
    unused_price = IS_MOVEMENT & pl.col("price").is_not_null() & pl.col("value").is_null()
    negative_fee = IS_MOVEMENT & pl.col("fees").str.contains('"-', literal=True)
    return [
        _missing("asset", IS_MOVEMENT & ~IS_CONVERT),
        _missing("amount", IS_MOVEMENT),
        _missing("to_account", IS_TRANSFER),
        _missing("symbol", IS_CONVERT),
        _missing("received", IS_CONVERT),
        _bad(IS_MOVEMENT & no_asset, "asset {} is no asset", "asset"),
        _bad(no_book, "book {} is unknown; the books are " + ", ".join(BOOKS), "book"),
        _bad(to_itself, "to_account {} is the account itself", "to_account"),
        _bad(pl.col("excess"), "received {} is more than amount {}", "received", "amount"),
        _bad(IS_CONVERT & (_is_zero("received") | _is_zero("amount")), "a convert of nothing"),
        _bad(unused_price, "price does not apply to {}; give value, the total", "kind"),
        _bad(negative_fee, "fee {} is negative; write a rebate row", "fee"),
    ]


def _excess(frame: pl.DataFrame) -> pl.Series:
    """Return where a transfer brings more than was sent, compared exactly."""
    pairs = frame.select(pl.when(IS_TRANSFER).then("received_exact"), "amount_exact")
    return pl.Series(
        [
            received is not None and amount is not None and Decimal(received) > Decimal(amount)
            for received, amount in pairs.iter_rows()
        ],
        dtype=pl.Boolean,
    )
