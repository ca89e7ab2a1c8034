"""A file of text columns, CSV or Parquet, each row with its line number.

Every column is read as text: an amount that has been a binary float for a moment is no longer what the file said.
The fast path is one polars call; it is taken only when the separators prove that every row has as many fields as the
header, because a row that was cut short would otherwise pass as a row with empty fields.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl
from polars.exceptions import PolarsError

from monitor.errors import ImportRejected, UsageError
from monitor.interchange.columns import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LINE = "line"
PARQUET_MAGIC = b"PAR1"
ZIP_MAGIC = b"PK\x03\x04"
# Bytes of a CSV that are read at a time.
BLOCK = 1 << 24
NO_SEPARATORS = bytes(byte for byte in range(256) if byte not in b",\n")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that cannot become an event: `line` counts from 1 (a CSV's header), a Parquet file's rows likewise."""

    line: int
    reason: str
    file: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a file as text columns (empty is null) beside `line`, and the rows that are no rows at all."""

    frame: pl.DataFrame
    rejected: tuple[Rejected, ...] = ()


def read_table(path: Path, columns: tuple[str, ...], needed: tuple[str, ...]) -> Table:
    """Read a whole file as `read_parts` does."""
    parts = list(read_parts(path, columns, needed))
    return Table(pl.concat([part.frame for part in parts]), tuple(row for part in parts for row in part.rejected))


def read_parts(path: Path, columns: tuple[str, ...], needed: tuple[str, ...]) -> Iterator[Table]:
    """Yield the parts of a CSV or Parquet file with some or all of `columns`; the missing ones are nulls.

    There is one part at least. Whether the file can be read at all is certain only after the last one.

    Raises:
        UsageError: there is no such file.
        ImportRejected: it is no UTF-8 CSV and no Parquet, or its columns are not the expected ones.
    """
    content = read_bytes(path)
    parquet = content.startswith(PARQUET_MAGIC)
    content = content if parquet else plain_lines(content).rstrip(b"\r\n")
    try:
        header = list(pl.read_parquet_schema(io.BytesIO(content))) if parquet else _header(path, content)
        _check_header(path, header, columns, needed)
        tables = iter([Table(_trimmed(_parquet(content)))]) if parquet else _csv(path, content, header)
    except PolarsError as error:
        raise ImportRejected(f"{path} is no readable Parquet file: {error}", "Write it again.") from None
    for table in tables:
        yield Table(_completed(_filled(table.frame, needed), columns), table.rejected)


def _filled(frame: pl.DataFrame, needed: tuple[str, ...]) -> pl.DataFrame:
    """Return the rows that hold anything: a spreadsheet's blank line is a row of separators."""
    if not all(frame[name].null_count() for name in needed):
        return frame
    return frame.filter(~pl.all_horizontal(pl.exclude(LINE).is_null()))


def read_bytes(path: Path) -> bytes:
    """Return what is in a file.

    Raises:
        UsageError: there is no such file.
        ImportRejected: it is a workbook or an archive, whose text is inside.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Check the path and its permissions.") from None
    if content.startswith(ZIP_MAGIC):
        raise ImportRejected(f"{path} is a workbook or an archive.", "Save its sheet as CSV, or unpack the CSV in it.")
    return content


def plain_lines(content: bytes) -> bytes:
    """Return a text without its mark in front; lines that end in a bare carriage return end as all others do."""
    content = content.removeprefix(b"\xef\xbb\xbf")
    return content.replace(b"\r", b"\n") if b"\r" in content and b"\n" not in content else content


def _parquet(content: bytes) -> pl.DataFrame:
    """Return a Parquet file's rows as text; floats by their shortest exact writing, instants as ISO 8601."""
    frame = pl.read_parquet(io.BytesIO(content))
    # A time of floats would have an exponent as a text; that a float is no number says that it is missing.
    if "time" in frame.columns and frame.schema["time"].is_float():
        whole = frame["time"].cast(pl.Int64, strict=False)
        frame = frame.with_columns(whole if (whole == frame["time"]).all() else [])
    texts = [
        pl.col(name).dt.to_string("iso:strict")
        if kind.is_temporal()
        else (pl.col(name).fill_nan(None) if kind.is_float() else pl.col(name)).cast(pl.String)
        for name, kind in frame.schema.items()
    ]
    return frame.select(texts).with_row_index(LINE, offset=1)


def _csv(path: Path, content: bytes, header: list[str]) -> Iterator[Table]:
    """Yield a CSV's rows: block by block by polars where the separators add up, else all of them row by row."""
    first, _, _ = content.partition(b"\n")
    start, line = len(first) + 1, 2
    if start > len(content) or b'"' in content or not _regular(content, len(header)):
        yield _row_by_row(decoded(path, content), header)
        return
    while start < len(content):
        end = content.find(b"\n", start + BLOCK)
        block = content[start : len(content) if end < 0 else end]
        start += len(block) + 1
        frame = _block(path, content, block, header)
        if frame is None:
            yield _row_by_row(decoded(path, first + b"\n" + block), header, line)
        else:
            yield Table(frame.with_row_index(LINE, offset=line))
        line += block.count(b"\n") + 1


def _block(path: Path, content: bytes, block: bytes, header: list[str]) -> pl.DataFrame | None:
    """Return the rows of some lines of a file, None if polars does not see every line as one."""
    try:
        frame = pl.read_csv(block, has_header=False, new_columns=header, infer_schema=False)
    except PolarsError:
        # Not UTF-8: it names no line, the decoder of the whole does.
        decoded(path, content)
        return None
    if frame.height != block.count(b"\n") + 1:
        return None
    # Only ASCII without blanks is known to have no padding; looking costs less than trimming.
    bare = block.isascii() and b" " not in block and b"\t" not in block
    return frame if bare else _trimmed(frame)


def _regular(content: bytes, fields: int) -> bool:
    """Tell whether every line has the same number of fields: nothing but its separators is looked at."""
    lines = content.count(b"\n") + 1
    return content.translate(None, NO_SEPARATORS) == b"\n".join([b"," * (fields - 1)] * lines)


def decoded(path: Path, content: bytes) -> str:
    """Return the text of a UTF-8 file, or say on which line it stops being one."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ImportRejected(f"{path} is not UTF-8 text: line {line}.", "Save it as CSV in UTF-8.") from None
    return text


def _header(path: Path, content: bytes) -> list[str]:
    """Return the column names of the first line."""
    if b"\x00" in content:
        line = content.count(b"\n", 0, content.index(b"\x00")) + 1
        raise ImportRejected(f"{path} is no CSV: a null character on line {line}.", "Save it as CSV in UTF-8.")
    first = decoded(path, content.partition(b"\n")[0])
    try:
        return [name.strip() for name in next(csv.reader(io.StringIO(first)), [])]
    except csv.Error as error:
        raise ImportRejected(f"{path} is no CSV: {error}.", "Its first line names the columns.") from None


def _row_by_row(text: str, header: list[str], begins: int = 2) -> Table:
    """Return the rows that have as many fields as the header; the others are rejected with their line number.

    The line after the header is the file's line `begins`.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[int] = []
    rows: list[list[str]] = []
    rejected: list[Rejected] = []
    next(reader)
    while True:
        line = reader.line_num + begins - 1
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            rejected.append(Rejected(line, f"is no CSV: {error}"))
            continue
        if len(row) == len(header):
            lines.append(line)
            rows.append(row)
        elif row:
            rejected.append(Rejected(line, f"has {len(row)} fields, the header names {len(header)}"))
    fields = zip(*rows, strict=True) if rows else ((),) * len(header)
    columns = [pl.Series(name, values, dtype=pl.String) for name, values in zip(header, fields, strict=True)]
    frame = pl.DataFrame([pl.Series(LINE, lines, dtype=pl.UInt32), *columns])
    return Table(_trimmed(frame), tuple(rejected))


def _check_header(path: Path, found: list[str], known: tuple[str, ...], needed: tuple[str, ...]) -> None:
    """Refuse a file whose columns are unknown, doubled, or too few to mean anything."""
    if not any(found):
        raise ImportRejected(f"{path} is empty.", f"Its first line names the columns: {','.join(known)}.")
    if len(found) == 1 and (other := next((mark for mark in ";\t" if mark in found[0]), None)):
        raise ImportRejected(
            f"{path} is separated by {other!r}.", "Separate the columns by commas: `;` stands between several fees."
        )
    if strange := [f"{name!r}{did_you_mean(name, known)}" for name in found if name not in known]:
        plural = "s" if len(strange) > 1 else ""
        raise ImportRejected(
            f"{path} has unknown column{plural} {', '.join(strange)}.", f"The columns are {','.join(known)}."
        )
    if doubled := sorted({repr(name) for name in found if found.count(name) > 1}):
        raise ImportRejected(f"{path} has column {', '.join(doubled)} more than once.", "Keep one of them.")
    if missing := [repr(name) for name in needed if name not in found]:
        raise ImportRejected(f"{path} has no column {', '.join(missing)}.", f"The columns are {','.join(known)}.")


def _trimmed(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows without blanks around the fields; a field of blanks is an empty one, and empty is null."""
    filled = [name for name in frame.columns if name != LINE and frame[name].null_count() < frame.height]
    frame = frame.with_columns(pl.col(name).str.strip_chars() for name in filled)
    return frame.with_columns(pl.when(pl.col(name) != "").then(name).alias(name) for name in filled)


def _completed(frame: pl.DataFrame, columns: tuple[str, ...]) -> pl.DataFrame:
    """Return `line` and all the columns, the absent ones as nulls."""
    absent = [pl.lit(None, pl.String).alias(name) for name in columns if name not in frame.columns]
    return frame.with_columns(*absent).select(pl.col(LINE).cast(pl.Int64), *columns)
