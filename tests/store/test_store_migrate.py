"""Bringing a database up to date."""

from __future__ import annotations

import sqlite3
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from monitor.errors import DatabaseTooNew, StoreError
from monitor.store.database import open_writer
from monitor.store.migrate import migrate, shipped_migrations, statements
from monitor.store.reader import SHIPPED, open_reader

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.store.database import Writer


def tables(writer: Writer) -> set[str]:
    return {name for (name,) in writer.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def test_the_scripts_travel_as_package_data() -> None:
    """What is read as a resource and what the reader lists are the same files, in the order of their numbers."""
    names = list(shipped_migrations())
    assert names == sorted(SHIPPED)
    assert names[0] == "0001_ledger"
    assert resources.files("monitor.store").joinpath("migrations/0001_ledger.sql").is_file()


def test_migrating_twice_does_nothing(writer: Writer) -> None:
    """The second run finds nothing pending."""
    assert migrate(writer, shipped_migrations()) == ()


def test_a_new_script_is_applied_to_an_old_database(writer: Writer) -> None:
    """Only what is pending runs, in order."""
    scripts = shipped_migrations() | {
        "9001_one": "CREATE TABLE one (a TEXT) STRICT;",
        "9002_two": "INSERT INTO one VALUES ('x; -- y');\nCREATE TABLE two (a TEXT) STRICT;",
    }
    assert migrate(writer, scripts) == ("9001_one", "9002_two")
    assert writer.connection.execute("SELECT a FROM one").fetchall() == [("x; -- y",)]


def test_a_script_that_fails_leaves_nothing_of_itself(writer: Writer) -> None:
    """Each script is one transaction: the ones before it stay, of its own statements none does."""
    broken = {"9001_one": "CREATE TABLE one (a TEXT);", "9002_two": "CREATE TABLE two (a TEXT); \nCREATE TABLE two;"}
    with pytest.raises(sqlite3.OperationalError):
        migrate(writer, shipped_migrations() | broken)
    assert tables(writer) & {"one", "two"} == {"one"}
    mended = broken | {"9002_two": "CREATE TABLE two (a TEXT);"}
    assert migrate(writer, shipped_migrations() | mended) == ("9002_two",)


def test_an_edited_script_is_an_error(writer: Writer) -> None:
    """A script that was changed after it ran leaves two databases that look alike and are not."""
    scripts = shipped_migrations()
    scripts["0001_ledger"] += "\n"
    with pytest.raises(StoreError, match="another text of 0001_ledger than this version"):
        migrate(writer, scripts)


def test_a_database_of_a_newer_version_is_refused(writer: Writer, path: Path) -> None:
    """Writer and reader both name what they do not know, and the remedy."""
    migrate(writer, shipped_migrations() | {"9001_future": "CREATE TABLE future (a TEXT);"})
    writer.close()
    told = r"written by a newer version: it holds 9001_future\. Install that version"
    with pytest.raises(DatabaseTooNew, match=told):
        open_writer(path, holder="test")
    with pytest.raises(DatabaseTooNew, match=told):
        open_reader(path)


def test_statements_are_split_where_sqlite_ends_them() -> None:
    """Semicolons in comments, texts and triggers end nothing."""
    script = """-- a; b
CREATE TABLE t (a TEXT);  -- c; d
INSERT INTO t VALUES ('e;
f');
CREATE TRIGGER g AFTER INSERT ON t BEGIN
  DELETE FROM t;
  DELETE FROM t;
END;
-- the end"""
    assert [statement.count(";") for statement in statements(script)] == [1 + 2, 2, 3]


def test_a_script_cut_short_is_refused() -> None:
    """A last statement without its semicolon would be left out without a word."""
    with pytest.raises(StoreError, match="ends inside a statement: 'DROP TABLE t'"):
        list(statements("SELECT 1;\nDROP TABLE t"))
