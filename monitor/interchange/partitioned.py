"""A ledger cut into a folder of Parquet files, one for each asset and book, and what was computed of each.

    FOLDER/asset=BTC/book=spot/{fills,movements,prices}.parquet    and its `part.json`: which assets these are

Each holds all that computing it takes, the prices it is valued by included, so that a worker needs nothing but a path.
Names that are no plain word are written as in addresses (%2F for a stroke), as Hive does.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import polars as pl

from monitor.errors import UsageError
from monitor.records import Finding
from monitor.schema import LOTS, MARKS, RELIEFS, SEGMENTS, TRACK

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

SPOT = "spot"
LEDGER = ("fills", "movements", "prices")
TABLES = {"track": TRACK, "segments": SEGMENTS, "lots": LOTS, "reliefs": RELIEFS}
KEY = ("scope", "account", "asset", "book", "method")
ABOUT, TOLD = "part.json", "told.json"

Frames = tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]
Key = tuple[str, str, str, str, str]


class Partition(NamedTuple):
    """One asset, or assets that convert into each other, in one book: where its rows lie, and how many fills."""

    path: str
    assets: tuple[str, ...]
    book: str
    fills: int


class Tables(NamedTuple):
    """The tables of one pool, as `monitor.schema` has them."""

    track: pl.DataFrame
    segments: pl.DataFrame
    lots: pl.DataFrame
    reliefs: pl.DataFrame


class Computed(NamedTuple):
    """What was computed of a partition: the tables of each pool, marks, findings, and what has no price."""

    pools: Mapping[Key, Tables]
    marks: pl.DataFrame
    findings: tuple[Finding, ...]
    unpriced: Mapping[tuple[str, str], tuple[int, int]]


def write_partitions(folder: Path, assets: tuple[str, ...], ledger: Frames) -> list[Partition]:
    """Write the rows of assets, one partition for each book they have rows in.

    Raises:
        UsageError: the folder cannot be written.
    """
    fills, movements, prices = ledger
    books = {*fills["book"].unique(), *movements["book"].unique(), SPOT} - {None}
    written = []
    for book in sorted(books):
        parts = (_of_book(fills, book, assets), movements if book == SPOT else movements.filter(book=book), prices)
        if parts[0].height or parts[1].height:
            path = folder / f"asset={_escaped(assets[0])}" / f"book={book}"
            partition = Partition(str(path), assets, book, parts[0].height)
            try:
                _write(path, partition, parts)
            except OSError as error:
                raise UsageError(f"{path} cannot be written: {error.strerror}.", "Name another folder.") from None
            written.append(partition)
    return written


def _escaped(name: str) -> str:
    """Return a name as a folder may be called, other signs than plain ones as %XX of their bytes."""
    plain = (chr(byte) if chr(byte).isalnum() or chr(byte) in "-_" else f"%{byte:02X}" for byte in name.encode())
    return "".join(sign if sign.isascii() else f"%{ord(sign):02X}" for sign in plain)


def _of_book(fills: pl.DataFrame, book: str, assets: Collection[str]) -> pl.DataFrame:
    """Return the fills with legs in a book; fees paid in a coin are the spot book's, whatever was traded."""
    if book != SPOT:
        return fills.filter(book=book)
    paid = pl.any_horizontal(pl.col("fees").str.contains(json.dumps(asset), literal=True) for asset in assets)
    return fills.filter((pl.col("book") == book) | paid)


def _write(path: Path, partition: Partition, ledger: Frames) -> None:
    path.mkdir(parents=True, exist_ok=True)
    for name, frame in zip(LEDGER, ledger, strict=True):
        frame.write_parquet(path / f"{name}.parquet")
    (path / ABOUT).write_text(json.dumps({**partition._asdict(), "path": ""}), encoding="utf-8")


def partitions(folder: Path) -> list[Partition]:
    """Return the partitions of a folder, the largest first: what takes longest begins first.

    Raises:
        UsageError: there are none.
    """
    found = [_partition(path.parent) for path in folder.glob(f"asset=*/book=*/{ABOUT}")]
    if not found:
        raise UsageError(f"{folder} holds no partitions.", "Write them with `monitor export --partitioned FOLDER`.")
    return sorted(found, key=lambda one: (-one.fills, one.assets, one.book))


def _partition(path: Path) -> Partition:
    told = json.loads((path / ABOUT).read_text(encoding="utf-8"))
    return Partition(str(path), tuple(told["assets"]), told["book"], told["fills"])


def read_partition(path: str) -> Frames:
    """Return the fills, movements and prices of a partition."""
    fills, movements, prices = (pl.read_parquet(Path(path) / f"{name}.parquet") for name in LEDGER)
    return fills, movements, prices


def write_computed(path: Path, computed: Computed) -> str:
    """Write what was computed of a partition into a folder, and return its path."""
    path.mkdir(parents=True, exist_ok=True)
    for table in TABLES:
        frames = [
            getattr(tables, table).select(
                *(pl.lit(part).alias(f"key_{name}") for name, part in zip(KEY, key, strict=True)), pl.all()
            )
            for key, tables in computed.pools.items()
        ]
        if frames:
            pl.concat(frames).write_parquet(path / f"{table}.parquet", compression="uncompressed")
    computed.marks.write_parquet(path / "marks.parquet", compression="uncompressed")
    unpriced = [[*key, *counted] for key, counted in computed.unpriced.items()]
    told = {
        "pools": list(computed.pools),
        "findings": [asdict(finding) for finding in computed.findings],
        "unpriced": unpriced,
    }
    (path / TOLD).write_text(json.dumps(told), encoding="utf-8")
    return str(path)


def _literals(key: Key) -> list[pl.Expr]:
    return [pl.lit(part).alias(f"key_{name}") for name, part in zip(KEY, key, strict=True)]


def read_computed(path: str) -> Computed:
    """Return what was computed of a partition."""
    folder = Path(path)
    told = json.loads((folder / TOLD).read_text(encoding="utf-8"))
    keys: list[Key] = [tuple(key) for key in told["pools"]]
    tables = {table: dict(_by_pool(folder / f"{table}.parquet", table)) if keys else {} for table in TABLES}
    empty = {table: pl.DataFrame(schema=_types(schema)) for table, schema in TABLES.items()}
    pools = {key: Tables(*(tables[table].get(key, empty[table]) for table in TABLES)) for key in keys}
    return Computed(
        pools,
        pl.read_parquet(folder / "marks.parquet")
        if (folder / "marks.parquet").exists()
        else pl.DataFrame(_types(MARKS)),
        tuple(Finding(**finding) for finding in told["findings"]),
        {(asset, book): (count, first) for asset, book, count, first in told["unpriced"]},
    )


def _by_pool(path: Path, table: str) -> Iterator[tuple[Key, pl.DataFrame]]:
    names = [f"key_{name}" for name in KEY]
    frame = pl.read_parquet(path)
    for key, part in frame.partition_by(names, as_dict=True, maintain_order=True).items():
        scope, account, asset, book, method = map(str, key)
        yield (scope, account, asset, book, method), part.select(*TABLES[table])


def _types(columns: Mapping[str, str]) -> dict[str, pl.DataType]:
    return {name: getattr(pl, kind) for name, kind in columns.items()}
