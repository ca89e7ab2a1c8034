"""Bring a database up to date: the SQL files of `migrations/`, in order of their names, each in one transaction.

sqlite-utils keeps the list of what was applied; the SHA-256 of each file is kept beside it in `meta`, because a
migration that was edited after it ran leaves two databases that look alike and are not.
"""

from __future__ import annotations

import hashlib
import sqlite3
from importlib import resources
from typing import TYPE_CHECKING

from sqlite_utils import Database, Migrations

from monitor.errors import StoreError
from monitor.store.reader import MIGRATION_SET, applied_migrations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from importlib.resources.abc import Traversable

    from monitor.store.database import Writer


def shipped_migrations(folder: Traversable | None = None) -> dict[str, str]:
    """Return name -> SQL text of the migrations in a folder (default: those of the package), in order."""
    folder = folder or resources.files("monitor.store").joinpath("migrations")
    files = {file.name.removesuffix(".sql"): file for file in folder.iterdir() if file.name.endswith(".sql")}
    return {name: files[name].read_text(encoding="utf-8") for name in sorted(files)}


def migrate(writer: Writer, scripts: Mapping[str, str]) -> tuple[str, ...]:
    """Apply what is pending of `scripts` (name -> SQL) and return its names.

    Raises:
        DatabaseTooNew: the database holds a migration that is not shipped.
        StoreError: an applied migration has another text than the shipped one.
    """
    applied = applied_migrations(writer.connection, writer.path, scripts)
    _check_texts(writer, {name: scripts[name] for name in sorted(applied) if name in scripts})
    pending = tuple(name for name in scripts if name not in applied)
    migrations = Migrations(MIGRATION_SET)
    for name, script in scripts.items():
        migrations(name=name)(_step(name, script))
    # Plugins of sqlite-utils are other people's code: they have no business in this database.
    database = Database(writer.connection, recursive_triggers=False, execute_plugins=False)
    for done in range(1, len(pending) + 1):
        with writer.transaction():
            migrations.apply(database, stop_before=pending[done:])
    return pending


def digest(script: str) -> str:
    """Return the checksum of a migration's text."""
    return hashlib.sha256(script.encode()).hexdigest()


def statements(script: str) -> Iterator[str]:
    """Yield the statements of a script one by one: `executescript` would commit the transaction around it."""
    lines = ""
    for line in script.splitlines(keepends=True):
        lines += line
        if sqlite3.complete_statement(lines):
            yield lines
            lines = ""
    if any(line.strip() and not line.lstrip().startswith("--") for line in lines.splitlines()):
        raise StoreError(f"A migration ends inside a statement: {lines.strip()!r}.", "End it with a semicolon.")


def _step(name: str, script: str) -> Callable[[Database], None]:
    def run(database: Database) -> None:
        for statement in statements(script):
            database.conn.execute(statement)
        database.conn.execute("INSERT INTO meta (key, value) VALUES (?, ?)", [_meta_key(name), digest(script)])

    return run


def _meta_key(name: str) -> str:
    return f"migration:{name}"


def _check_texts(writer: Writer, scripts: Mapping[str, str]) -> None:
    known: dict[str, str] = dict(writer.connection.execute("SELECT key, value FROM meta").fetchall()) if scripts else {}
    changed = [name for name, script in scripts.items() if known.get(_meta_key(name)) != digest(script)]
    if changed:
        raise StoreError(
            f"The database {writer.path} was made with another text of {', '.join(changed)} than this version has.",
            "Use the version that made it, or start a new database and sync again.",
        )
