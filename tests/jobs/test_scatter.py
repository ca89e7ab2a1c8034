"""Partition by partition, over any executor: the bits of one run over everything."""

from __future__ import annotations

from concurrent.futures import Executor, Future, ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.errors import UsageError
from monitor.interchange.partitioned import partitions, write_partitions
from monitor.jobs.measure import measure, rebuild
from monitor.jobs.scatter import export_partitions, processes, scattered
from monitor.records import Account, Fee, Fill, Movement, Price, Valuation
from monitor.schema import FILLS, MOVEMENTS, PRICES
from monitor.store.database import open_writer
from monitor.store.frames import ledger_frames
from monitor.store.ledger import commit_prices, commit_rows, register_account
from monitor.turnover.track import recompute

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from monitor.store.database import Writer

T = TypeVar("T")
DAY = 86_400_000
TABLES = ("track", "segments", "lots", "reliefs")
MARKETS = (
    *(("BTC", "USD", "spot"), ("ETH", "BTC", "spot"), ("ETH", "USDT", "spot"), ("OLD", "USD", "spot")),
    *(("NEW", "USD", "spot"), ("BTC", "USDT", "linear"), ("EUR", "USDT", "linear"), ("BTC", "USD", "margin")),
    *(("BNB", "USDT", "spot"), ("BTC", "USDC", "option")),
)
FEES = ((), (("BNB", "0.01"),), (("USD", "0.3"), ("BNB", "-0.02")), (("BTC", "0.001"),))
EVENT = st.tuples(
    st.integers(0, len(MARKETS) + 1), st.integers(1, 40), st.integers(1, 9), st.booleans(), st.integers(0, 7)
)


class Here(Executor):
    """An executor that computes at once, in the last place first."""

    def submit(self, fn: Callable[..., T], /, *args: object, **kwargs: object) -> Future[T]:
        """Return a finished future."""
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Yield a database with two accounts of files."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        for account in ("main", "second"):
            register_account(opened, Account(account, "file"), 1)
        yield opened


def store(writer: Writer, events: list[tuple[int, int, int, bool, int]]) -> None:
    """Store a book: fills of all markets, a transfer and a conversion where their numbers come up, some prices."""
    fills, movements = [], []
    for number, (kind, amount, price, buys, more) in enumerate(events):
        time, account = DAY + 1000 * (number // 2), ("main", "second")[more % 2]
        if kind < len(MARKETS):
            base, quote, book = MARKETS[kind]
            settle = quote if book in {"linear", "option"} else None
            symbol = f"{base}/{quote}" + (f":{quote}-261225-90000-C" if book == "option" else "")
            fills.append(
                Fill(account, "file", str(number), time, book, symbol, symbol, base, quote,  # type: ignore[arg-type]
                     "buy" if buys else "sell", Decimal(amount) / 4, Decimal(price), settle=settle,
                     fees=tuple(Fee(asset, Decimal(fee)) for asset, fee in FEES[more // 2]))
            )  # fmt: skip
        elif kind == len(MARKETS):
            movements.append(Movement(account, "file", str(number), time, "transfer", "BTC", Decimal(amount) / 8,
                                      to_account="second" if account == "main" else "main"))  # fmt: skip
        else:
            movements.append(Movement(account, "file", str(number), time, "convert", "OLD", Decimal(amount),
                                      to_asset="NEW", received=Decimal(amount * price)))  # fmt: skip
    commit_rows(writer, fills, movements, DAY)
    pairs = (("BTC", "USD", "500"), ("ETH", "BTC", "0.1"), ("BNB", "USDT", "30"))
    commit_prices(writer, [Price(base, quote, DAY // 2, Decimal(p), "kraken", "candle") for base, quote, p in pairs])


def computed(folder: Path, executor: Executor) -> dict[str, object]:
    """Return everything an executor computes of a folder of partitions, as plain rows."""
    found: dict[str, object] = {}
    for one in scattered(folder / "ledger", folder / f"by-{id(executor)}", Valuation(), executor):
        for key, pool in one.pools.items():
            found |= {f"{key} {table}": getattr(pool, table).rows() for table in TABLES}
        found |= marks_of(one.marks)
    return found


def whole(connection: sqlite3.Connection) -> dict[str, object]:
    """Return everything one run over the whole ledger gives, as plain rows."""
    tracks = recompute(*ledger_frames(connection), Valuation())
    found = marks_of(tracks.marks)
    for key, pool in tracks.pools.items():
        found |= {f"{tuple(key)} {table}": getattr(pool, table).rows() for table in TABLES}
    return found


def marks_of(marks: pl.DataFrame) -> dict[str, object]:
    """Return the marks of each asset as plain rows."""
    return {f"mark {asset}": frame.rows() for (asset,), frame in marks.partition_by("asset", as_dict=True).items()}


def tables(connection: sqlite3.Connection) -> list[list[tuple[object, ...]]]:
    """Return every derived row, findings too."""
    pool = "scope, account, asset, book, t.* FROM {0} t JOIN pools ON pool = id ORDER BY 1, 2, 3, 4, t.{1}, t.{2}"
    queries = (
        f"SELECT {pool.format('track', 'time_ms', 'ordinal')}",
        f"SELECT {pool.format('lots', 'lot', 'entered_ms')}",
        f"SELECT {pool.format('reliefs', 'ordinal', 'lot')}",
        f"SELECT {pool.format('segments', 'segment', 'time_ms')}",
        "SELECT * FROM marks ORDER BY asset, time_ms",
        "SELECT code, subject, message FROM findings ORDER BY 1, 2",
    )
    return [list(map(tuple, connection.execute(query).fetchall())) for query in queries]


@settings(
    max_examples=6,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(events=st.lists(EVENT, min_size=3, max_size=25))
def test_any_partitioning_and_any_executor_give_the_same_bits(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple[int, int, int, bool, int]]
) -> None:
    """Partitions computed one by one or in threads, from files alone, are those of one run over the whole ledger."""
    folder = tmp_path_factory.mktemp("scatter")
    with open_writer(folder / "desk.db", holder="test") as writer:
        for account in ("main", "second"):
            register_account(writer, Account(account, "file"), 1)
        store(writer, events)
        export_partitions(writer.connection, folder / "ledger")
        expected = whole(writer.connection)
        with ThreadPoolExecutor(2) as threads:
            assert computed(folder, threads) == expected
        assert computed(folder, Here()) == expected


BOOK = [(number % 12, 1 + number * 7 % 40, 1 + number % 9, number % 3 != 0, number % 8) for number in range(60)]


def test_processes_rebuild_what_was_measured(writer: Writer) -> None:
    """Two fresh processes, told nothing but paths, store the rows that one process stored."""
    store(writer, BOOK)
    measure(writer, DAY)
    before = tables(writer.connection)
    rebuild(writer, DAY, workers=2)
    assert tables(writer.connection) == before
    assert any(before[0])


def test_a_rebuild_leaves_nothing_behind(writer: Writer, tmp_path: Path) -> None:
    """The files of several workers are gone afterwards, and so are pools that the ledger has no more."""
    store(writer, BOOK)
    measure(writer, DAY)
    with writer.transaction() as connection:
        connection.execute(
            "INSERT INTO pools (scope, account, asset, book, method) VALUES ('portfolio', '', 'X', 'spot', 'fifo')"
        )
        connection.execute("INSERT INTO marks VALUES ('X', 0, 1.0, 0.0, 'peg')")
    rebuild(writer, DAY)
    found = {asset for (asset,) in writer.connection.execute("SELECT asset FROM pools UNION SELECT asset FROM marks")}
    assert "X" not in found
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []


def test_the_largest_partition_goes_first(writer: Writer, tmp_path: Path) -> None:
    """What takes longest begins first, and assets that convert into each other are one partition."""
    store(writer, BOOK)
    export_partitions(writer.connection, tmp_path / "ledger")
    found = partitions(tmp_path / "ledger")
    assert [one.fills for one in found] == sorted((one.fills for one in found), reverse=True)
    assert [one.assets for one in found if "OLD" in one.assets] == [("NEW", "OLD")]
    assert {one.book for one in found if one.assets[0] == "BTC"} == {"spot", "margin", "linear", "option"}


def test_odd_names_are_folders_of_their_own(tmp_path: Path) -> None:
    """An asset's name is written as in an address where it is no plain word: no stroke leads out of the folder."""
    fills, movements, prices = (pl.DataFrame(schema=types(one)) for one in (FILLS, MOVEMENTS, PRICES))
    row = dict.fromkeys(FILLS) | {"book": "spot", "fees": "[]"}
    fills = pl.DataFrame([row], schema=fills.schema)
    (found,) = write_partitions(tmp_path, ("../é $",), (fills, movements, prices))
    assert found.path == str(tmp_path / "asset=%2E%2E%2F%C3%A9%20%24" / "book=spot")


def types(columns: dict[str, str]) -> dict[str, pl.DataType]:
    """Return the types of a frame."""
    return {name: getattr(pl, kind) for name, kind in columns.items()}


def test_a_folder_without_partitions_is_refused(tmp_path: Path) -> None:
    """A path that holds none says how to write them."""
    with pytest.raises(UsageError, match="holds no partitions"):
        partitions(tmp_path)


def test_a_cluster_gives_the_same_bits(writer: Writer, tmp_path: Path) -> None:
    """Dask's executor fits the same seam: paths go to a worker of its own process, paths come back."""
    distributed = pytest.importorskip("distributed")
    store(writer, BOOK)
    export_partitions(writer.connection, tmp_path / "ledger")
    options = {"n_workers": 1, "threads_per_worker": 1, "dashboard_address": None, "local_directory": str(tmp_path)}
    with distributed.Client(processes=True, **options) as client:
        assert computed(tmp_path, client.get_executor(retries=1)) == whole(writer.connection)


def test_processes_are_fresh() -> None:
    """The pool spawns: a forked process would inherit the locks of another thread."""
    with processes(1) as pool:
        assert pool.submit(abs, -1).result() == 1
