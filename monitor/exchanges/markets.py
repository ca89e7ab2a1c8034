"""What ccxt keeps of a venue's markets, in less memory: three thousand of them take tens of megabytes otherwise.

ccxt holds every market twice, as it was read and with what all markets have filled in, and in each the venue's own
form. Of that, lists (order types, filters, who may trade) matter to those who place orders; everything else stays.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from monitor.exchanges.loose import Loose

INFO = "info"
TABLES = ("markets", "markets_by_id", "currencies", "currencies_by_id", "baseCurrencies", "quoteCurrencies")
LISTS = ("symbols", "ids", "codes")


def condense(exchange: Loose) -> None:
    """Keep one structure of each market, without the lists of the venue's own form; what repeats is kept once.

    What stays is written anew in one piece: scattered between what was read and let go, it would hold all that memory.
    """
    markets, known = exchange.markets, dict[str, object]()
    for market in markets.values():
        if isinstance(market.get(INFO), dict):
            market[INFO] = {name: value for name, value in market[INFO].items() if not isinstance(value, list)}
            _share(market[INFO], known)
        _share(market, known)
    for currency in (exchange.currencies or {}).values():
        _share(currency, known)
    for identity, listed in exchange.markets_by_id.items():
        exchange.markets_by_id[identity] = [_merged(markets, market) for market in listed]
    tables = {name: table for name in TABLES if isinstance(table := getattr(exchange, name), dict)}
    for name in exchange.options.get("marketHelperProps") or ():
        table = exchange.options.get(name)
        if isinstance(table, dict):
            tables[name] = table
            table.update({key: _merged(markets, market) for key, market in table.items() if isinstance(market, dict)})
    lists = {name: found for name in LISTS if isinstance(found := getattr(exchange, name), list)}
    del known
    _written_anew({**tables, **lists})


def _written_anew(containers: dict[str, Loose]) -> None:
    """Fill tables and lists with a copy of what they hold, made after it was let go."""
    written = pickle.dumps(containers)
    for container in containers.values():
        container.clear()
    for name, fresh in pickle.loads(written).items():  # noqa: S301 - written above
        (containers[name].update if isinstance(fresh, dict) else containers[name].extend)(fresh)


def _merged(markets: Loose, market: Loose) -> Loose:
    """Return the structure ccxt finds by symbol; a market whose symbol is another one's keeps its own."""
    found = markets.get(market.get("symbol"))
    return found if found is not None and found.get("id") == market.get("id") else market


def _share(structure: Loose, known: dict[str, object]) -> None:
    """Let a structure's texts, and what else is the same in many (limits, precision, fees), be one object for all."""
    for name, value in structure.items():
        if isinstance(value, str | dict | list) and name != INFO:
            structure[name] = known.setdefault(repr(value), value)
