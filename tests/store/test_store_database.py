"""The database file: private, durable, one writer, and a clear word when it cannot be used."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING

import pytest

from monitor.errors import StoreError
from monitor.store.database import open_writer

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.store.database import Writer


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def test_every_file_of_the_database_is_private(writer: Writer, path: Path) -> None:
    """The database, its WAL, its shared memory and its lock are readable by their owner alone."""
    assert writer.connection.execute("SELECT 1").fetchone() == (1,)
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["desk.db", "desk.db-shm", "desk.db-wal", "desk.db.lock"]
    assert [mode(file) for file in files] == [0o600] * 4


def test_a_database_open_to_others_is_closed_to_them(path: Path) -> None:
    """Opening takes away what other users may do."""
    open_writer(path, holder="test").close()
    path.chmod(0o664)
    open_writer(path, holder="test").close()
    assert mode(path) == 0o600


def test_a_commit_survives_power_loss(writer: Writer) -> None:
    """WAL with synchronous=FULL (2), foreign keys and a busy timeout are in force."""
    names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    values = [writer.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]
    assert values == ["wal", 2, 1, 5000]


def test_a_failed_transaction_leaves_nothing(writer: Writer) -> None:
    """An exception inside the block rolls everything back and comes out as it was."""

    def fail() -> None:
        with writer.transaction() as connection:
            connection.execute("INSERT INTO meta (key, value) VALUES ('a', 'b')")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert writer.connection.execute("SELECT count(*) FROM meta WHERE key = 'a'").fetchone() == (0,)
    assert not writer.connection.in_transaction


def test_a_transaction_inside_a_transaction_is_refused(writer: Writer) -> None:
    """Nesting is misuse: the inner block would seem to commit on its own."""
    with pytest.raises(StoreError, match="already open"), writer.transaction(), writer.transaction():
        pass
    assert not writer.connection.in_transaction


def test_a_write_locks_at_its_beginning(writer: Writer, path: Path) -> None:
    """BEGIN IMMEDIATE takes SQLite's write lock before the first statement."""
    stranger = sqlite3.connect(path, timeout=0, isolation_level=None)
    with writer.transaction(), pytest.raises(sqlite3.OperationalError, match="locked"):
        stranger.execute("BEGIN IMMEDIATE")
    stranger.close()


def test_a_full_disk_stores_nothing_and_recovers_by_itself(writer: Writer) -> None:
    """A page limit stands for the disk: the write fails whole, and works again once there is room."""

    def fill() -> None:
        with writer.transaction() as connection:
            rows = [(str(number), "x" * 4_000) for number in range(100)]
            connection.executemany("INSERT INTO meta (key, value) VALUES (?, ?)", rows)

    (pages,) = writer.connection.execute("PRAGMA page_count").fetchone()
    writer.connection.execute(f"PRAGMA max_page_count = {pages + 4}")
    with pytest.raises(StoreError, match=r"the disk is full .*Free some space"):
        fill()
    count = "SELECT count(*) FROM meta WHERE value LIKE 'xx%'"
    assert writer.connection.execute(count).fetchone() == (0,)
    writer.connection.execute(f"PRAGMA max_page_count = {pages + 400}")
    fill()
    assert writer.connection.execute(count).fetchone() == (100,)


def test_amounts_cannot_become_numbers(writer: Writer) -> None:
    """Every table of ours is STRICT, so that no text turns into a binary float unseen."""
    loose = writer.connection.execute("SELECT name FROM pragma_table_list WHERE schema = 'main' AND NOT strict")
    assert {name for (name,) in loose if not name.startswith("sqlite_")} == {"_sqlite_migrations"}


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda path: path.mkdir(), "cannot be opened"),
        (lambda path: path.write_text("time,account,kind\n" * 100), "not an SQLite database"),
        (lambda path: sqlite3.connect(path).execute("CREATE TABLE cookies (a)").connection.close(), "another program"),
    ],
    ids=["folder", "text", "foreign"],
)
def test_a_file_that_is_no_database_of_ours_is_left_alone(path: Path, make: object, told: str) -> None:
    """A folder, a text file, another program's database: one sentence, and not a bit of the file changes."""
    assert callable(make)
    make(path)
    before = (path.stat().st_mode, path.read_bytes() if path.is_file() else b"")
    with pytest.raises(StoreError, match=told):
        open_writer(path, holder="test")
    assert (path.stat().st_mode, path.read_bytes() if path.is_file() else b"") == before


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    """The message names the folder that does not exist."""
    with pytest.raises(StoreError, match=r"The folder .*nowhere does not exist"):
        open_writer(tmp_path / "nowhere" / "desk.db", holder="test")


def test_a_folder_that_cannot_be_written_is_refused(plain_user: Path) -> None:
    """No lock file, no database: the message says to check the folder's permissions."""
    closed = plain_user / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(StoreError, match=r"Permission denied.*may write there"):
        open_writer(closed / "desk.db", holder="test")


def test_a_read_only_file_is_refused_at_once(plain_user: Path) -> None:
    """Opening fails, not the first commit hours later."""
    path = plain_user / "desk.db"
    open_writer(path, holder="test").close()
    path.chmod(0o400)
    with pytest.raises(StoreError, match=r"it is read-only .*write permission"):
        open_writer(path, holder="test")
    assert os.access(path, os.R_OK)


def test_closing_twice_does_nothing(path: Path) -> None:
    """A closed writer gives the lock back once, and the next one opens."""
    first = open_writer(path, holder="test")
    first.close()
    first.close()
    open_writer(path, holder="test").close()
