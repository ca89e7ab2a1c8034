"""Which contract markets an account ever traded: found by leaps over the index of keys, not by reading every fill."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
