"""Open the database for a command that only reads, and turn records into rows."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from monitor.cli.options import choices_of, database_of
from monitor.clock import iso
from monitor.store.answers import snapshot
from monitor.store.reader import open_reader

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    import click


@contextmanager
def reading(context: click.Context) -> Iterator[sqlite3.Connection]:
    """Give a read-only connection; all that is read in the block comes from one state of the database."""
    with closing(open_reader(database_of(choices_of(context)))) as connection, snapshot(connection):
        yield connection


def instant(milliseconds: int | None) -> str | None:
    """Return ISO 8601, None for what never happened."""
    return None if milliseconds is None else iso(milliseconds)
