"""What is measured on a database: import, questions, whole processes, series, a page, a late fill, memory.

The database is built from the desk's own files, the way a person would. Later sections change it: they come last.
"""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import count
from math import isclose
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, cast

from bench_data import NAMES, SPAN, write_files
from bench_memory import GREAT, expected, turnover_of
from bench_rows import Row, ratio, rounds, seconds, spread, timed

from monitor.clock import DAY, Window
from monitor.exchanges.normalise import Origin, fills
from monitor.jobs import interchange
from monitor.jobs.answer import turnover_answer
from monitor.jobs.arrivals import commit_measured
from monitor.jobs.explain import explain_answer, question_of
from monitor.jobs.interchange import Files, ImportSummary, import_events
from monitor.jobs.measure import measure
from monitor.jobs.series import Wanted, series_answer
from monitor.records import Batch, Fill, StreamKey
from monitor.store.answers import pools, snapshot
from monitor.store.database import open_writer
from monitor.store.ledger import commit_rows
from monitor.store.reader import open_reader
from monitor.store.states import ends
from monitor.store.touched import touched
from monitor.turnover.measures import difference
from monitor.turnover.ratios import metrics

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator, Sequence

    from bench_data import Desk
    from bench_rows import Report

    from monitor.jobs.measure import MeasureSummary
    from monitor.store.database import Writer

NOW = SPAN.end
WEEK = 7 * DAY
POINTS = 500
PAGE, PAGES = 1_000, 9
CLOSE = 1e-9
LEAST_RATE = 100_000
MOST_PAGE, MOST_LATE = 60e-3, 0.3
MOST_EXPLAINED = 3.0 / 10_000
MOST_MEMORY = 2 * 2**30
MOST_GROWTH, SMALL = 1.5, 100_000
GREAT_ASSET = 1_000_000
PROBES = 1_000
# What `monitor turnover` must do without to start in a blink.
HEAVY = ("polars", "ccxt", "numba", "numpy", "pydantic")
# A process of its own, because a peak is never given back: the whole ledger from the store to tracks. Linux lets a new
# program inherit its parent's `ru_maxrss`, so the peak is read where the program's own is kept.
PEAK = """
import resource, sys
from pathlib import Path

def peak():
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

from monitor.jobs.anew import MOST_ROWS
from monitor.store.frames import ledger_frames
from monitor.store.parts import joined, ledger_parts
from monitor.store.reader import open_reader
from monitor.store.touched import touched
from monitor.store.settings import load_valuation
from monitor.turnover.track import recompute_by_part
before = peak()
connection = open_reader(Path(sys.argv[1]))
connection.execute("PRAGMA mmap_size = 0")  # a rebuild reads as a writer does; mapped pages are the system's anyway
valuation, largest = load_valuation(connection), 0
for part in joined(ledger_parts(connection), MOST_ROWS):
    largest = max(largest, part.rows)
    frames = some = None
    for piece in recompute_by_part(*ledger_frames(connection, part.assets), valuation, assets=part.assets):
        for frames in piece.pools.values():
            for table in ("track", "segments", "lots", "reliefs"):
                for some in frames.rows(table):
                    pass
        piece = frames = some = None
print(before, peak(), largest)
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """The database of a desk; `fresh` gives numbers no fill has had yet."""

    desk: Desk
    path: Path
    fresh: count[int]

    def __len__(self) -> int:
        """Return the number of fills that were imported."""
        return len(self.desk)


def build(desk: Desk, folder: Path, report: Report) -> Stored:
    """Import the desk's files into a new database, and measure that."""
    path = folder / "desk.db"
    summary, storing, measuring = _imported(path, Files(*write_files(desk, folder)))
    if summary.accepted != len(desk):
        sys.exit(f"Only {summary.accepted} of {len(desk)} fills were imported: {summary.rejected[:3]}")
    rows = summary.accepted + summary.prices
    rate, what = rows / storing, f"bulk import, {rows:,} rows read, checked, stored"
    report.add(
        Row(what, len(desk), f"{rate / 1e3:.3g} k rows/s", seconds(storing), target=">= 100 k rows/s",
            holds=rate >= LEAST_RATE)
    )  # fmt: skip
    rate, what = len(desk) / measuring, "the measurement after it, both scopes, tracks stored"
    report.add(
        Row(what, len(desk), f"{rate / 1e3:.3g} k fills/s", seconds(measuring), measuring / storing, "the import")
    )
    size = path.stat().st_size
    report.add(Row("the database", len(desk), f"{size / 1e6:.0f} MB", f"{size / len(desk):.0f} bytes a fill"))
    return Stored(desk, path, count(len(desk) + 1))


def found(desk: Desk, path: Path) -> Stored:
    """Return a database that the same desk was imported into before; leave if it is another one's."""
    wanted = desk.fills.gather_every(max(1, len(desk) // PROBES)).select("id", "account", "time_ms", "amount", "price")
    with closing(open_reader(path)) as connection:
        ask = "SELECT 1 FROM fills WHERE (id, account, time_ms, amount, price) = (?, ?, ?, ?, ?)"
        there = sum(connection.execute(ask, row).fetchone() is not None for row in wanted.iter_rows())
        (most,) = connection.execute("SELECT max(id) FROM fills").fetchone()
    if there < len(wanted) or most < len(desk):
        sys.exit(f"{path} holds {there} of {len(wanted)} probed fills of this desk: it is another one's database.")
    return Stored(desk, path, count(most + 1))


def _imported(path: Path, files: Files) -> tuple[ImportSummary, float, float]:
    """Import files; return what came of it, the seconds of storing, and those of the measurement that ends it."""
    measured: list[float] = []

    def clocked(writer: Writer, now: int) -> MeasureSummary:
        start = perf_counter()
        done = measure(writer, now)
        measured.append(perf_counter() - start)
        return done

    # The measurement has a target of its own: its time is told apart.
    interchange.measure = clocked  # type: ignore[attr-defined]
    try:
        with open_writer(path, holder="bench") as writer:
            start = perf_counter()
            summary = import_events(writer, files, NOW, skip_bad=False, dry_run=False)
            taken = perf_counter() - start
    finally:
        interchange.measure = measure  # type: ignore[attr-defined]
    return summary, taken - sum(measured), sum(measured)


def questions(stored: Stored, report: Report) -> None:
    """Measure one window over one asset and over all: the sums alone, and the whole answer."""
    with closing(open_reader(stored.path)) as connection:
        _agree(connection, stored, report)
        for assets, limit, name in ((["BTC"], 0.2e-3, "one asset"), ([], 15e-3, f"{len(NAMES)} assets")):
            ask = partial(turnover_answer, connection, now=NOW, window=WEEK, assets=assets)
            wanted = pools(connection, "portfolio", "fifo", assets)
            seeks, plain = rounds(
                [partial(_seeks, connection, wanted), partial(ask, detail=False)], least=5, most=400, budget=3.0
            )
            # Apart, because it passes over so much memory that whatever comes next begins with a cold cache.
            whole = timed(ask, least=5, most=400, budget=2.0)
            text = f"p50 <= {seconds(limit)}"
            for what, times, judged in (
                (f"window query, {name}: seeks, differences, metrics of {len(wanted)} pools", seeks, True),
                (f"window query, {name}: the answer without lots", plain, True),
                (f"window query, {name}: the answer with ages, medians, half-life", whole, False),
            ):
                middle = median(times)
                holds = middle <= limit if judged else None
                report.add(
                    Row(what, len(stored), seconds(middle), spread(times), middle / median(seeks), "the seeks",
                        text if judged else "", holds)
                )  # fmt: skip


def against(small: Stored, great: Stored, report: Report) -> None:
    """Measure the same questions on the databases of two desks in turns: history must not make them slower."""
    with closing(open_reader(small.path)) as one, closing(open_reader(great.path)) as other:
        for assets, name in ((["BTC"], "one asset"), ([], f"{len(NAMES)} assets")):
            runs = [
                partial(turnover_answer, connection, now=NOW, window=WEEK, assets=assets, detail=False)
                for connection in (other, one)
            ]
            times, to_compare = rounds(runs, least=5, most=400, budget=4.0)
            share = median(times) / median(to_compare)
            what = f"window query, {name}: against {len(small):,} fills, in turns"
            report.add(
                Row(what, len(great), seconds(median(times)), spread(times), share, f"{len(small):,} fills",
                    f"<= {MOST_GROWTH:g}x for 1e7 against 1e5", holds=share <= MOST_GROWTH,
                    proven=len(great) >= GREAT and len(small) <= SMALL)
            )  # fmt: skip


def _seeks(connection: sqlite3.Connection, wanted: Sequence[object]) -> None:
    """Answer from two seeks a pool, as short as it can be done with the engine's own functions."""
    window = Window(NOW - WEEK, NOW)
    with snapshot(connection):
        for first, last in ends(connection, wanted, window).values():  # type: ignore[arg-type]
            metrics(difference(first, last, window), window, partial=False)


def _agree(connection: sqlite3.Connection, stored: Stored, report: Report) -> None:
    """Compare the stored answer with the tracks computed in memory."""
    answer = turnover_answer(
        connection, now=NOW, start=SPAN.start, end=SPAN.end, by="portfolio", book="all", detail=False
    )
    told = cast("dict[str, float]", answer["portfolio"])["turnover"]
    computed = turnover_of(expected(stored.desk))
    off = abs(told - computed) / computed
    same = isclose(told, computed, rel_tol=CLOSE)
    report.add(Row("turnover of all books, stored against computed in memory", len(stored), f"{told:.12g}",
                   target=f"off by {off:.1e}, <= 1e-9", holds=same))  # fmt: skip


def processes(stored: Stored, report: Report) -> None:
    """Measure whole processes, in turns with one that only imports click."""
    script = Path(sys.executable).with_name("monitor")
    command = [str(script)] if script.exists() else [sys.executable, "-m", "monitor"]
    ask = [
        *command,
        "--db",
        str(stored.path),
        "turnover",
        "BTC",
        "--window",
        "7d",
        "--as-of",
        "2026-01-01",
        "-f",
        "json",
    ]
    click, asked, helped = rounds(
        [_process([sys.executable, "-c", "import click"]), _process(ask), _process([*command, "--help"])],
        least=5, most=15, budget=5.0,
    )  # fmt: skip
    report.add(Row("process `python -c 'import click'`", len(stored), seconds(median(click)), spread(click)))
    for what, times, limit, stored_enough in (
        ("turnover BTC --window 7d -f json", asked, 4, len(stored) >= GREAT_ASSET),
        ("--help", helped, 2, True),
    ):
        share = ratio(times, click)
        report.add(
            Row(f"process `monitor {what}`", len(stored), seconds(median(times)), spread(times), share, "import click",
                f"<= {limit}x", holds=share <= limit, proven=stored_enough)
        )  # fmt: skip
    module = [sys.executable, "-X", "importtime", "-m", "monitor", *ask[len(command) :]]
    told = subprocess.run(module, check=True, capture_output=True, text=True).stderr
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in told.splitlines() if "|" in line}
    found = [name for name in HEAVY if name in loaded]
    report.add(
        Row("heavy imports of that process", len(stored), ", ".join(found) or "none", target="none", holds=not found)
    )


def _process(command: Sequence[str]) -> Callable[[], object]:
    return partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)


def lines(stored: Stored, report: Report) -> None:
    """Measure the rolling line of every asset."""
    wanted = Wanted(window=WEEK, step=DAY // 2, start=NOW - (POINTS - 1) * DAY // 2, end=NOW)
    with closing(open_reader(stored.path)) as connection:
        found: list[dict[str, object]] = []
        times = timed(lambda: found.extend(series_answer(connection, wanted, NOW)), least=2, most=5, budget=3.0)
    found = found[: len(found) // len(times)]
    points = sum(len(cast("list[object]", line["points"])) for line in found)
    what, middle = f"rolling series, {len(found)} assets, {points:,} points", median(times)
    report.add(Row(what, len(stored), seconds(middle), spread(times), target="<= 1 s", holds=middle <= 1))


def explained(stored: Stored, report: Report) -> None:
    """Measure the exact explanation of the second asset, from the ledger alone."""
    asset = NAMES[1]
    with closing(open_reader(stored.path)) as connection:
        question = question_of(asset, window=WEEK)
        answer = turnover_answer(connection, now=NOW, **question)
        told = []
        times = timed(lambda: told.append(explain_answer(connection, answer)), least=1, most=3, budget=5.0)
        events = connection.execute(
            "SELECT count(*) FROM track JOIN pools ON id = pool WHERE asset = ? AND book = 'spot' AND account = ''",
            (asset,),
        ).fetchone()[0]
    each, agrees = median(times) / events, cast("dict[str, object]", told[0]["comparison"])["agrees"]
    what = f"explain {asset}, exactly, {events:,} events; agrees with what is stored: {agrees}"
    report.add(
        Row(what, len(stored), seconds(median(times)), spread(times), target="<= 3 s for 10,000 events",
            holds=agrees is True and each <= MOST_EXPLAINED)
    )  # fmt: skip


def page(stored: Stored, report: Report) -> None:
    """Measure pages of new fills, from rows as ccxt gives them to tracks in the database."""
    # As in a process that collects, once its markets are loaded.
    gc.collect()
    gc.freeze()
    with open_writer(stored.path, holder="bench") as writer:
        measure(writer, NOW)
        for symbol, name in (("BTC/USD", "the busiest asset"), (f"{NAMES[99]}/USD", "the 100th asset")):
            parsed: list[float] = []
            # Amounts of more decimals than the asset ever had are left to the measurement, once.
            _commit(writer, symbol, _trades(symbol, stored.fresh))
            measure(writer, NOW)
            # What a venue sends is there before the page is: making it up is no part of the time.
            pages = iter([_trades(symbol, stored.fresh) for _ in range(PAGES)])
            times = timed(partial(_page, writer, symbol, pages, parsed), least=3, most=PAGES, budget=4.0)
            middle = median(times)
            report.add(
                Row(f"a {PAGE:,}-fill page of {name}, parsed to committed, with tracks", len(stored), seconds(middle),
                    spread(times), median(parsed) / middle, "of it: parsed", "p50 <= 60 ms at 1e7",
                    holds=middle <= MOST_PAGE, proven=len(stored) >= GREAT)
            )  # fmt: skip


def _page(writer: Writer, symbol: str, pages: Iterator[list[dict[str, object]]], parsed: list[float]) -> None:
    parsed.append(_commit(writer, symbol, next(pages)))
    if touched(writer.connection):
        sys.exit(f"The tracks did not come along with the page: {touched(writer.connection)}")


def _commit(writer: Writer, symbol: str, rows: list[dict[str, object]]) -> float:
    """Store a page with its tracks; return the seconds of parsing it."""
    key, start = StreamKey("desk-0", "fills", "spot", symbol), perf_counter()
    found = fills(rows, [row["info"] for row in rows], Origin(key, "binance"), {symbol: _market(symbol)}.get)
    if len(found.fills) < PAGE:
        sys.exit(f"Only {len(found.fills)} of a page of {PAGE} rows became fills: {found.quarantined[:1]}")
    taken = perf_counter() - start
    commit_measured(writer, Batch(key, found.fills, raw_rows=PAGE, calls=1), NOW)
    return taken


def _trades(symbol: str, fresh: count[int]) -> list[dict[str, object]]:
    # Bought first: a sale of more than is held would wait for what explains it.
    return [_trade(symbol, next(fresh), "sell" if place % 2 else "buy") for place in range(PAGE)]


def _trade(symbol: str, identity: int, side: str) -> dict[str, object]:
    """Return a trade as ccxt has it from Binance."""
    name = symbol.replace("/", "")
    info = {"symbol": name, "id": identity, "qty": "0.01000000", "price": "60000.10", "quoteQty": "600.00100000"}
    return {
        "info": info, "timestamp": NOW + identity, "symbol": symbol, "id": str(identity), "order": str(identity),
        "side": side, "takerOrMaker": "taker", "price": "60000.10", "amount": "0.01", "cost": "600.001",
        "fees": [{"cost": "0.6", "currency": "USD"}],
    }  # fmt: skip


def _market(symbol: str) -> dict[str, object]:
    base, quote = symbol.split("/")
    return {"id": base + quote, "symbol": symbol, "base": base, "quote": quote, "baseId": base, "quoteId": quote,
            "spot": True, "contract": False, "option": False, "settle": None, "contractSize": None}  # fmt: skip


def late(stored: Stored, report: Report) -> None:
    """Measure one fill that comes a day late."""
    with open_writer(stored.path, holder="bench") as writer:
        measure(writer, NOW)
        legs = writer.connection.execute(
            "SELECT count(*) FROM track JOIN pools ON id = pool WHERE asset = 'BTC' AND book = 'spot' AND account = ''"
        ).fetchone()[0]
        times = timed(partial(_late, writer, stored.fresh), least=3, most=7, budget=4.0)
    middle = median(times)
    what = f"one fill of BTC a day late, {legs:,} events in it"
    report.add(
        Row(what, len(stored), seconds(middle), spread(times), target="<= 0.3 s at 1e6 events",
            holds=middle <= MOST_LATE, proven=legs >= GREAT_ASSET)
    )  # fmt: skip


def _late(writer: Writer, fresh: count[int]) -> None:
    key = str(next(fresh))
    size, price = Decimal("0.01"), Decimal("60000.1")
    row = Fill("desk-1", "file", key, NOW - DAY, "spot", "BTCUSD", "BTC/USD", "BTC", "USD", "buy", size, price)
    commit_rows(writer, [row], (), NOW)
    measure(writer, NOW)


def peak(stored: Stored, report: Report) -> None:
    """Measure the most memory a process takes to bring the whole ledger from the store to tracks."""
    # As the command line sets it for all that it runs.
    environ = {**os.environ, "_RJEM_MALLOC_CONF": "dirty_decay_ms:0,muzzy_decay_ms:0"}
    command = [sys.executable, "-c", PEAK, str(stored.path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout
    before, after, largest = map(int, told.split())
    each, share = (after - before) / largest, largest / len(stored)
    of_largest = f"{each:.0f} bytes a row of the largest part, {share:.0%} of all"
    spent = f"{before / 2**20:.0f} MiB of it before the first row"
    great = len(stored) >= GREAT
    report.add(
        Row("peak memory, store to tracks", len(stored), f"{after / 2**20:.0f} MiB", f"{spent}; {of_largest}",
            after / stored.desk.size, "the input's bytes", "<= 2 GiB at 1e7", holds=after <= MOST_MEMORY, proven=great)
    )  # fmt: skip
