"""The demo desk, running: its history, its two venues behind a local server, and the accounts to read them with.

The server has a thread and an event loop of its own, so that a command that knows nothing of asyncio can start it,
and a client under test cannot starve it.
"""

from __future__ import annotations

import asyncio
import base64
import threading
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Self, TypeVar

from monitor.demo.books import token
from monitor.demo.contracts import CONTRACTS
from monitor.demo.faults import FAULTS, SKEW, Faults
from monitor.demo.generator import History
from monitor.demo.server import HOST, Server
from monitor.demo.tempers import VENUE
from monitor.demo.wire import Venue
from monitor.errors import UsageError
from monitor.records import Account

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from types import TracebackType

    from monitor.clock import Clock

SYMBOLS: dict[str, tuple[str, ...]] = {
    "binance-main": ("BTC/USDT", "ETH/USDT", "ETH/BTC", "BNB/USDT", "ARB/USDT", "LINK/USDT"),
    "binance-mm": ("BTC/USDT", "ETH/USDT", "SOL/USDT"),
    "kraken-main": ("BTC/USD", "XRP/USD", "AVAX/USD", "ADA/USD"),
}
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
Result = TypeVar("Result")


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        """Start the thread; it ends with the process if nobody stops it."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="demo venues", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[object, object, Result]) -> Result:
        """Do some work in the loop and return what it returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def stop(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@dataclass
class RunningDesk:
    """A desk whose venues answer at `endpoint`; close it, or use it in a `with` block."""

    history: History
    accounts: tuple[Account, ...]
    endpoint: str
    faults: Faults
    _server: Server
    _loop: Loop | None

    def close(self) -> None:
        """Stop the server; a second time does nothing."""
        if self._loop is not None:
            self._loop.run(self._server.close())
            self._loop.stop()
            self._loop = None

    def __enter__(self) -> Self:
        """Use the running desk."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.close()


def credentials(seed: int, account: str) -> dict[str, str]:
    """Return a made-up key pair of the shape the account's venue gives out, always the same for one seed."""
    label = f"{seed}/{account}"
    if VENUE.get(account) == "kraken":
        key, secret = token(f"{label}/key", LETTERS, 42), token(f"{label}/secret", LETTERS, 42)
        return {"apiKey": key, "secret": base64.b64encode(secret.encode()).decode()}
    return {"apiKey": token(f"{label}/key", LETTERS, 40), "secret": token(f"{label}/secret", LETTERS, 40)}


def venues_of(history: History, clock: Clock, fault: str | None) -> dict[str, Venue]:
    """Return both venues with the keys of their accounts."""
    found = {
        name: Venue(name, history, clock, {}, skew=SKEW[name] if fault == "skew" else 0, late=fault == "late")
        for name in ("binance", "kraken")
    }
    for account, name in [*VENUE.items(), *((account, "binance") for account in CONTRACTS)]:
        made = credentials(history.seed, account)
        found[name].keys[made["apiKey"]] = (account, made["secret"])
    return found


def start_desk(seed: int, epoch: int, clock: Clock, fault: str | None = None, port: int = 0) -> RunningDesk:
    """Start the demo desk and return it with its server listening on `port` (0: any free one).

    The venues show what happened up to `clock`, from 90 days before `epoch` (a UTC midnight) on.

    Raises:
        UsageError: an unknown fault, an epoch that is no midnight, or a port in use.
    """
    if fault is not None and fault not in FAULTS:
        near = get_close_matches(fault, FAULTS, 1)
        meant = f" Did you mean {near[0]!r}?" if near else ""
        raise UsageError(f"There is no fault {fault!r}.{meant}", f"Known faults: {', '.join(sorted(FAULTS))}.")
    history = History(seed, epoch)
    faults = Faults(fault, seed)
    server = Server(venues_of(history, clock, fault), faults)
    loop = Loop()
    try:
        endpoint = f"http://{HOST}:{loop.run(server.open(port))}"
    except UsageError:
        loop.stop()
        raise
    accounts = tuple(
        Account(
            name=name, exchange=venue, credentials=credentials(seed, name), symbols=SYMBOLS[name],
            start=history.start, endpoint=endpoint,
        )
        for name, venue in VENUE.items()
    )  # fmt: skip
    accounts += tuple(
        Account(
            name=name, exchange=one.exchange, credentials=credentials(seed, name),
            books=("inverse" if one.inverse else "linear",), symbols=(one.symbol,), start=history.contracts.start,
            endpoint=endpoint,
        )
        for name, one in CONTRACTS.items()
    )  # fmt: skip
    return RunningDesk(history, accounts, endpoint, faults, server, loop)
