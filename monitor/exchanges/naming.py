"""Whether a market id that a venue wrote in a row means a market that ccxt knows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def squash(name: str) -> str:
    """Return a name without punctuation and case: `btc-usdt`, `BTC_USDT` and `BTCUSDT` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def spellings(market: Mapping[str, object]) -> frozenset[str]:
    """Return the squashed names under which a venue may speak of a market."""

    def text(field: str) -> str:
        value = market.get(field)
        return str(value) if value else ""

    names = {
        text("id"),
        text("lowercaseId"),
        text("symbol"),
        text("altname"),
        text("wsId"),
        text("baseId"),
        text("base"),
    }
    names |= {text("baseId") + text("quoteId"), text("base") + text("quote"), text("symbol").partition(":")[0]}
    return frozenset(squash(name) for name in names if name)


def derived(symbol: str, code: Callable[[str], str | None]) -> dict[str, object] | None:
    """Return the spot market that an unlisted id spells out, None if it cannot be read in one way only.

    A delisted pair is no longer among the venue's markets; its id still names both assets: `SOL-USDT` (ccxt makes
    `SOL/USDT` of it), Kraken's `XLTCXXBT`, or two ids glued together of which exactly one cut gives known assets.
    `code` gives ccxt's code of a currency id, None for an unknown one.
    """
    if ":" in symbol:
        return None  # a contract: its size is not in its name
    if "/" in symbol:
        base, _, quote = symbol.partition("/")
        return _spot(symbol, base, quote) if base and quote else None
    if legacy := re.fullmatch(r"[XZ]([A-Z]{3})[XZ]([A-Z]{3})", symbol):
        base, quote = (code(part) or code(f"X{part}") or code(f"Z{part}") or part for part in legacy.groups())
        return _spot(symbol, base, quote)
    cuts = {(code(symbol[:i]), code(symbol[i:])) for i in range(2, len(symbol) - 1)}
    known = [(base, quote) for base, quote in cuts if base and quote]
    return _spot(symbol, *known[0]) if len(known) == 1 else None


def _spot(identity: str, base: str, quote: str) -> dict[str, object]:
    return {"id": identity, "symbol": f"{base}/{quote}", "base": base, "quote": quote, "spot": True, "contract": False}


def same_market(raw: str, market: Mapping[str, object]) -> bool:
    """Tell whether the id a row carries can mean this market (spelling aside).

    ccxt hands back the market that was asked for when it does not know an id; this is the check that stops it.
    """
    name, known = squash(raw), spellings(market)
    # Bitget and others append the product line to the id: BTCUSDT_UMCBL, tBTCUST.
    return name in known or squash(raw.partition("_")[0]) in known or name.removeprefix("t") in known
