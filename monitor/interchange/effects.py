"""What newly stored rows touch, summed up for a whole file at once.

The ledger keeps, beside the rows, which assets an account has ever had to do with, which pairs were traded, which
fills paid a fee in a third asset, and from when on an asset's derived rows are stale.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from monitor.interchange.batches import BATCH
from monitor.interchange.fees import NO_FEES

# One fee in an asset that is written plainly: by far the most.
ONE_FEE = r'^\[\["([^"\\]+)","[^"\\]*"\]\]$'

# What is needed of a row that paid a fee.
PAID = ("id", "account", "to_account", "time_ms", "base", "quote", "fees")


@dataclass(frozen=True, slots=True)
class Effects:
    """`seen`: (account, asset, first instant, last instant); `third_fees`: (asset, instant, fill id).

    `ids`: (account, first id, last id) of the fills.
    """

    seen: tuple[tuple[str, str, int, int], ...] = ()
    pairs: tuple[tuple[str, str], ...] = ()
    third_fees: tuple[tuple[str, int, int], ...] = ()
    ids: tuple[tuple[str, int, int], ...] = ()


def effects(fills: pl.DataFrame, movements: pl.DataFrame) -> Effects:
    """Return what rows touch; `fills` carry the ids they are stored under."""
    legs, third = [], []
    # What a slice takes is gone before the next: of ten million fills all at once it would be a gigabyte.
    for part in [*fills.iter_slices(BATCH)] or [fills]:
        paid = _fee_assets(part)
        legs += [_legs(part, "base"), _legs(part, "quote"), _legs(paid, "fee_asset")]
        third.append(_in_third(paid))
    legs += [_legs(movements, "asset"), _legs(movements, "to_asset"), _legs(_fee_assets(movements), "fee_asset")]
    seen = _spans(pl.concat(legs)).sort("account", "asset")
    ids = fills.group_by("account").agg(first=pl.col("id").min(), last=pl.col("id").max())
    return Effects(
        tuple(seen.iter_rows()),
        tuple(fills.select("base", "quote").unique().cast(pl.String).sort("base", "quote").iter_rows()),
        # In the order of the table's key: rows that come sorted are appended.
        tuple(pl.concat(third).unique().sort(pl.all()).iter_rows()),
        tuple(sorted(ids.iter_rows())),
    )


def _in_third(paid: pl.DataFrame) -> pl.DataFrame:
    """Return asset, instant and fill of the fees that were paid in neither the base nor the quote."""
    own = [pl.col(name).cast(pl.String) for name in ("base", "quote")]
    third = paid.filter(pl.all_horizontal(pl.col("fee_asset") != name for name in own))
    return third.select("fee_asset", "time_ms", "id")


def _legs(frame: pl.DataFrame, column: str) -> pl.DataFrame:
    """Return the spans of one column of assets; of a transfer, the arriving account's too."""
    legs = _spans(frame.select("account", asset=column, first="time_ms", last="time_ms"))
    if "to_account" not in frame.columns:
        return legs
    arriving = frame.filter(pl.col("to_account").is_not_null())
    there = arriving.select(account="to_account", asset=column, first="time_ms", last="time_ms")
    return pl.concat([legs, _spans(there)])


def _spans(legs: pl.DataFrame) -> pl.DataFrame:
    """Return from when to when each account has to do with each asset."""
    return (
        legs.drop_nulls("asset")
        .group_by("account", "asset")
        .agg(pl.col("first").min(), pl.col("last").max())
        .with_columns(pl.col("account", "asset").cast(pl.String))
    )


def _fee_assets(frame: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each fee of each row, with `fee_asset`; JSON is read only where an asset is not plain."""
    columns = [name for name in PAID if name in frame.columns]
    charged = (
        frame.select(columns)
        .filter(pl.col("fees") != NO_FEES)
        .with_columns(fee_asset=pl.col("fees").str.extract(ONE_FEE))
    )
    odd = charged.filter(pl.col("fee_asset").is_null())
    if odd.is_empty():
        return charged
    fees = odd["fees"].str.json_decode(pl.List(pl.List(pl.String)))
    several = odd.with_columns(fee_asset=fees).explode("fee_asset").with_columns(pl.col("fee_asset").list.first())
    return pl.concat([charged.filter(pl.col("fee_asset").is_not_null()), several])
