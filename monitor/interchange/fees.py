"""The fee columns: one fee, several separated by `;`, or none, into the ledger's list of fees.

A negative fee of a fill is a rebate. A zero without an asset is no fee.
"""

from __future__ import annotations

import json
import re

import polars as pl

from monitor.interchange.symbols import ASSET
from monitor.interchange.values import decimal_text, decimals

NO_FEES = "[]"
PLAIN_ASSET = r'^[!-~&&[^"\\/:;,]]+$'


def fee_lists(frame: pl.DataFrame) -> pl.DataFrame:
    """Return columns `fees` (JSON [[asset, amount], ...]) and `fee_reason` (why they cannot be read, else null)."""
    fee, asset = frame["fee"], frame["fee_asset"]
    amount = decimals(fee)
    single = amount.is_not_null() & asset.str.contains(PLAIN_ASSET).fill_null(value=False)
    one = pl.select(pl.format('[["{}","{}"]]', asset, amount)).to_series()
    common = one.zip_with(single, pl.Series([NO_FEES], dtype=pl.String))
    done = single | fee.is_null()
    odd = pl.DataFrame({"fee": fee, "fee_asset": asset, "fees": common}).with_columns(done=done)
    if done.all():
        return odd.select("fees", fee_reason=pl.lit(None, pl.String))
    known = odd.filter(~pl.col("done")).select("fee", "fee_asset").unique()
    read = [_several(amounts, assets or "") for amounts, assets in known.iter_rows()]
    found = known.with_columns(
        pl.Series("slow", [fees for fees, _ in read], dtype=pl.String),
        pl.Series("fee_reason", [reason for _, reason in read], dtype=pl.String),
    )
    joined = odd.join(found, on=["fee", "fee_asset"], how="left", nulls_equal=True, maintain_order="left")
    return joined.select(
        pl.when("done").then("fees").otherwise("slow").alias("fees"),
        pl.when(~pl.col("done")).then("fee_reason"),
    )


def _several(amounts: str, assets: str) -> tuple[str | None, str | None]:
    """Return the fees two `;` lists name, or the reason why they name none."""
    names = [name.strip() for name in assets.split(";")] if assets else []
    texts = [text.strip() for text in amounts.split(";")]
    numbers = [decimal_text(text) for text in texts]
    if None in numbers:
        return None, f"fee {amounts!r} is no decimal number"
    if not names and set(numbers) == {"0"}:
        return NO_FEES, None
    if not names:
        return None, f"fee {amounts!r} has no fee_asset"
    if len(names) != len(numbers):
        return None, f"fee {amounts!r} and fee_asset {assets!r} are lists of different length"
    if wrong := [name for name in names if not re.fullmatch(ASSET, name)]:
        return None, f"fee_asset {wrong[0]!r} is no asset"
    return json.dumps([list(pair) for pair in zip(names, numbers, strict=True)], separators=(",", ":")), None
