"""Open the database for a command that only reads, and turn records into rows."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from monitor.cli.options import choices_of, database_of
from monitor.clock import iso
from monitor.jobs.question import Question
from monitor.store.answers import has_tracks, snapshot
from monitor.store.reader import open_reader

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    import click

    from monitor.jobs.question import Options


@contextmanager
def reading(context: click.Context) -> Iterator[sqlite3.Connection]:
    """Give a read-only connection; all that is read in the block comes from one state of the database."""
    with closing(open_reader(database_of(choices_of(context)))) as connection, snapshot(connection):
        yield connection


@contextmanager
def tracks_of(connection: sqlite3.Connection, question: Options, now: int) -> Iterator[sqlite3.Connection]:
    """Give the connection to ask; for a costing method without stored tracks one with tracks computed for it."""
    if (method := question.get("method")) is None or has_tracks(connection, method):
        yield connection
        return
    from monitor.jobs.remeasure import remeasured  # noqa: PLC0415 - it brings polars and numba with it

    with remeasured(connection, Question(**question), now) as memory:
        yield memory


def instant(milliseconds: int | None) -> str | None:
    """Return ISO 8601, None for what never happened."""
    return None if milliseconds is None else iso(milliseconds)
