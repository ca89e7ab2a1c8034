"""One account at one venue: the guarded ccxt object, its clock, and calls that end in an answer or in our error."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Self

from monitor.clock import HOUR, SECOND
from monitor.errors import CallRejected, ClockSkew, VenueUnavailable
from monitor.exchanges.balances import merged, snapshot
from monitor.exchanges.bodies import Body
from monitor.exchanges.build import build
from monitor.exchanges.errors import Failure, failure
from monitor.exchanges.guard import recording
from monitor.exchanges.markets import condense
from monitor.exchanges.patience import MAINTENANCE_PAUSE, Breaker, Patience
from monitor.exchanges.profiles import profile
from monitor.records import Account, Snapshot

if TYPE_CHECKING:
    from types import TracebackType

    from monitor.exchanges.loose import Loose

# ccxt writes keys to its DEBUG log.
for _name in ("ccxt", "aiohttp", "asyncio"):
    logging.getLogger(_name).setLevel(logging.INFO)

DEADLINE = 90.0
# Methods that list rows: an answer without any must say that there is none.
LISTING = frozenset({
    "fetch_my_trades", "fetch_deposits", "fetch_withdrawals", "fetch_deposits_withdrawals", "fetch_ledger",
    "fetch_transfers", "fetch_funding_history", "fetch_convert_trade_history", "fetch_my_dust_trades",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What one call gave: ccxt's parsed value, and the bodies it was made of."""

    value: object
    bodies: tuple[Body, ...] = ()

    @property
    def rows(self) -> list[object]:
        """The raw rows of the last body."""
        return list(self.bodies[-1].rows) if self.bodies else []

    @property
    def parsed(self) -> list[Mapping[str, object]]:
        """Ccxt's rows.

        Raises:
            VenueUnavailable: nothing was parsed, and no body says that there is nothing.
        """
        rows = [row for row in self.value if isinstance(row, Mapping)] if isinstance(self.value, list) else []
        # A parser that looked for something in vain did not read rows, whatever the body seems to list.
        unread = not self.rows or any(body.missed for body in self.bodies)
        if not rows and unread and not any(body.says_nothing for body in self.bodies):
            raise VenueUnavailable(
                "The answer holds no rows and does not say that there are none.", "It will be tried again."
            )
        return rows


@dataclass(slots=True)
class Surroundings:
    """What clients of a process share: patience and breaker of all venues, and how long a call may take."""

    patience: Patience = field(default_factory=Patience)
    breaker: Breaker | None = None
    deadline: float = DEADLINE

    def __post_init__(self) -> None:
        """Make the breaker if none is shared."""
        self.breaker = self.breaker or Breaker(self.patience)


class Client:
    """An account's connection; use it as an async context manager.

    `markets`: structures of earlier runs, so that rows of delisted markets still parse; they are looked at once.
    """

    def __init__(
        self, account: Account, surroundings: Surroundings | None = None, markets: Iterable[Mapping[str, object]] = ()
    ) -> None:
        """Build the ccxt object; nothing is sent yet."""
        self.account = account
        self.profile = profile(account.exchange)
        self.surroundings = surroundings or Surroundings()
        self.calls = 0
        exchange, self._transport = build(account, self.profile)
        self.exchange: Loose = exchange
        self._known = markets
        self._ahead_checked: float | None = None
        self._venue_time: int | None = None

    async def __aenter__(self) -> Self:
        """Open without sending anything."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the connections."""
        await self._transport.close()
        self.exchange.session = None
        await self.exchange.close()

    async def load_markets(self, *, again: bool = False) -> Mapping[str, Mapping[str, object]]:
        """Load the venue's markets, or load them `again`, add those known from before, and set the clock."""
        await self.sync_clock()
        before = list((self.exchange.markets or {}).values())
        answer = await self.call("load_markets", again)
        listed: dict[str, Mapping[str, object]] = answer.value if isinstance(answer.value, dict) else {}
        if not listed:
            raise VenueUnavailable(f"{self.account.exchange}: the answer lists no market.", "It will be tried again.")
        delisted = [market for market in before or self._known if market.get("symbol") not in listed]
        self._known = ()
        if delisted:
            self.exchange.set_markets([*listed.values(), *delisted], self.exchange.currencies)
        for body in answer.bodies:
            body.forget()
        condense(self.exchange)
        markets: Mapping[str, Mapping[str, object]] = self.exchange.markets
        return markets

    async def share_markets(self, other: Client) -> None:
        """Take over the markets that another account of the same venue has loaded, and set the clock."""
        await self.sync_clock()
        self.exchange.set_markets_from_exchange(other.exchange)
        self.exchange.markets_loading = None  # it holds what was loaded before

    def market(self, symbol: str) -> Mapping[str, object] | None:
        """Return the structure of a symbol; None if the venue never listed it and its name does not spell it out."""
        found = (self.exchange.markets or {}).get(symbol)
        if isinstance(found, Mapping):
            return found
        unlisted: Mapping[str, Mapping[str, object]] = self.exchange.unlisted
        return unlisted.get(symbol)

    def can(self, method: str) -> bool:
        """Tell whether ccxt offers a unified method (`fetchDeposits`) for this exchange."""
        return self.exchange.has.get(method) is True

    async def sync_clock(self) -> None:
        """Measure the difference between this clock and the venue's, where the venue tells its time."""
        self._ahead_checked = self.surroundings.patience.monotonic()
        if self.profile.signs_time and self.can("fetchTime"):
            await self._patiently("load_time_difference", (), {}, may_resync=False)

    async def server_time(self) -> int:
        """Return the venue's present in milliseconds: its time endpoint, else the date of its last answer.

        Raises:
            VenueUnavailable: it told neither.
        """
        if self.can("fetchTime"):
            value = (await self.call("fetch_time")).value
            if isinstance(value, int):
                return value
        if self._venue_time is None:
            raise VenueUnavailable(
                f"{self.account.exchange} does not tell its time.", "No window can be proven without it."
            )
        return self._venue_time

    async def call(self, method: str, *args: object, **named: object) -> Answer:
        """Call a ccxt method, with deadline, retries and breaker as the failure calls for.

        Raises:
            VenueError: what failed, translated and without secrets.
        """
        checked = self._ahead_checked
        if checked is not None and (self.surroundings.patience.monotonic() - checked) * SECOND > HOUR:
            await self.sync_clock()
        return await self._patiently(method, args, named, may_resync=True)

    async def _patiently(
        self, method: str, args: tuple[object, ...], named: dict[str, object], *, may_resync: bool
    ) -> Answer:
        exchange, patience = self.account.exchange, self.surroundings.patience
        breaker = self.surroundings.breaker or Breaker(patience)
        attempt = 0
        while True:
            attempt += 1
            await breaker.wait(exchange)
            answer = await self._once(method, args, named)
            if isinstance(answer, Answer):
                breaker.succeeded(exchange)
                return answer
            if answer.action == "slow_down":
                breaker.trip(exchange, getattr(answer.error, "retry_after_seconds", None))
            elif answer.action == "maintenance":
                breaker.trip(exchange, MAINTENANCE_PAUSE)
            if attempt >= answer.tries or (answer.action == "resync" and not may_resync):
                raise answer.error
            if answer.action == "resync":
                await self.sync_clock()
            elif answer.action != "slow_down":
                await patience.sleep(patience.backoff(attempt))

    async def _once(self, method: str, args: tuple[object, ...], named: dict[str, object]) -> Answer | Failure:
        bodies = recording()
        # After a first success ccxt's binance calls every later refusal of a key "DDoS protection": all would wait.
        self.exchange.options.pop("hasAlreadyAuthenticatedSuccessfully", None)
        try:
            reading = getattr(self.exchange, method)(*args, **named)
            answer = Answer(await asyncio.wait_for(reading, self.surroundings.deadline), tuple(bodies))
            self._check(method, answer)
        except Exception as error:  # noqa: BLE001 - ccxt raises anything; errors.py knows what to do about each
            body = bodies[-1] if bodies else Body("", "")
            return failure(error, self.account.exchange, self.account.credentials, body)
        finally:
            self.calls += len(bodies)
            self._hear_time(bodies)
        return answer

    def _check(self, method: str, answer: Answer) -> None:
        """Refuse an answer that holds nothing and does not say so; refused here, it is asked for again."""
        if method in LISTING or method in {"fetchMyTrades", "fetchDeposits", "fetchWithdrawals"}:
            _ = answer.parsed
        elif method in {"fetch_balance", "fetchBalance"}:
            look = answer.value if isinstance(answer.value, dict) else {}
            snapshot(look, answer.bodies, self.account.name, 0)

    def _hear_time(self, bodies: list[Body]) -> None:
        for body in bodies:
            if date := body.headers.get("date"):
                try:
                    self._venue_time = int(parsedate_to_datetime(date).timestamp()) * SECOND
                except ValueError:
                    continue

    async def snapshot(self) -> Snapshot:
        """Return the account's balances; a failed look is a snapshot with `error`, never an empty portfolio."""
        time = await self.server_time()
        try:
            looks = []
            for params in self._wallets():
                answer = await self.call("fetch_balance", params)
                value = answer.value if isinstance(answer.value, dict) else {}
                looks.append(snapshot(value, answer.bodies, self.account.name, time))
        except (VenueUnavailable, CallRejected, ClockSkew) as error:
            return Snapshot(self.account.name, time, error=str(error))
        return merged(looks)

    def _wallets(self) -> list[dict[str, object]]:
        """Return the parameters of each wallet to ask; venues with one wallet for all books are asked once."""
        found: list[dict[str, object]] = []
        for book in self.account.books:
            params: dict[str, object] = {**self.profile.wallets.get(book, {})}
            if params not in found:
                found.append(params)
        return found
