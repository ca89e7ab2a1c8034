"""Give every ccxt exchange broken answers and count those that pass for "nothing", over local HTTP.

Usage: python scripts/bad_bodies.py [EXCHANGE...]

Every exchange x (html, truncated, empty, null, {}, [], wrong shape, HTTP 523) x (fills, balances). An answer is
"loud" if it ends in an error or in quarantined rows, "not asked" if ccxt failed before a request was sent (which proves
nothing about the body), "silent" if it passed for "no fills" or an empty portfolio. `[]` alone may be a venue's own way
to say that there is nothing: where it passed it counts as "taken", and those exchanges are listed, because the script
cannot know which of them really answer so. The exit code is 1 if anything is silent.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from dataclasses import dataclass

import ccxt.async_support as ccxt
from aiohttp import web

from monitor.errors import MonitorError
from monitor.exchanges.balances import snapshot
from monitor.exchanges.client import Client, Surroundings
from monitor.exchanges.normalise import Origin, fills
from monitor.exchanges.patience import Patience
from monitor.records import Account, StreamKey

BODIES: dict[str, tuple[int, str]] = {
    "html": (200, "<!DOCTYPE html><html><body>We will be back soon</body></html>"),
    "truncated": (200, '{"result": [{"id": "1", "price": "10'),
    "empty": (200, ""),
    "null": (200, "null"),
    "{}": (200, "{}"),
    "[]": (200, "[]"),
    "shape": (200, '{"status": "fine", "answer": {"things": "none", "number": 7}}'),
    "523": (523, "<html>origin is unreachable</html>"),
}
CONTRACT = "BTC/USDT:USDT"
KINDS = ("fills", "balances")
# Where the common credentials have the wrong shape.
SPECIAL = {"gemini": {"apiKey": "account-key"}, "grvt": {"privateKey": ""}}
# 32 bytes in each of the spellings that signing code wants.
CREDENTIALS = {
    "apiKey": "00000000-0000-0000-0000-000000000001",
    "secret": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA==",
    "password": "password",
    "uid": "1",
    "login": "login",
    "twofa": "JBSWY3DPEHPK3PXP",
    "token": "token",
    "accountId": "1",
    "walletAddress": "0x" + "1" * 40,
    "privateKey": "0x" + "1" * 64,
}


@dataclass
class State:
    """What the server answers now, and how often it was asked."""

    body: tuple[int, str]
    asked: int = 0


async def no_wait(_seconds: float) -> None:
    """Return at once: retries are not waited for."""


async def serve(state: State) -> tuple[web.AppRunner, str]:
    """Serve the present bad body, whatever is asked, on a free local port."""

    async def answer(_request: web.Request) -> web.Response:
        state.asked += 1
        status, text = state.body
        return web.Response(text=text, status=status, content_type="application/json")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}"


def market(symbol: str) -> dict[str, object]:
    """Return a market structure that every class accepts."""
    pair, _, settle = symbol.partition(":")
    base, quote = pair.split("/")
    contract = bool(settle)
    return {
        "id": base + quote + settle, "numericId": 1, "symbol": symbol,
        "base": base, "quote": quote, "baseId": base, "quoteId": quote,
        "settle": settle or None, "settleId": settle or None,
        "type": "swap" if contract else "spot", "spot": not contract, "margin": False,
        "swap": contract, "future": False, "option": False, "contract": contract, "active": True,
        "linear": True if contract else None, "inverse": False if contract else None,
        "contractSize": "1" if contract else None, "altname": base + quote,
        "precision": {"amount": "0.00000001", "price": "0.00000001"}, "limits": {}, "info": {},
    }  # fmt: skip


async def verdict(client: Client, kind: str, body: str) -> str:
    """Return what became of the present body: loud, taken, silent, or not offered."""
    offered = client.exchange.has.get("fetchMyTrades" if kind == "fills" else "fetchBalance")
    if not offered:
        return "not offered"
    try:
        if kind == "balances":
            answer = await client.call("fetch_balance")
            look = snapshot(answer.value if isinstance(answer.value, dict) else {}, answer.bodies, "bad", 0)
            quiet = not look.balances
        else:
            symbol = "BTC/USDT" if client.exchange.has.get("spot") else CONTRACT
            answer = await client.call("fetch_my_trades", symbol, 1_700_000_000_000, 50)
            origin = Origin(StreamKey("bad", "fills"), client.account.exchange)
            rows = fills(answer.parsed, answer.rows, origin, client.market)
            quiet = not rows.quarantined
    except MonitorError:
        return "loud"
    if not quiet:
        return "loud"
    return "taken" if body == "[]" else "silent"


async def probe(exchange: str, endpoint: str, state: State) -> dict[tuple[str, str], str]:
    """Return the verdict of every body and kind for one exchange."""
    surroundings = Surroundings(Patience(sleep=no_wait), deadline=10.0)
    found = {}
    for name, body in BODIES.items():
        state.body = body
        for kind in KINDS:
            client = Client(
                Account("bad", exchange, CREDENTIALS | SPECIAL.get(exchange, {}), endpoint=endpoint), surroundings
            )
            async with client:
                client.exchange.set_markets(
                    [market(symbol) for symbol in ("BTC/USDT", "ETH/USDT", "BTC/USD", CONTRACT)]
                )
                before = state.asked
                said = await verdict(client, kind, name)
                # Loud before anything was sent proves nothing about the body.
                found[name, kind] = "not asked" if said == "loud" and state.asked == before else said
    return found


async def main(wanted: list[str]) -> int:
    """Probe every exchange and print the table."""
    state = State(BODIES["html"])
    runner, endpoint = await serve(state)
    counts: Counter[tuple[str, str, str]] = Counter()
    silent, unasked, taken = [], set(), set()
    for exchange in wanted:
        for (name, kind), said in (await probe(exchange, endpoint, state)).items():
            counts[name, kind, said] += 1
            if said == "taken":
                taken.add(f"{exchange} {kind}")
            if said == "not asked":
                unasked.add(f"{exchange} {kind}")
            if said == "silent":
                silent.append(f"{exchange} {kind} {name}")
    await runner.cleanup()
    print(f"{len(wanted)} exchanges")
    print(f"{'body':<11}{'kind':<10}{'loud':>6}{'taken':>9}{'silent':>8}{'not asked':>11}{'not offered':>13}")
    for name in BODIES:
        for kind in KINDS:
            row = [counts[name, kind, said] for said in ("loud", "taken", "silent", "not asked", "not offered")]
            print(f"{name:<11}{kind:<10}{row[0]:>6}{row[1]:>9}{row[2]:>8}{row[3]:>11}{row[4]:>13}")
    if taken:
        print(f"[] taken for nothing, to be checked against each venue's documentation: {', '.join(sorted(taken))}")
    if unasked:
        print(f"not asked (refused before anything was sent): {', '.join(sorted(unasked))}")
    print("\n".join(silent) if silent else "0 silent")
    return 1 if silent else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:] or list(ccxt.exchanges))))
