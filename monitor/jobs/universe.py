"""Which fill streams of a book are read: one, or one for each market where the venue wants a market in each call.

The hot set is read with each poll: what the settings name, what was ever traded, and what could have been: of spot by
what the account held, of contracts by its positions and by the markets its incomes name. The rest of the venue's
markets is the cold set, read once a night: what came and went between two looks is found there. A market in which
something is found is hot from then on; a contract that was hot without a reason any more, and has been read, is cold.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.exchanges.symbols import candidates, everything
from monitor.records import StreamKey
from monitor.store import ledger, streams
from monitor.store.traded import held, traded

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from sqlite3 import Connection
    from typing import Literal

    from monitor.records import Account, Book, Stream
    from monitor.store.database import Writer


def market_keys(
    writer: Writer,
    account: Account,
    book: Book,
    markets: Collection[Mapping[str, object]],
    sweep: Literal["also", "only"] | None,
) -> list[StreamKey]:
    """Return the streams of a book to read now, and note which of them are cold; archived ones are left out.

    `account.symbols` are all that anybody names now. `sweep`: the cold ones `also`, or `only` them; None: without them.
    """
    told = [one for one in streams.streams(writer.connection, account.name) if _of(one.key, book)]
    seen = frozenset(ledger.assets_seen(writer.connection, account.name))
    hot = candidates(markets, book, seen, expected(writer.connection, account, book, told))
    for moved, cooled in ((_warmed(told, hot), False), (_cooled(told, hot), True)):
        if moved:
            streams.temper(writer, moved, cold=cooled)
    archived = {one.key.symbol for one in told if one.state == "archived"}
    whole = StreamKey(account.name, "fills", book)
    keys = [] if sweep == "only" else _keys(whole, hot, archived)
    if sweep:
        cold = _keys(whole, everything(markets, book), archived.union(hot))
        streams.temper(writer, cold, cold=True)
        keys += cold
    return keys


def expected(connection: Connection, account: Account, book: Book, told: Iterable[Stream]) -> set[str]:
    """Return the markets of a book that something names: settings, streams that are not cold, fills, positions.

    Of contracts a stream counts until it has been read: an income named it, and the process ended before that.
    """
    contracts = book not in {"spot", "margin"}
    known = {one.key.symbol for one in told if not one.cold and not (contracts and one.cursor is not None)}
    if not contracts:
        return {*account.symbols, *known}
    places = (*traded(connection, account.name), *held(connection, account.name))
    return {*account.symbols, *known, *(symbol for where, symbol in places if where == book)}


def _warmed(told: Iterable[Stream], hot: Collection[str]) -> list[StreamKey]:
    return [one.key for one in told if one.cold and one.key.symbol in hot]


def _cooled(told: Iterable[Stream], hot: Collection[str]) -> list[StreamKey]:
    return [one.key for one in told if not one.cold and one.state == "active" and one.key.symbol not in hot]


def _of(key: StreamKey, book: Book) -> bool:
    return key.kind == "fills" and key.book == book and bool(key.symbol)


def _keys(whole: StreamKey, symbols: Iterable[str], without: Collection[str]) -> list[StreamKey]:
    return [replace(whole, symbol=symbol) for symbol in symbols if symbol not in without]
