"""Records as rows: exact decimal text, fees as JSON, the venue's row compressed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from monitor.exact import plain

if TYPE_CHECKING:
    from monitor.records import Fee, Fill, Movement

Value = str | int | bytes | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """A table of the ledger: its name, and the columns that say what happened (the payload)."""

    table: str
    payload: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are written, in the order of `stored`."""
        return ("id", "account", "exchange", "key", *self.payload, "source", "first_seen_ms", "raw")


FILLS = Ledger(
    "fills",
    (
        "time_ms",
        "sequence",
        "book",
        "kind",
        "market",
        "symbol",
        "base",
        "quote",
        "settle",
        "side",
        "amount",
        "price",
        "cost",
        "contract_size",
        "inverse",
        "fees",
        "trade_id",
        "order_id",
        "liquidity",
    ),
)
MOVEMENTS = Ledger(
    "movements",
    (
        "time_ms",
        "sequence",
        "kind",
        "book",
        "asset",
        "amount",
        "value",
        "fees",
        "to_account",
        "to_asset",
        "received",
        "network_id",
        "status",
    ),
)


def fill_payload(fill: Fill) -> tuple[Value, ...]:
    """Return what a fill says, in the order of `FILLS.payload`."""
    return (
        fill.time,
        fill.sequence,
        fill.book,
        fill.kind,
        fill.market,
        fill.symbol,
        fill.base,
        fill.quote,
        fill.settle,
        fill.side,
        plain(fill.amount),
        plain(fill.price),
        text_or_null(fill.cost),
        text_or_null(fill.contract_size),
        int(fill.inverse),
        fees_text(fill.fees),
        fill.trade_id,
        fill.order_id,
        fill.liquidity,
    )


def movement_payload(movement: Movement) -> tuple[Value, ...]:
    """Return what a movement says, in the order of `MOVEMENTS.payload`."""
    return (
        movement.time,
        movement.sequence,
        movement.kind,
        movement.book,
        movement.asset,
        plain(movement.amount),
        text_or_null(movement.value),
        fees_text(movement.fees),
        movement.to_account,
        movement.to_asset,
        text_or_null(movement.received),
        movement.network_id,
        movement.status,
    )


def text_or_null(number: Decimal | None) -> str | None:
    """Return the canonical text of a number, None for a missing one."""
    return None if number is None else plain(number)


def fees_text(fees: tuple[Fee, ...]) -> str:
    """Return fees as JSON, `[["BNB","0.0001"]]`; the sign is kept, the order too."""
    return f"[{','.join([_fee_text(fee) for fee in fees])}]"


def _fee_text(fee: Fee) -> str:
    # An asset's name needs quoting by the encoder only if it is no plain word; the encoder takes five times as long.
    asset, amount = fee.asset, plain(fee.amount)
    if asset.isascii() and asset.isalnum():
        return f'["{asset}","{amount}"]'
    return json.dumps([asset, amount], separators=(",", ":"))


def fees_of(text: str) -> tuple[tuple[str, Decimal], ...]:
    """Return the (asset, amount) pairs of a fees column."""
    return tuple((asset, Decimal(amount)) for asset, amount in json.loads(text)) if text != "[]" else ()
