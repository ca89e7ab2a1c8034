"""The daemon at its work: a real process on two venues as large as Binance, its memory and what it costs when idle.

The demo desk's venues answer, each with three thousand markets more than anybody trades there: structures of the size
and shape a large venue lists. Four accounts read them, two at each venue. Once everything is read and measured the
venues stand still: what the process then costs is what a quiet desk costs.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from bench_rows import Row, seconds

from monitor.clock import DAY, FixedClock, SystemClock
from monitor.demo import binance, binance_market, kraken, kraken_market
from monitor.demo.desk import start_desk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench_rows import Report

    from monitor.demo.wire import Json, Public
    from monitor.records import Account

MARKETS = 3_000
ACCOUNTS = ("binance-main", "binance-mm", "kraken-main")
AGAIN = "kraken-main"  # the fourth account is this one under another name
IDLE_SECONDS = 120.0
PATIENCE_SECONDS = 600.0
MOST_MEMORY, MOST_IDLE = 250, 0.02
# Where the peers of the benchmark are installed, libraries of the service would load them: they are not part of it.
ALONE = """
import runpy, sys
sys.modules.update(dict.fromkeys(("pandas", "scipy"), None))
runpy.run_module("monitor", run_name="__main__", alter_sys=True)
"""
# Binance lists the groups of traders that may use a market in each of its structures; nobody reads them.
GROUPS = [f"TRD_GRP_{number:03}" for number in range(2, 130)]


def _binance(number: int) -> dict[str, object]:
    """Return a market nobody trades, as Binance lists it."""
    base = f"Q{number:04}"
    tick, step = "0.00001000", "0.10000000"
    facts = {
        "symbol": f"{base}USDT", "status": "TRADING", "baseAsset": base, "baseAssetPrecision": 8, "quoteAsset": "USDT",
        "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8, "quoteCommissionPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT"],
        "icebergAllowed": True, "ocoAllowed": True, "otoAllowed": True, "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": True, "cancelReplaceAllowed": True, "amendAllowed": True, "pegInstructionsAllowed": True,
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "permissions": [],
        "permissionSets": [["SPOT", *GROUPS]], "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": ["EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"],
    }  # fmt: skip
    filters = [
        {"filterType": "PRICE_FILTER", "minPrice": tick, "maxPrice": "1000.00000000", "tickSize": tick},
        {"filterType": "LOT_SIZE", "minQty": step, "maxQty": "9000000.00000000", "stepSize": step},
        {"filterType": "ICEBERG_PARTS", "limit": 100},
        {"filterType": "MARKET_LOT_SIZE", "minQty": "0.00000000", "maxQty": "811.79325000", "stepSize": "0.00000000"},
        {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": 10, "maxTrailingAboveDelta": 2000},
        {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": "5", "bidMultiplierDown": "0.2", "avgPriceMins": 5},
        {"filterType": "NOTIONAL", "minNotional": "5.00000000", "maxNotional": "9000000.00000000", "avgPriceMins": 5},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": 200},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
    ]
    return {**facts, "filters": filters}


def _kraken(number: int) -> tuple[str, dict[str, object]]:
    """Return a pair nobody trades, as Kraken lists it, and its identifier."""
    base = f"Q{number:04}"
    fees = [[volume, 0.4 - 0.02 * step] for step, volume in enumerate((0, 10_000, 50_000, 100_000, 250_000, 500_000))]
    return f"{base}USD", {
        "altname": f"{base}USD", "wsname": f"{base}/USD", "aclass_base": "currency", "base": base,
        "aclass_quote": "currency", "quote": "ZUSD", "lot": "unit", "cost_decimals": 5, "pair_decimals": 5,
        "lot_decimals": 8, "lot_multiplier": 1, "leverage_buy": [2, 3], "leverage_sell": [2, 3], "fees": fees,
        "fees_maker": fees, "fee_volume_currency": "ZUSD", "margin_call": 80, "margin_stop": 40, "ordermin": "50",
        "costmin": "0.5", "tick_size": "0.00001", "status": "online",
    }  # fmt: skip


def _with_more_markets() -> None:
    """Let the demo's venues list what a large venue lists."""
    of_binance, of_kraken = binance_market.exchange_info, kraken_market.asset_pairs
    spot, pairs = [_binance(number) for number in range(MARKETS)], dict(map(_kraken, range(MARKETS)))

    def exchange_info(venue: object, query: Mapping[str, str]) -> Json:
        listed = dict(of_binance(venue, query))  # type: ignore[arg-type, call-overload]
        return {**listed, "symbols": [*listed["symbols"], *spot]}

    def asset_pairs(venue: object, query: Mapping[str, str]) -> Json:
        listed = dict(of_kraken(venue, query))  # type: ignore[arg-type, call-overload]
        return {**listed, "result": {**listed["result"], **pairs}}

    _replace(binance.PUBLIC, of_binance, exchange_info)
    _replace(kraken.PUBLIC, of_kraken, asset_pairs)


def _replace(table: dict[str, Public], old: Public, new: Public) -> None:
    table.update({path: new for path, answer in table.items() if answer is old})


def daemon(report: Report) -> None:
    """Measure a daemon on four accounts of two large venues: its memory after the first cycle, and at rest."""
    _with_more_markets()
    now = SystemClock().now()
    with (
        TemporaryDirectory(prefix="bench-") as folder,
        start_desk(1, now // DAY * DAY, FixedClock(now)) as desk,
    ):
        accounts = [one for one in desk.accounts if one.name in ACCOUNTS]
        accounts += [replace(one, name=f"{AGAIN}-2") for one in accounts if one.name == AGAIN]
        settings = Path(folder) / "monitor.toml"
        settings.write_text(_settings(accounts))
        log = Path(folder) / "log"
        with log.open("w") as stream:
            command = [sys.executable, "-c", ALONE, "-c", str(settings), "run"]
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=stream, env=dict(os.environ))
        try:
            _watch(process, log, report, len(accounts))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)


def _settings(accounts: Sequence[Account]) -> str:
    lines = ['database = "desk.db"', "[log]", 'format = "json"', 'level = "debug"']
    for one in accounts:
        start = time.strftime("%Y-%m-%d", time.gmtime((one.start or 0) / 1000))
        key, secret = one.credentials["apiKey"], one.credentials["secret"]
        lines += [
            "[[accounts]]", f'name = "{one.name}"', f'exchange = "{one.exchange}"', f'api_key = "{key}"',
            f'secret = "{secret}"', f"start = {start}", f'endpoint = "{one.endpoint}"',
            f"symbols = {json.dumps(one.symbols)}",
        ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _watch(process: subprocess.Popen[bytes], log: Path, report: Report, accounts: int) -> None:
    """Wait for the first whole cycle, then for a while of rest."""
    begun = time.monotonic()
    while not _measured(log):
        if process.poll() is not None or time.monotonic() - begun > PATIENCE_SECONDS:
            sys.exit(f"The daemon did not come to measure:\n{log.read_text()[-2_000:]}")
        time.sleep(0.5)
    what = f"daemon, {accounts} accounts, 2 venues of {MARKETS:,} markets"
    taken = seconds(time.monotonic() - begun)
    _say_memory(process.pid, report, f"{what}: after the first cycle", f"{taken} after its start")
    time.sleep(IDLE_SECONDS / 2)
    used, since = _processor(process.pid), time.monotonic()
    time.sleep(IDLE_SECONDS)
    share = (_processor(process.pid) - used) / (time.monotonic() - since)
    _say_memory(process.pid, report, f"{what}: at rest", f"{seconds(time.monotonic() - begun)} after its start")
    report.add(
        Row(f"{what}: processor at rest", 0, f"{share:.2%} of a core", f"over {seconds(IDLE_SECONDS)}",
            target=f"<= {MOST_IDLE:.0%}", holds=share <= MOST_IDLE)
    )  # fmt: skip


def _measured(log: Path) -> bool:
    """Tell whether all was read, and measured after that."""
    told = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{") and line.endswith("}")]
    events = [line["event"] for line in told]
    if not {"fills", "balances", "prices", "sweep"} <= set(events):
        return False
    last = max(events.index(name) for name in ("fills", "balances", "prices", "sweep"))
    return "measure" in events[last:]


def _say_memory(process: int, report: Report, what: str, when: str) -> None:
    status = Path(f"/proc/{process}/status")
    if not status.exists():
        report.add(Row(what, 0, "not measured: there is no /proc here"))
        return
    held, most = (int(status.read_text().partition(name)[2].split()[0]) / 1024 for name in ("VmRSS:", "VmHWM:"))
    report.add(
        Row(what, 0, f"{held:.0f} MB", f"{when}; {most:.0f} MB at most", target=f"<= {MOST_MEMORY} MB",
            holds=held <= MOST_MEMORY)
    )  # fmt: skip


def _processor(process: int) -> float:
    """Return the processor time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
