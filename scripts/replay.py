"""Replay recorded response bodies through the guarded ccxt classes and the normaliser, over local HTTP.

Usage: python scripts/replay.py FOLDER [EXCHANGE...]

FOLDER holds one JSON file per exchange: {"exchange": id, "cases": [{method, input, options, attrs, markets, currencies,
responses: [{match, text}]}]}. A case passes if every row of the body is accounted for, every stored number stands in
the row it came from, every fee is stored and no row was given another market's name. The exit code is 1 if one fails.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from monitor.errors import AmountError, MonitorError
from monitor.exact import exact
from monitor.exchanges.balances import snapshot
from monitor.exchanges.client import Answer, Client
from monitor.exchanges.fields import scalars
from monitor.exchanges.loose import Loose
from monitor.exchanges.movements import conversion, dust, ledger_entry, movements, transaction, transfer
from monitor.exchanges.naming import same_market
from monitor.exchanges.normalise import MARKET_FIELDS, Origin, Rows, fills
from monitor.records import Account, Fill, StreamKey

if TYPE_CHECKING:
    from monitor.exchanges.bodies import Body

Case = Mapping[str, Loose]
SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA=="  # noqa: S105 - made up; base64, which Kraken wants
MOVEMENTS = {
    "fetchDeposits": transaction,
    "fetchWithdrawals": transaction,
    "fetchDepositsWithdrawals": transaction,
    "fetchLedger": ledger_entry,
    "fetchTransfers": transfer,
    "fetchConvertTradeHistory": conversion,
    "fetchMyDustTrades": dust,
}
FEE_NAMES = ("fee", "commission")


@dataclass
class Outcome:
    """What a case showed; it passes if `faults` is empty."""

    rows: int = 0
    stored: int = 0
    kept: int = 0
    fees: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def market_of(short: Mapping[str, object]) -> dict[str, object]:
    """Return a whole ccxt market structure from a case's minimal one; the unified symbol says the rest."""
    pair, _, contract = str(short["symbol"]).partition(":")
    base, _, quote = pair.partition("/")
    case = str.lower if str(short["id"]).islower() else str
    settle, *expiry = contract.split("-")
    kind = "spot" if not contract else "option" if len(expiry) > 1 else "future" if expiry else "swap"
    inverse = bool(contract) and settle == base
    full: dict[str, object] = {
        "base": base, "quote": quote, "baseId": case(base), "quoteId": case(quote),
        "settle": settle or None, "settleId": settle or None,
        "type": kind, "spot": kind == "spot", "margin": False, "swap": kind == "swap", "future": kind == "future",
        "option": kind == "option", "contract": bool(contract), "linear": (not inverse) if contract else None,
        "inverse": inverse if contract else None, "contractSize": "1" if contract else None, "active": True,
        "precision": {"amount": "0.00000001", "price": "0.00000001"}, "limits": {}, "info": {},
    }  # fmt: skip
    return {**full, **short}


def currency_of(identity: str, code: str) -> dict[str, object]:
    """Return a ccxt currency structure."""
    return {"id": identity, "code": code, "precision": "0.00000001", "info": {}}


async def serve(case: Case) -> tuple[web.AppRunner, str]:
    """Serve a case's bodies on a free local port; the first whose `match` the address contains answers."""
    responses = case["responses"]

    async def answer(request: web.Request) -> web.Response:
        address = str(request.url)
        body = next((r["text"] for r in responses if r["match"] in address), None)
        return web.Response(text=body or "", content_type="application/json", status=200 if body is not None else 404)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}"


def prepare(case: Case, endpoint: str) -> Client:
    """Return a client that believes it knows the case's markets."""
    options, attrs = case["options"], case["attrs"]
    credentials = {"apiKey": "key", "secret": SECRET, "password": "pass", "uid": "1", "walletAddress": "0x" + "1" * 40}
    account = Account("replay", str(case["exchange"]), credentials, options=options, endpoint=endpoint)
    client = Client(account)
    for name, value in attrs.items():
        setattr(client.exchange, name, value)
    markets, currencies = case["markets"], case["currencies"]
    if markets:
        known = {code: currency_of(identity, code) for identity, code in currencies} or None
        client.exchange.set_markets([market_of(market) for market in markets], known)
    return client


def listed(answer: Answer) -> list[object]:
    """Return the rows of the fullest body of a call, counted here independently of the code under test."""
    return max((body_rows(body.value) for body in answer.bodies), key=len, default=[])


def parts(row: object) -> list[object]:
    """Return the rows inside a group (Binance lists dust conversions by transaction), else the row itself."""
    lists = (
        [v for v in row.values() if isinstance(v, list) and v and isinstance(v[0], dict)]
        if isinstance(row, dict)
        else []
    )
    return lists[0] if len(lists) == 1 and "fromAsset" in lists[0][0] else [row]


def body_rows(value: object) -> list[object]:
    """Return the rows of a body: its outermost list of objects, else its outermost object of objects."""
    level = [value]
    tables: list[object] = []
    while level:
        for node in level:
            if isinstance(node, list) and node and all(isinstance(row, dict | list) for row in node):
                return [
                    row for other in level if isinstance(other, list) for row in other if isinstance(row, dict | list)
                ]
        objects = [node for node in level if isinstance(node, dict)]
        if not tables:
            tables = next(
                (list(o.values()) for o in objects if len(o) and all(isinstance(v, dict) for v in o.values())), []
            )
        level = [child for node in objects for child in node.values()]
    return tables


def numbers(row: object) -> set[Decimal]:
    """Return the magnitude of every number written in a row."""
    found = set()
    for word in scalars(row):
        try:
            found.add(abs(exact(word)))
        except AmountError:
            continue
    return found


def named_numbers(row: object, words: tuple[str, ...]) -> Iterator[Decimal]:
    """Yield the nonzero magnitudes of a row's fields whose name holds one of the words."""
    if not isinstance(row, Mapping):
        return
    for name, value in row.items():
        # A rate is no amount; a currency code is no number.
        if (
            isinstance(value, str | int)
            and any(w in str(name).lower() for w in words)
            and "rate" not in str(name).lower()
        ):
            try:
                if (amount := exact(str(value))) != 0:
                    yield abs(amount)
            except AmountError:
                continue


def check_fill(fill: Fill, markets: Mapping[str, Mapping[str, object]], outcome: Outcome) -> None:
    """Compare a stored fill with the raw row inside it."""
    row = json.loads(fill.raw, parse_float=str)
    written = numbers(row)
    figures = {"amount": fill.amount, "price": fill.price, "cost": fill.cost}
    for name, figure in figures.items():
        if figure is not None and figure not in written:
            outcome.faults.append(f"{name} {figure} is not written in the row")
    fees = [abs(fee.amount) for fee in fill.fees]
    outcome.fees += len(fees)
    for amount in fees:
        if amount not in written:
            outcome.faults.append(f"fee {amount} is not written in the row")
    for amount in named_numbers(row, FEE_NAMES):
        if amount not in fees:
            outcome.faults.append(f"fee {amount} of the row is not stored")
    for name in MARKET_FIELDS:
        raw = row.get(name) if isinstance(row, dict) else None
        if (
            isinstance(raw, str)
            and raw
            and not same_market(
                raw, {"id": fill.market, "base": fill.base, "quote": fill.quote, **markets.get(fill.symbol, {})}
            )
        ):
            outcome.faults.append(f"{raw} became {fill.symbol}")


def check_rows(rows: Rows, client: Client, outcome: Outcome) -> None:
    """Check what the normaliser made of a list of rows."""
    outcome.stored = len(rows.fills) + len(rows.movements)
    outcome.kept = len(rows.quarantined)
    for row in rows.quarantined:
        # A market that nobody lists, or a row that contradicts itself, can only be kept for a person to see.
        (outcome.notes if "is unknown" in row.reason or "price is -" in row.reason else outcome.faults).append(
            row.reason
        )
    for fill in rows.fills:
        check_fill(fill, client.exchange.markets, outcome)
    for move in rows.movements:
        written = numbers(json.loads(move.raw, parse_float=str))
        outcome.fees += len(move.fees)
        charged = sum((abs(fee.amount) for fee in move.fees), Decimal(0))
        # Some venues state an amount with the charge inside, some without: both are stored apart from it.
        written |= {number - charged for number in written} | {number + charged for number in written}
        figures = [
            abs(move.amount),
            *(abs(fee.amount) for fee in move.fees),
            *([move.received] if move.received else []),
        ]
        outcome.faults += [f"{figure} is not written in the row" for figure in figures if figure not in written]
    keys = [row.key for row in (*rows.fills, *rows.movements)]
    if len(set(keys)) < len(keys):
        outcome.faults.append("two rows have one key")


def judge(case: Case, client: Client, answer: Answer) -> Outcome:
    """Return what a case's answer shows."""
    method, outcome = str(case["method"]), Outcome()
    raw = listed(answer)
    facts = client.profile
    others = facts.not_trades if method == "fetchMyTrades" else facts.not_transactions if "Deposits" in method else ()
    origin = Origin(StreamKey("replay", "fills"), client.account.exchange, others)
    if method == "fetchMyTrades":
        rows = fills(answer.parsed, answer.rows, origin, client.market)
        check_rows(rows, client, outcome)
    elif method in MOVEMENTS:
        raw = [part for row in raw for part in parts(row)]
        if method == "fetchLedger":  # trades are the fills' business
            raw = raw[len([row for row in answer.parsed if row.get("type") == "trade"]) :]
        rows = movements(answer.parsed, answer.rows, origin, MOVEMENTS[method])
        check_rows(rows, client, outcome)
    elif method == "fetchBalance":
        judge_balance(answer, outcome)
    else:
        judge_other(answer, outcome)
    if method == "fetchMyTrades" or method in MOVEMENTS:
        mine = [row for row in raw if not (isinstance(row, dict) and any(str(row.get(n)) in v for n, v in others))]
        outcome.rows = len(mine)
    if (missing := outcome.rows - outcome.stored - outcome.kept) > 0:
        outcome.faults.append(f"{missing} rows are missing")
    return outcome


def judge_balance(answer: Answer, outcome: Outcome) -> None:
    """Check a balance: every figure of the parsed one comes from the body, and no asset is lost."""
    value = answer.value
    look = snapshot(value, answer.bodies, "replay", 0)
    bodies = [body for body in answer.bodies if body.value is not None]
    written = {number for body in bodies for number in numbers(body.value)}
    outcome.stored = outcome.rows = len(look.balances)
    for held in look.balances:
        parts = [part for part in (held.free, held.used) if part is not None]
        if abs(held.total) not in written and abs(held.total) != abs(sum(parts, Decimal(0))):
            outcome.faults.append(f"{held.asset} {held.total} is not written in the body")
    named = {asset_code(row) for body in bodies for row in asset_rows(body)} - {None}
    if len(named) > len(look.balances):
        outcome.rows = len(named)


def asset_rows(body: Body) -> Iterator[Mapping[str, object]]:
    """Yield the innermost objects of a body that name an asset."""
    pending: list[object] = [body.value]
    while pending:
        node = pending.pop()
        if isinstance(node, list):
            pending += node
        elif isinstance(node, dict):
            if asset_code(node):
                yield node
            pending += [child for child in node.values() if isinstance(child, dict | list)]


def asset_code(row: Mapping[str, object]) -> str | None:
    """Return the asset an object names, if it is a row of a balance."""
    for name in ("asset", "coin", "ccy", "currency"):
        value = row.get(name)
        if (
            isinstance(value, str)
            and value
            and any(part in str(sorted(row)).lower() for part in ("bal", "free", "avail", "amount"))
        ):
            return value
    return None


def judge_other(answer: Answer, outcome: Outcome) -> None:
    """Count what ccxt parsed of rows that have no record of ours yet (orders, positions, markets)."""
    value = answer.value
    outcome.stored = len(value) if isinstance(value, list) else 0
    outcome.rows = max(outcome.rows, outcome.stored)


async def run(case: Case) -> Outcome:
    """Replay one case."""
    runner, endpoint = await serve(case)
    client = prepare(case, endpoint)
    given = case["input"]
    try:
        async with client:
            answer = await client.call(str(case["method"]), *given)
            return judge(case, client, answer)
    except MonitorError as error:
        return Outcome(faults=[str(error)])
    finally:
        await runner.cleanup()


async def main(files: list[dict[str, Loose]]) -> int:
    """Replay the files of a folder and print the table."""
    failed = 0
    print(f"{'exchange':<12}{'cases':>6}{'rows':>7}{'stored':>8}{'kept':>6}{'fees':>6}  verdict")
    for told in files:
        outcomes = [(case, await run({"exchange": told["exchange"], **case})) for case in told["cases"]]
        faults = [(case["case"], fault) for case, outcome in outcomes for fault in outcome.faults]
        failed += len(faults)
        total = [sum(getattr(o, name) for _, o in outcomes) for name in ("rows", "stored", "kept", "fees")]
        figures = f"{len(outcomes):>6}{total[0]:>7}{total[1]:>8}{total[2]:>6}{total[3]:>6}"
        print(f"{told['exchange']:<12}{figures}  {'FAILED' if faults else 'ok'}")
        for case, outcome in outcomes:
            for note in outcome.notes:
                print(f"    {case['case']}: kept in quarantine: {note}")
        for name, fault in faults:
            print(f"    {name}: {fault}")
    return 1 if failed else 0


if __name__ == "__main__":
    _, *given = sys.argv
    if not given:
        sys.exit(__doc__)
    found = [json.loads(path.read_text()) for path in sorted(Path(given[0]).glob("*.json"))]
    sys.exit(asyncio.run(main([told for told in found if told["exchange"] in (given[1:] or [told["exchange"]])])))
