"""Two programs a desk could take instead, each on the part of the fills it can be given, beside the engine on the same.

rp2 computes taxes lot by lot, in decimals, one asset bought and sold for cash: what it relieves first in first out
must be the engine's cogs. pyfolio's `get_turnover` is another thing under the same name: what was traded in a day over
the mean of two days' closing values, so its result is shown and not compared.
"""

from __future__ import annotations

import logging
import warnings
from contextlib import chdir
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import process_time
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from bench_data import NAMES, SPAN, SPOT
from bench_rows import Row, rounds, seconds, spread, timed

from monitor.clock import DAY, iso
from monitor.records import Valuation
from monitor.schema import SUMS, unpacked
from monitor.turnover.track import recompute

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from bench_data import Desk
    from bench_rows import Report

# A tax report of more takes minutes: the table's figure is for each fill.
MOST_TAXED = 2_000
MOST_TRADED = 1_000_000
RP2_MODULES = (
    "accounting_engine", "configuration", "in_transaction", "input_data", "out_transaction", "plugin.country.us",
    "plugin.accounting_method.fifo", "rp2_decimal", "tax_engine", "transaction_set",
)  # fmt: skip
CLOSE = 1e-9
ASSET = 1  # the second busiest: the busiest is also the quote of the crosses
SETTINGS = """[general]
assets = {asset}
exchanges = file
holders = desk
[in_header]
timestamp = 0
[out_header]
timestamp = 0
[intra_header]
timestamp = 0
"""


def others(desk: Desk, report: Report) -> None:
    """Run each that is installed."""
    for name, run in (("rp2", _rp2), ("pyfolio", _pyfolio)):
        if find_spec(name) is None:
            report.add(Row(f"peer {name}", len(desk), "not installed: pip install '.[bench]'"))
            continue
        try:
            run(desk, report)
        except Exception as error:  # noqa: BLE001  another's program: whatever it trips over is the finding
            report.add(Row(f"peer {name}", len(desk), f"installed, but failed: {type(error).__name__}: {error}"))


def _rp2(desk: Desk, report: Report) -> None:
    """Compare the taxes of one asset's purchases and sales for cash with its track."""
    flat = desk.flat
    fills = desk.fills[np.flatnonzero((flat["asset"] == ASSET) & (flat["market"] == SPOT))[:MOST_TAXED]]
    with TemporaryDirectory() as folder:
        taxes = _taxes(fills, Path(folder))
        relieved: list[float] = []
        theirs, ours = rounds(
            [lambda: relieved.append(taxes()), partial(_cogs, fills, desk)],
            least=1, most=3, budget=6.0, clock=process_time,
        )  # fmt: skip
    cogs, taken = _cogs(fills, desk), median(theirs)
    what = f"rp2: lots and gains of {len(fills):,} fills of {NAMES[ASSET]} for cash, processor time"
    report.add(
        Row(what, len(fills), f"{seconds(taken)}, {len(fills) / taken:,.0f} fills/s", spread(theirs),
            taken / median(ours), "the engine on the same fills")
    )  # fmt: skip
    off = abs(relieved[0] - cogs) / cogs
    report.add(
        Row("basis that rp2 relieves, first in first out", len(fills), f"{relieved[0]:.12g}; engine {cogs:.12g}",
            target=f"off by {off:.1e}, <= 1e-9", holds=off <= CLOSE)
    )  # fmt: skip


def _cogs(fills: pl.DataFrame, desk: Desk) -> float:
    prices = desk.prices.filter(base=NAMES[ASSET])
    tracks = recompute(fills, desk.movements, prices, Valuation(), scopes=("portfolio",))
    (frames,) = tracks.pools.values()
    # The sums of a segment begin anew with it; those before it are kept as (high, low) pairs.
    before = np.frombuffer(frames.segments["sums"][-1], dtype="<f8").reshape(-1, 2)[SUMS.index("cogs")]
    return float(unpacked(frames.track["sums"][-1])[SUMS.index("cogs")] + before.sum())


def _taxes(fills: pl.DataFrame, folder: Path) -> Callable[[], float]:
    """Return what lets rp2 compute the fills and returns the basis of all that was sold."""
    asset = fills["base"][0]
    (folder / "rp2.ini").write_text(SETTINGS.format(asset=asset))
    with chdir(folder):  # where it begins a log of its own
        module = {name: import_module(f"rp2.{name}") for name in RP2_MODULES}
    logging.disable(logging.CRITICAL)
    configuration = module["configuration"].Configuration(str(folder / "rp2.ini"), module["plugin.country.us"].US())
    methods = import_module("prezzemolo.avl_tree").AVLTree()
    methods.insert_node(1970, module["plugin.accounting_method.fifo"].AccountingMethod())
    engine = module["accounting_engine"].AccountingEngine(years_2_methods=methods)

    def run() -> float:
        sets = _transactions(fills, asset, configuration, module)
        data = module["input_data"].InputData(asset, *sets)
        computed = module["tax_engine"].compute_tax(configuration, engine, data)
        return float(
            sum((gain.fiat_cost_basis for gain in computed.gain_loss_set), module["rp2_decimal"].RP2Decimal("0"))
        )

    return run


def _transactions(
    fills: pl.DataFrame, asset: str, configuration: object, module: dict[str, ModuleType]
) -> list[object]:
    """Return the fills as rp2's own records: what came in, what went out, and no transfers."""
    number, bought, sold = module["rp2_decimal"].RP2Decimal, "in_transaction", "out_transaction"
    kinds = ("IN", "OUT", "INTRA")
    sets = {kind: module["transaction_set"].TransactionSet(configuration, kind, asset) for kind in kinds}
    fee = pl.col("fees").str.extract(r',"([^"]*)"')
    rows = fills.select("id", "time_ms", "side", "amount", "price", fee.alias("fee")).iter_rows()
    for row, time, side, amount, price, paid in rows:
        about = {"row": row, "unique_id": str(row), "fiat_fee": number(paid)}
        common = (configuration, iso(time), asset, "file", "desk", side, number(price), number(amount))
        if side == "buy":
            sets["IN"].add_entry(module[bought].InTransaction(*common, **about))
        else:
            sets["OUT"].add_entry(module[sold].OutTransaction(*common, number("0"), **about))
    return [sets[kind] for kind in kinds]


def _pyfolio(desk: Desk, report: Report) -> None:
    """Give pyfolio the daily closing values and every trade, as it wants them, and show what it makes of them."""
    pandas = import_module("pandas")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        turnover = import_module("pyfolio.txn").get_turnover
    flat, days = desk.flat, (SPAN.end - SPAN.start) // DAY
    chosen = np.flatnonzero(flat["market"] == SPOT)[:MOST_TRADED]
    time, asset, signed = flat["time"][chosen], flat["asset"][chosen], (flat["sign"] * flat["amount"])[chosen]
    moved = np.zeros((days, len(NAMES)))
    np.add.at(moved, ((time - SPAN.start) // DAY, asset), signed)
    closes = desk.prices["price"].cast(pl.Float64).to_numpy().reshape(len(NAMES), days).T
    index = pandas.to_datetime(SPAN.start + DAY * np.arange(days), unit="ms", utc=True)
    positions = pandas.DataFrame(np.cumsum(moved, axis=0) * closes, index=index, columns=NAMES).assign(cash=0.0)
    trades = pandas.DataFrame(
        {"amount": signed, "price": flat["price"][chosen], "symbol": np.array(NAMES)[asset]},
        index=pandas.to_datetime(time, unit="ms", utc=True),
    )
    times = timed(lambda: turnover(positions, trades), least=1, most=3, budget=4.0)
    daily = float(turnover(positions, trades).mean())
    what = f"pyfolio: get_turnover of {len(chosen):,} spot fills, its own definition"
    report.add(Row(what, len(chosen), seconds(median(times)), spread(times)))
    report.add(
        Row("mean of pyfolio's daily turnover", len(chosen), f"{daily:.6g} a day", target="another thing: not compared")
    )
