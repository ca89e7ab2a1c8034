"""What a reader remembers of small tables, and when it forgets."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from monitor.records import Account, Finding
from monitor.store.answers import coverage, snapshot
from monitor.store.findings import findings, raise_finding
from monitor.store.ledger import register_account
from monitor.store.reader import open_reader
from monitor.store.remembered import MOST_KEPT, remembered

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    from monitor.store.database import Writer


def test_what_nobody_changed_is_read_once(writer: Writer, path: Path) -> None:
    """The second snapshot of the same state hands out what the first one read."""
    raise_finding(writer, Finding("stale", "main", "Old.", "Sync."), 1)
    with closing(open_reader(path)) as reader:
        with snapshot(reader):
            first = findings(reader)
        with snapshot(reader):
            assert findings(reader) is first


def test_a_commit_of_another_connection_is_seen_by_the_next_snapshot(writer: Writer, path: Path) -> None:
    """Inside a snapshot the state stays, as for every table; the next one knows the new account."""
    with closing(open_reader(path)) as reader:
        with snapshot(reader):
            before = coverage(reader)
            register_account(writer, Account("new", "file"), 1)
            assert coverage(reader) == before
        with snapshot(reader):
            assert coverage(reader) == {**before, "new": None}


def test_outside_a_snapshot_nothing_is_remembered(writer: Writer, path: Path) -> None:
    """There each read is of the state of its moment."""
    with closing(open_reader(path)) as reader:
        with snapshot(reader):
            before = coverage(reader)
        register_account(writer, Account("new", "file"), 1)
        assert coverage(reader) == {**before, "new": None}


def test_a_writer_sees_its_own_changes_in_its_own_transaction(writer: Writer) -> None:
    """Its connection remembers nothing: what it changes itself, no version tells."""
    with writer.transaction() as connection, snapshot(connection):
        before = findings(connection)
        connection.execute(
            "INSERT INTO findings (code, subject, severity, message, remedy, first_ms, last_ms)"
            " VALUES ('stale', 'main', 'info', '', '', 1, 1)"
        )
        assert len(findings(connection)) == len(before) + 1


@pytest.mark.parametrize(("words", "reads"), [(MOST_KEPT, 1), (MOST_KEPT + 1, 2)])
def test_words_are_not_kept_for_ever(writer: Writer, words: int, reads: int) -> None:
    """Each argument has its own answer; once there are too many, the next snapshot begins anew."""
    asked: list[str] = []

    @remembered
    def echo(_connection: sqlite3.Connection, word: str) -> str:
        asked.append(word)
        return word

    with closing(open_reader(writer.path)) as reader:
        with snapshot(reader):
            assert [echo(reader, str(word)) for word in range(words)] == [str(word) for word in range(words)]
        with snapshot(reader):
            echo(reader, "0")
    assert asked.count("0") == reads
