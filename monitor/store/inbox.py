"""What people ask of the alerts while the monitor runs: a silence, its end, an acknowledgement; one small file each.

One process writes the database, and a person silences exactly while it runs. So a request is a file in the folder
`<database>.requests` (mode 0700, files 0600), written under another name and renamed, so that it is seen whole or not
at all. The process that writes applies each request in a transaction that notes its name with the answer, and removes
the file after that: a crash in between applies nothing twice, and who asked can read the answer in the database.
"""

from __future__ import annotations

import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from monitor.clock import DAY, iso
from monitor.errors import StoreError, UsageError
from monitor.store.silences import Acknowledgement, Lift, Silence, acknowledge, add_silence, lift_silence

if TYPE_CHECKING:
    import sqlite3

    from monitor.store.database import Writer

Request = Silence | Lift | Acknowledgement
KINDS: dict[str, type[Request]] = {"silence": Silence, "unsilence": Lift, "ack": Acknowledgement}
TYPES: dict[str, type | tuple[type, ...]] = {"int": int, "str": str, "int | None": (int, type(None))}
# No request of ours is longer; nothing else in the folder is read into memory.
LONGEST = 65_536
# The last instant that can be written as a date.
LATEST = 253_402_300_799_999
ANSWER = "request:"


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: whether it was granted, and a sentence."""

    granted: bool
    said: str


def folder_of(database: Path) -> Path:
    """Return the folder of a database's requests; two links to one database share it."""
    return Path(f"{database.resolve()}.requests")


def submit(database: Path, request: Request, now: int) -> str:
    """Put a request where the writing process finds it, and return its name.

    Raises:
        StoreError: the folder or the file cannot be written.
    """
    kind = next(kind for kind, shape in KINDS.items() if isinstance(request, shape))
    # Names in the order of asking; the rest keeps two that are asked in the same millisecond apart.
    name = f"{now:014d}-{secrets.token_hex(8)}"
    folder = folder_of(database)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(folder / f"{name}.new", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump({kind: asdict(request)}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        (folder / f"{name}.new").rename(folder / f"{name}.json")
    except OSError as error:
        remedy = "Ask as the user who runs the monitor, and check the free space."
        raise StoreError(f"The request cannot be put into {folder}: {error.strerror}.", remedy) from None
    return name


def apply_requests(writer: Writer, now: int) -> tuple[Answer, ...]:
    """Apply every request that waits, in the order of asking; return what became of those applied just now.

    One that cannot be granted, or read, is answered with the reason and removed: it stops nothing.
    """
    waiting = _waiting(writer.path)
    fresh = []
    for path in waiting:
        if answer_to(writer.connection, path.stem) is None:
            fresh.append(_apply(writer, path, now))
        # What cannot be removed is known by its answer, and not applied again.
        with suppress(OSError):
            path.unlink()
    if fresh:
        _forget(writer, {path.stem for path in _waiting(writer.path)}, now)
    return tuple(fresh)


def answer_to(connection: sqlite3.Connection, name: str) -> Answer | None:
    """Return what became of a request, None if it still waits."""
    row = connection.execute("SELECT value FROM meta WHERE key = ?", [ANSWER + name]).fetchone()
    return None if row is None else Answer(**json.loads(row[0]))


def _waiting(database: Path) -> list[Path]:
    """Return the files of the requests that wait, the first asked first."""
    try:
        return sorted(path for path in folder_of(database).iterdir() if path.suffix == ".json")
    except FileNotFoundError:
        return []


def _apply(writer: Writer, path: Path, now: int) -> Answer:
    """Apply one request and note its answer, in one transaction."""
    with writer.transaction() as connection:
        try:
            answer = Answer(granted=True, said=_granted(connection, _read(path), now))
        except UsageError as error:
            # Each kind refuses before it writes.
            answer = Answer(granted=False, said=str(error))
        note = json.dumps(asdict(answer))
        connection.execute("INSERT INTO meta (key, value) VALUES (?, ?)", [ANSWER + path.stem, note])
    return answer


def _granted(connection: sqlite3.Connection, request: Request, now: int) -> str:
    """Do what is asked and say it."""
    if isinstance(request, Silence):
        number = add_silence(connection, request, now)
        return f"Silence {number} holds back {request.about} until {iso(request.until)}."
    if isinstance(request, Lift):
        lift_silence(connection, request.number, now)
        return f"Silence {request.number} is over."
    episode = acknowledge(connection, request)
    until = "it is resolved" if request.until is None else iso(request.until)
    return f"Episode {episode} of {request.rule} for {request.subject} is acknowledged until {until}."


def _read(path: Path) -> Request:
    """Return the request of a file.

    Raises:
        UsageError: it is none.
    """
    try:
        # No link is followed: the file is what this folder's owner wrote.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as stream:
            ((kind, told),) = json.loads(stream.read(LONGEST)).items()
        shape = KINDS[kind]
        request = shape(**told)
        fitting = all(_fits(getattr(request, field.name), str(field.type)) for field in fields(shape))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{path.name} is no request.", "Ask with: monitor alerts silence, unsilence, ack") from None
    if not fitting:
        raise UsageError(f"{path.name} is no request.", "Ask with: monitor alerts silence, unsilence, ack")
    return request


def _fits(value: object, kind: str) -> bool:
    """Return whether the database can hold a value of a field; what it cannot would stop every later request."""
    if isinstance(value, str):
        value.encode()
    return isinstance(value, TYPES[kind]) and not (isinstance(value, int) and not 0 <= value <= LATEST)


def _forget(writer: Writer, waiting: set[str], now: int) -> None:
    """Forget answers that are a day old, but for those whose file could not be removed."""
    with writer.transaction() as connection:
        rows = connection.execute(
            "SELECT key FROM meta WHERE key >= ? AND key < ?", [ANSWER, f"{ANSWER}{max(0, now - DAY):014d}"]
        )
        old = [(key,) for (key,) in rows if key.removeprefix(ANSWER) not in waiting]
        connection.executemany("DELETE FROM meta WHERE key = ?", old)
