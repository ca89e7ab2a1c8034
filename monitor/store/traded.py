"""Which contract markets an account ever traded, or holds; by leaps over the index of keys, not over all fills."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.store.positions import positions_at

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from monitor.records import Book

CONTRACT_BOOKS: tuple[Book, ...] = ("linear", "inverse", "option")
# Sorts behind every character of a key.
LAST = "\U0010ffff"
NEXT = "SELECT key, symbol FROM fills WHERE account = ? AND key > ? AND key < ? ORDER BY key LIMIT 1"


def traded(connection: sqlite3.Connection, account: str) -> tuple[tuple[Book, str], ...]:
    """Return (book, symbol) of every contract market an account has fills of, sorted."""
    return tuple(sorted({pair for book in CONTRACT_BOOKS for pair in _of_book(connection, account, book)}))


def _of_book(connection: sqlite3.Connection, account: str, book: Book) -> Iterator[tuple[Book, str]]:
    """Yield the markets of a book; a key begins with book and market: `linear|BTCUSDT|...`."""
    after = f"{book}|"
    while row := connection.execute(NEXT, [account, after, f"{book}|{LAST}"]).fetchone():
        key, symbol = row
        yield book, symbol
        after = "|".join([*key.split("|", 2)[:2], LAST])


def held(connection: sqlite3.Connection, account: str) -> tuple[tuple[Book, str], ...]:
    """Return (book, symbol) of every contract market an account had a position in when it was last looked at."""
    newest = "SELECT max(id) FROM snapshots WHERE account = ? AND positions IS NOT NULL"
    (snapshot,) = connection.execute(newest, [account]).fetchone()
    if snapshot is None:
        return ()
    return tuple((one.book, one.symbol) for one in positions_at(connection, account, snapshot))  # type: ignore[misc]  # a book, as stored
