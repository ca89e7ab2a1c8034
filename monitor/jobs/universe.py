"""Which fill streams of a book are read: one, or one for each market where the venue wants a market in each call.

The hot set is read with each poll: what the settings name, what was ever traded, and what could have been by what the
account held. The rest of the venue's markets is the cold set, read once a night: an asset that came and went between
two balances is found there. A market in which something is found is hot from then on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.exchanges.symbols import candidates, everything
from monitor.records import StreamKey
from monitor.store import ledger, streams

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from typing import Literal

    from monitor.records import Account, Book
    from monitor.store.database import Writer


def market_keys(
    writer: Writer,
    account: Account,
    book: Book,
    markets: Collection[Mapping[str, object]],
    sweep: Literal["also", "only"] | None,
) -> list[StreamKey]:
    """Return the streams of a book to read now, and note which of them are cold; archived ones are left out.

    `sweep`: the cold ones `also`, or `only` them; None leaves them out.
    """
    told = [one for one in streams.streams(writer.connection, account.name) if _of(one.key, book)]
    known = [one.key.symbol for one in told if not one.cold]
    seen = frozenset(ledger.assets_seen(writer.connection, account.name))
    hot = candidates(markets, book, seen, [*account.symbols, *known])
    warmed = [one.key for one in told if one.cold and one.key.symbol in hot]
    if warmed:
        streams.temper(writer, warmed, cold=False)
    archived = {one.key.symbol for one in told if one.state == "archived"}
    whole = StreamKey(account.name, "fills", book)
    keys = [] if sweep == "only" else _keys(whole, hot, archived)
    if sweep:
        cold = _keys(whole, everything(markets, book), archived.union(hot))
        streams.temper(writer, cold, cold=True)
        keys += cold
    return keys


def _of(key: StreamKey, book: Book) -> bool:
    return key.kind == "fills" and key.book == book and bool(key.symbol)


def _keys(whole: StreamKey, symbols: Iterable[str], without: Collection[str]) -> list[StreamKey]:
    return [replace(whole, symbol=symbol) for symbol in symbols if symbol not in without]
