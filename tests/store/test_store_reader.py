"""Reading: beside a writer and without one, light, and never changing anything."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from monitor.errors import DatabaseMissing, StoreError
from monitor.records import Account
from monitor.store.database import open_writer
from monitor.store.ledger import register_account
from monitor.store.query import accounts
from monitor.store.reader import open_reader, reading

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.store.database import Writer

HEAVY = """
import sys
import monitor.store.reader, monitor.store.query, monitor.store.streams, monitor.store.findings
import monitor.store.settings, monitor.store.touched, monitor.store.markets
heavy = {"polars", "numpy", "numba", "ccxt", "pydantic", "sqlite_utils", "click", "asyncio", "importlib.resources"}
print(sorted(heavy & set(sys.modules)))
"""


def test_a_reader_sees_what_a_running_writer_has_committed(writer: Writer, path: Path) -> None:
    """Committed rows at once, open ones not; columns by name."""
    with reading(path) as reader, writer.transaction() as connection:
        connection.execute("INSERT INTO meta (key, value) VALUES ('a', 'b')")
        assert [row["account"] for row in reader.execute("SELECT * FROM accounts")] == ["main", "other", "paper"]
        assert reader.execute("SELECT count(*) FROM meta WHERE key = 'a'").fetchone()[0] == 0


def test_a_reader_needs_no_writer(path: Path) -> None:
    """After the writer has gone and taken its WAL with it."""
    with open_writer(path, holder="test") as writer:
        register_account(writer, Account("main", "kraken"), 1)
    assert not path.with_name("desk.db-wal").exists()
    with reading(path) as reader:
        assert [row.account for row in accounts(reader)] == ["main"]


def test_a_reader_sees_what_a_killed_writer_had_committed(writer: Writer, path: Path, tmp_path: Path) -> None:
    """The commit is still in the WAL that a crash left behind."""
    assert writer.connection.execute("SELECT count(*) FROM accounts").fetchone() == (3,)
    crashed = tmp_path / "crashed.db"
    for suffix in ("", "-wal"):
        shutil.copy(f"{path}{suffix}", f"{crashed}{suffix}")
    with reading(crashed) as reader:
        assert len(accounts(reader)) == 3


def test_a_reader_changes_nothing(writer: Writer, path: Path) -> None:
    """Whatever is asked of it."""
    with reading(path) as reader:
        assert reader.execute("PRAGMA query_only").fetchone()[0] == 1
    with pytest.raises(StoreError, match="it is read-only"), reading(path) as reader:
        reader.execute("DELETE FROM accounts")
    assert len(accounts(writer.connection)) == 3


def test_a_backup_on_a_medium_that_cannot_be_written_is_readable(plain_user: Path) -> None:
    """No WAL can be made beside it, and none is needed."""
    folder = plain_user / "medium"
    folder.mkdir()
    open_writer(folder / "desk.db", holder="test").close()
    folder.chmod(0o500)
    if os.access(folder, os.W_OK, effective_ids=True):
        pytest.skip("this file system does not keep its owner out")
    with reading(folder / "desk.db") as reader:
        assert accounts(reader) == ()


def test_there_is_nothing_to_read(path: Path) -> None:
    """The message names the path and what would make a database; none is made."""
    with pytest.raises(DatabaseMissing, match=r"no database at .*desk\.db\. Run `monitor"):
        open_reader(path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("content", "told"), [(b"time,account\n" * 200, "not an SQLite database"), (b"", "lacks 0001_ledger")]
)
def test_a_file_that_is_no_database_of_ours(path: Path, content: bytes, told: str) -> None:
    """A text file and an empty one."""
    path.write_bytes(content)
    with pytest.raises(StoreError, match=told):
        open_reader(path)


def test_another_program_s_database_is_not_ours(path: Path) -> None:
    """It has tables, and none of the monitor's."""
    stranger = sqlite3.connect(path)
    stranger.execute("CREATE TABLE cookies (a)")
    stranger.close()
    with pytest.raises(StoreError, match="database of another program"):
        open_reader(path)


def test_a_database_of_an_older_version_says_what_to_do(writer: Writer, path: Path) -> None:
    """A reader cannot bring it up to date; writing once does."""
    writer.connection.execute("DELETE FROM _sqlite_migrations WHERE name = '0002_track'")
    writer.close()
    with pytest.raises(StoreError, match=r"lacks 0002_track\. Run `monitor sync`"):
        open_reader(path)


def test_a_damaged_database_is_a_clear_word(writer: Writer, path: Path) -> None:
    """A page of nonsense in the middle of the file, met while reading."""
    (page,) = writer.connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'accounts'").fetchone()
    writer.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(StoreError, match=r"it is damaged .*last backup"), reading(path) as reader:
        accounts(reader)


def test_a_path_with_odd_signs_is_a_path(tmp_path: Path) -> None:
    """Question marks and percent signs mean something in SQLite's addresses."""
    path = tmp_path / "what? 100%#.db"
    open_writer(path, holder="test").close()
    with reading(path) as reader:
        assert accounts(reader) == ()


def test_reading_loads_nothing_heavy() -> None:
    """A command that only reads starts in a blink."""
    run = subprocess.run([sys.executable, "-c", HEAVY], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
