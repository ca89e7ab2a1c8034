"""The fees of a fill where ccxt 4.5.90 reads them wrongly: dropped, doubled, or with the wrong sign.

| venue | ccxt | here |
|---|---|---|
| bingx | the magnitude of `commission`: a rebate looks like a charge | its sign: negative is charged |
| bitget | the first entry of `feeDetail`; the sign of unified accounts turned | every entry, charged above zero |
| bybit | `execFee` alone | and `extraFees`, what a country adds |
| hyperliquid | `fee` + `builderFee`, though the venue's fee holds the builder's | `fee` |
| kucoin | `fee` alone | and `tax`, what a country adds, in the fee's asset |
| krakenfutures | the market's rate times the cost: a guess | none: the list of fills tells no fee |

Elsewhere ccxt's own fees are taken. Drop a row of the table when ccxt reads it itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from monitor.exchanges.fields import Row, Unreadable, fees, number, raw_row, text
from monitor.records import Fee

if TYPE_CHECKING:
    from collections.abc import Callable


def charges(exchange: str, row: Row, usual: str | None) -> tuple[Fee, ...]:
    """Return every fee of a fill; negative is a rebate. `usual`: the asset of a fee that names none.

    Raises:
        Unreadable: a fee is no number, or charged in an asset that is not named.
    """
    told = fees(row, usual)
    reader = READERS.get(exchange)
    return told if reader is None else reader(raw_row(row), told)


def _bingx(info: Row, told: tuple[Fee, ...]) -> tuple[Fee, ...]:
    amount = number(info, "commission")
    return told if amount is None else tuple(Fee(fee.asset, -amount) for fee in told)


def _bitget(info: Row, told: tuple[Fee, ...]) -> tuple[Fee, ...]:
    found = []
    for entry in _entries(info.get("feeDetail")):
        asset, total, fee = text(entry, "feeCoin"), number(entry, "totalFee"), number(entry, "fee")
        amount = fee if total is None else -total
        if asset and amount is not None:
            found.append(Fee(asset.upper(), amount))
    return tuple(found) or told


def _bybit(info: Row, told: tuple[Fee, ...]) -> tuple[Fee, ...]:
    extra = []
    for entry in _entries(info.get("extraFees")):
        asset, amount = text(entry, "feeCoin"), number(entry, "fee")
        if amount:
            extra.append(Fee(_named(asset, amount), amount))
    return (*told, *extra)


def _kucoin(info: Row, told: tuple[Fee, ...]) -> tuple[Fee, ...]:
    amount = number(info, "tax")
    return (*told, Fee(_named(text(info, "feeCurrency"), amount), amount)) if amount else told


def _hyperliquid(info: Row, told: tuple[Fee, ...]) -> tuple[Fee, ...]:
    amount = number(info, "fee")
    return told if amount is None else tuple(Fee(fee.asset, amount) for fee in told)


def _named(asset: str | None, amount: object) -> str:
    if not asset:
        raise Unreadable(f"a fee of {amount} names no asset")
    return asset.upper()


def _entries(value: object) -> list[Row]:
    """Return the objects of a list, of one object, or of the JSON text of either."""
    told = value
    if isinstance(value, str) and value:
        try:
            told = json.loads(value, parse_float=str)
        except ValueError:
            raise Unreadable(f"fees that cannot be read: {value[:40]}") from None
    listed = told if isinstance(told, list) else [told]
    return [entry for entry in listed if isinstance(entry, dict)]


READERS: dict[str, Callable[[Row, tuple[Fee, ...]], tuple[Fee, ...]]] = {
    "bingx": _bingx,
    "bitget": _bitget,
    "bybit": _bybit,
    "hyperliquid": _hyperliquid,
    "kucoin": _kucoin,
    "krakenfutures": lambda _info, _told: (),
}
