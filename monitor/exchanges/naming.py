"""Whether a market id that a venue wrote in a row means a market that ccxt knows."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@lru_cache(maxsize=4096)
def squash(name: str) -> str:
    """Return a name without punctuation and case: `btc-usdt`, `BTC_USDT` and `BTCUSDT` are one."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


FIELDS = ("id", "lowercaseId", "symbol", "altname", "wsId", "baseId", "base", "quoteId", "quote")


def spellings(market: Mapping[str, object]) -> frozenset[str]:
    """Return the squashed names under which a venue may speak of a market."""
    # A page has a thousand rows of one market.
    return _spelt(*(str(market.get(field) or "") for field in FIELDS))


@lru_cache(maxsize=4096)
def _spelt(*fields: str) -> frozenset[str]:
    *names, quote_id, quote = fields
    _, _, symbol, _, _, base_id, base = names
    names += [base_id + quote_id, base + quote, symbol.partition(":")[0]]
    return frozenset(squash(name) for name in names if name)


# Venues whose linear contracts are counted in units of base, so that an unlisted one has a known size.
SIZE_ONE = frozenset({
    "binance", "binanceusdm", "bybit", "bybiteu", "aster", "bingx", "bitget", "deribit", "hyperliquid", "woo",
})  # fmt: skip
# Assets that pairs are quoted in, besides those that the venue's own markets show.
QUOTES = frozenset({
    "USD", "USDT", "USDC", "BUSD", "FDUSD", "TUSD", "DAI", "EUR", "GBP", "JPY", "KRW", "TRY", "AUD", "BRL", "BTC",
    "ETH",
})  # fmt: skip
# What stands where a quote would, in the names of contracts.
NO_QUOTES = frozenset({"PERP", "PERPETUAL", "SWAP", "FUTURE", "FUTURES", "QUARTER", "INDEX"})


def derived(
    symbol: str, code: Callable[[str], str | None], quotes: Mapping[str, str] | None = None
) -> dict[str, object] | None:
    """Return the spot market that an unlisted id spells out, None if it cannot be read in one way only.

    A delisted pair is no longer among the venue's markets; its id still names both assets: `SOL-USDT` (ccxt makes
    `SOL/USDT` of it), Kraken's `XLTCXXBT`, two ids glued together of which exactly one cut gives known assets, or an
    id that ends with one asset that pairs are quoted in. `code` gives ccxt's code of a currency id, None for an
    unknown one; `quotes` the codes of the ids that the venue quotes in.
    """
    if ":" in symbol:
        return None  # a contract: its size is not in its name
    if "/" in symbol:
        base, _, quote = symbol.partition("/")
        plain = base.isalnum() and quote.isalnum() and not quote.isdigit() and quote.upper() not in NO_QUOTES
        return _spot(symbol, base, quote) if plain else None
    if legacy := re.fullmatch(r"[XZ]([A-Z]{3})[XZ]([A-Z]{3})", symbol):
        base, quote = (code(part) or code(f"X{part}") or code(f"Z{part}") or part for part in legacy.groups())
        return _spot(symbol, base, quote)
    cuts = {(code(symbol[:i]), code(symbol[i:])) for i in range(2, len(symbol) - 1)}
    known = [(base, quote) for base, quote in cuts if base and quote]
    if known:
        return _spot(symbol, *known[0]) if len(known) == 1 else None
    return _ending(
        symbol, {name: name for name in QUOTES} | {name.upper(): one for name, one in (quotes or {}).items()}
    )


def _ending(symbol: str, quotes: Mapping[str, str]) -> dict[str, object] | None:
    """Return the market of an id that ends with a quote: the longest, if all that fit are one asset (ZEUR and EUR)."""
    endings = sorted((name for name in quotes if symbol.upper().endswith(name)), key=len)
    if not endings or len({quotes[name] for name in endings}) > 1:
        return None
    base = re.sub(r"[-_/]$", "", symbol.upper().removesuffix(endings[-1]))
    return _spot(symbol, base, quotes[endings[-1]]) if re.fullmatch(r"[A-Z0-9]{2,20}", base) else None


def linear(spot: Mapping[str, object]) -> dict[str, object] | None:
    """Return the linear perpetual whose id is glued like a spot pair's, None unless it settles in a stablecoin."""
    quote = str(spot["quote"])
    if quote not in {"USDT", "USDC"}:
        return None
    symbol = f"{spot['base']}/{quote}:{quote}"
    kind = {"spot": False, "contract": True, "swap": True, "linear": True, "inverse": False, "type": "swap"}
    return {**spot, **kind, "symbol": symbol, "settle": quote, "contractSize": "1"}


def _spot(identity: str, base: str, quote: str) -> dict[str, object]:
    return {
        "id": identity, "symbol": f"{base}/{quote}", "base": base, "quote": quote, "spot": True, "contract": False,
        "type": "spot", "spelt_out": True,
    }  # fmt: skip


def same_market(raw: str, market: Mapping[str, object]) -> bool:
    """Tell whether the id a row carries can mean this market (spelling aside).

    ccxt hands back the market that was asked for when it does not know an id; this is the check that stops it.
    """
    name, known = squash(raw), spellings(market)
    # Bitget and others append the product line to the id: BTCUSDT_UMCBL, tBTCUST.
    return name in known or squash(raw.partition("_")[0]) in known or name.removeprefix("t") in known
