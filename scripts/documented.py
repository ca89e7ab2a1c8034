"""Put the example rows that ccxt's own source documents through its parsers and our normaliser, and count what is lost.

Usage: python scripts/documented.py [--show] [EXCHANGE...]

ccxt writes the venues' documented answers as comments into `parse_trade` and `parse_transaction`. They are read from
the installed package at run time. A row counts as "kept" if it became a record whose numbers all stand in the row.
Markets and currencies are made up from the ids that the rows name. `--show` prints every row that was not kept.
The exit code is 1 if a row was lost without a word.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import ccxt.async_support as ccxt

from monitor.errors import AmountError
from monitor.exact import exact
from monitor.exchanges.client import Client
from monitor.exchanges.fields import scalars
from monitor.exchanges.movements import movements, transaction
from monitor.exchanges.normalise import MARKET_FIELDS, Origin, fills
from monitor.records import Account, StreamKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from monitor.exchanges.loose import Loose

QUOTES = (
    "USDT", "USDC", "FDUSD", "BUSD", "TUSD", "USD", "EUR", "GBP", "JPY", "KRW", "TRY", "BRL", "AUD", "TWD", "IDR",
    "INR",
    "THB", "MXN", "ZAR", "CZK", "NIS", "ILS", "PHP", "BTC", "XBT", "ETH", "BNB", "DAI",
)  # fmt: skip
# Headings of examples that are no REST answers about an account's own or public trades.
OTHER = re.compile(
    r"watch|\bws\b|websocket|order ?book|^\W*withdraw\b|createOrder|fetchOrder\b|from fetchOrder", re.IGNORECASE
)


@dataclass
class Tally:
    """What became of an exchange's examples."""

    rows: int = 0
    kept: int = 0
    faults: list[str] = field(default_factory=list)


def examples(function: Loose) -> Iterator[tuple[str, object]]:
    """Yield (heading, JSON value) of every example in a function's comments."""
    lines = [line.strip() for line in inspect.getsource(function).splitlines()]
    heading, block = "", list[str]()
    for line in [*lines, "end"]:
        if line.startswith("#"):
            block.append(line[1:].strip())
            continue
        yield from _values(block, heading)
        block = []


def _values(block: list[str], heading: str) -> Iterator[tuple[str, object]]:
    collected, depth = list[str](), 0
    for line in block:
        bare = re.sub(r"(?<![:\"'])\s*(//|#)[^\"']*$|\s//.*$", "", line)
        opens = depth or bare.startswith(("{", "["))
        if not opens:
            heading = bare or heading
            continue
        collected.append(bare)
        plain = re.sub(r"'[^']*'|\"[^\"]*\"", "", bare)
        depth += sum(plain.count(sign) for sign in "{[") - sum(plain.count(sign) for sign in "}]")
        if depth <= 0:
            value = _decoded("\n".join(collected))
            if value is not None and not OTHER.search(heading):
                yield heading, value
            collected, depth = [], 0


def _decoded(text: str) -> object:
    text = re.sub(r"'([^'\n]*)'", lambda quoted: json.dumps(quoted.group(1)), text)
    text = re.sub(r"\b(None|undefined)\b", "null", re.sub(r"\bTrue\b", "true", re.sub(r"\bFalse\b", "false", text)))
    text = re.sub(r"([{,]\s*)([A-Za-z_]\w*)\s*:", r'\1"\2":', text)
    text = re.sub(r",?\s*\.\.\.\s*,?", ",", text)
    text = re.sub(r"([\"\w\]}])(\s*\n\s*\")", r"\1,\2", text)
    text = re.sub(r",(\s*[}\]])", r"\1", re.sub(r",\s*,", ",", text))
    try:
        return json.loads(text.rstrip(", \n"), parse_float=str)
    except ValueError:
        return None


def rows_of(value: object) -> Iterator[object]:
    """Yield the rows of an example: a row itself, or the rows of a list."""
    if isinstance(value, list) and value and all(isinstance(one, dict | list) for one in value):
        yield from value
    else:
        yield value


def split(name: str) -> tuple[str, str] | None:
    """Return the two assets that a market id names, if it can be read."""
    words = [word for word in re.split(r"[-_/:.]", name.upper().removesuffix("M" if "USDTM" in name else "")) if word]
    if len(words) > 1 and not words[1].isdigit() and words[1] not in {"PERP", "PERPETUAL", "SWAP"}:
        pair = (words[1], words[2]) if words[0] in {"SPOT", "PERP"} and words[2:] else (words[0], words[1])
        return pair if all(part.isalnum() for part in pair) else None
    for quote in QUOTES:
        if words and words[0].endswith(quote) and len(words[0]) > len(quote) + 1:
            return words[0].removesuffix(quote), quote
    return None


def market(identity: str, *, contract: bool) -> dict[str, object] | None:
    """Return a market structure for an id."""
    pair = split(identity)
    if pair is None:
        return None
    base, quote = pair
    settle = quote if contract else None
    return {
        "id": identity, "symbol": f"{base}/{quote}" + (f":{quote}" if contract else ""), "base": base, "quote": quote,
        "baseId": base, "quoteId": quote, "settle": settle, "settleId": settle, "future": False,
        "type": "swap" if contract else "spot", "spot": not contract, "margin": False, "swap": contract,
        "option": False, "contract": contract, "linear": contract or None, "inverse": False if contract else None,
        "contractSize": "1" if contract else None, "active": True, "numericId": 1, "altname": base + quote,
        "precision": {"amount": "0.00000001", "price": "0.00000001"}, "limits": {}, "info": {},
    }  # fmt: skip


def prepared(client: Client, rows: list[object]) -> dict[str, object]:
    """Let the exchange object know the markets that the rows name; return the first."""
    names = {
        row[name] for row in rows if isinstance(row, dict) for name in MARKET_FIELDS if isinstance(row.get(name), str)
    }
    has = client.exchange.has
    found = [one for name in sorted(names) if (one := market(name, contract=not has.get("spot")))]
    fallback = market("BTCUSDT", contract=not has.get("spot")) or {}
    symbols = {one["symbol"] for one in found}
    client.exchange.set_markets([*found, *([] if fallback["symbol"] in symbols else [fallback])])
    return found[0] if found else fallback


def stream_of(method: str, heading: str) -> StreamKey:
    """Return the stream that would have asked for an example, by its heading."""
    if method == "parse_trade":
        return StreamKey("documented", "fills")
    both = "deposit" in heading.lower() and "withdraw" in heading.lower()
    return StreamKey("documented", "ledger" if both else "withdrawals" if "ithdraw" in heading else "deposits")


def judge(client: Client, stream: StreamKey, rows: list[object], tally: Tally) -> None:
    """Put the rows of one example through the parser and the normaliser."""
    asked = prepared(client, rows)
    origin = Origin(stream, client.account.exchange)
    for row in rows:
        tally.rows += 1
        try:
            if stream.kind == "fills":
                parsed = client.exchange.parse_trades([row], client.exchange.market(asked["symbol"]))
                got = fills(parsed, [row], origin, client.market)
            else:
                parsed = client.exchange.parse_transactions([row])
                got = movements(parsed, [row], origin, transaction)
        except Exception as error:  # noqa: BLE001 - whatever ccxt raises is what is looked for
            tally.faults.append(f"{type(error).__name__} {error}: {json.dumps(row)[:300]}")
            continue
        written = magnitudes(row)
        tally.kept += len(got.fills) + len(got.movements)
        tally.faults += [f"{bad.reason}: {bad.raw[:400]}" for bad in got.quarantined]
        for fill in got.fills:
            if fill.amount not in written:
                tally.faults.append(f"amount {fill.amount} not written: {fill.raw[:300]}")
        if not (got.fills or got.movements or got.quarantined):
            tally.faults.append(f"SILENT {json.dumps(row)[:300]}")


def magnitudes(row: object) -> set[Decimal]:
    """Return the magnitude of every number written in a row."""
    found = set()
    for word in scalars(row):
        try:
            found.add(abs(exact(word)))
        except AmountError:
            continue
    return found


async def main(wanted: list[str], *, show: bool) -> int:
    """Judge every example and print the table."""
    reasons: Counter[str] = Counter()
    print(f"{'exchange':<22}{'method':<20}{'rows':>6}{'kept':>6}")
    total, kept, silent = 0, 0, 0
    for exchange in wanted:
        for method in ("parse_trade", "parse_transaction"):
            tally = Tally()
            credentials = {
                "apiKey": "k",
                "secret": "c2VjcmV0",
                "password": "p",
                "uid": "1",
                "walletAddress": "0x" + "1" * 40,
            }
            async with Client(Account("documented", exchange, credentials)) as client:
                for heading, value in examples(getattr(getattr(ccxt, exchange), method)):
                    before = len(tally.faults)
                    judge(client, stream_of(method, heading), list(rows_of(value)), tally)
                    tally.faults[before:] = [f"[{heading}] {fault}" for fault in tally.faults[before:]]
            if not tally.rows:
                continue
            total, kept = total + tally.rows, kept + tally.kept
            silent += sum("SILENT" in fault for fault in tally.faults)
            reasons.update(
                re.sub(r"'[^']*'", "'...'", fault.split("] ", 1)[1].partition(":")[0])[:60] for fault in tally.faults
            )
            print(f"{exchange:<22}{method:<20}{tally.rows:>6}{tally.kept:>6}")
            if show:
                print("\n".join(f"    {fault}" for fault in tally.faults))
    print(f"{'all':<42}{total:>6}{kept:>6}")
    for reason, count in reasons.most_common():
        print(f"{count:>6}  {reason}")
    return 1 if silent else 0


if __name__ == "__main__":
    _, *given = sys.argv
    names = [one for one in given if one != "--show"]
    sys.exit(asyncio.run(main(names or list(ccxt.exchanges), show="--show" in given)))
