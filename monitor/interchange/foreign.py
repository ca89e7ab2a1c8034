"""Another program's export as rows of text, each with its line; its dialect is told from its header.

Separators may be `,` `;` or tabs, a byte order mark may stand in front, a name that comes twice gets a number
(`Cur. (2)`), and empty fields past the header's end are nothing.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

from monitor.errors import ImportRejected
from monitor.interchange.table import PARQUET_MAGIC, Rejected, decoded, plain_lines, read_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SEPARATORS = ",;\t"


class Line(NamedTuple):
    """A row of an export: its line and its fields by column, without the empty ones."""

    number: int
    fields: dict[str, str]


class Export(NamedTuple):
    """The header and rows of an export, and the rows that are no rows."""

    header: tuple[str, ...]
    lines: list[Line]
    rejected: list[Rejected]


def header_of(path: Path) -> tuple[str, ...]:
    """Return the columns of a CSV; none of a Parquet file, which only we write.

    Raises:
        UsageError: there is no such file.
        ImportRejected: its first line is no text.
    """
    content = read_bytes(path)
    if content.startswith(PARQUET_MAGIC):
        return ()
    first = decoded(path, plain_lines(content).lstrip(b"\r\n").partition(b"\n")[0])
    try:
        return _numbered(next(csv.reader(io.StringIO(first), delimiter=_separator(first)), []))
    except csv.Error as error:
        raise ImportRejected(f"{path} is no CSV: {error}.", "Its first line names the columns.") from None


def read_export(path: Path, empty: tuple[str, ...] = ()) -> Export:
    """Read an export; fields that are blank or one of `empty` are left out.

    Raises:
        UsageError: there is no such file.
        ImportRejected: it is no UTF-8 text, or empty.
    """
    text = decoded(path, plain_lines(read_bytes(path)))
    if not text.strip():
        raise ImportRejected(f"{path} is empty.", "Its first line names the columns.")
    body = text.lstrip("\r\n")
    before = text[: len(text) - len(body)].count("\n")
    reader = csv.reader(io.StringIO(body, newline=""), delimiter=_separator(body.partition("\n")[0]), strict=True)
    header = _numbered(next(reader))
    export = Export(header, [], [])
    for number, row in _rows(reader, export.rejected, before):
        extra = row[len(header) :]
        if len(row) < len(header) or any(field.strip() for field in extra):
            fields = f"has {len(row)} fields, the header names {len(header)}"
            export.rejected.append(Rejected(number, fields))
            continue
        pairs = ((name, field.strip()) for name, field in zip(header, row, strict=False))
        export.lines.append(Line(number, {name: field for name, field in pairs if field and field not in empty}))
    return export


def _rows(reader: Iterator[list[str]], rejected: list[Rejected], before: int) -> Iterator[tuple[int, list[str]]]:
    """Yield (line, fields) of the rows that hold anything."""
    while True:
        number = reader.line_num + 1 + before  # type: ignore[attr-defined]  # the reader's own
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            rejected.append(Rejected(number, f"is no CSV: {error}"))
            continue
        if any(field.strip() for field in row):
            yield number, row


def _separator(first: str) -> str:
    """Return the separator that cuts the header into most columns."""
    return max(SEPARATORS, key=first.count)


def _numbered(names: list[str]) -> tuple[str, ...]:
    """Return the columns' names, the second of one name as `name (2)`."""
    bare = [name.strip() for name in names]
    while bare and not bare[-1]:
        bare.pop()
    return tuple(
        name if bare.index(name) == at else f"{name} ({bare[: at + 1].count(name)})" for at, name in enumerate(bare)
    )
