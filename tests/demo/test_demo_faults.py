"""Trouble on request, as a client meets it; and starting and stopping the desk."""

from __future__ import annotations

import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from ccxt.base import errors

from monitor.clock import DAY, MINUTE, FixedClock, parse_instant
from monitor.demo.desk import start_desk
from monitor.demo.faults import FAULTS, PERIOD, SHARES, Faults
from monitor.demo.wire import LATEST, Asked, SteadyClock, Venue
from monitor.errors import UsageError

if TYPE_CHECKING:
    from monitor.demo.desk import RunningDesk
    from monitor.records import Account
    from tests.demo.conftest import Client, Talk

EPOCH = parse_instant("2026-01-31")
NOW = EPOCH + DAY // 2
SEED = 7
MM = "binance-mm"


def outcomes(ask: Talk, account: Account, days: int, tries: int) -> list[list[str]]:
    """Return, for each day's fills, what became of each try until one succeeded."""

    async def ask_days(made: Client) -> list[list[str]]:
        return [await attempts(made, account, EPOCH - (day + 1) * DAY, tries) for day in range(days)]

    told: list[list[str]] = ask.anew(account, ask_days)
    return told


async def attempts(made: Client, account: Account, start: int, tries: int) -> list[str]:
    """Return what became of one day's request, tried again and again."""
    symbol = account.symbols[0] if account.exchange == "binance" else None
    told: list[str] = []
    while len(told) < tries and "rows" not in told:
        try:
            trades = await made.fetch_my_trades(symbol, start, None, {"until": start + DAY - 1})
            told.append("rows" if trades else "nothing")
        except errors.BaseError as error:
            told.append(type(error).__name__)
    return told


@pytest.mark.parametrize("fault", ["errors", "html200", "truncated", "ratelimit"])
def test_a_faulty_call_succeeds_at_the_third_try(ask: Talk, fault: str) -> None:
    """The first call of an account is always hit; a few others are; none fails more than twice in a row."""
    with start_desk(SEED, EPOCH, FixedClock(NOW), fault) as desk:
        for account in (desk.accounts[0], desk.accounts[2]):
            tried = outcomes(ask, account, 25, 4)
            assert tried[0][0] != "rows"
            assert all(told[-1] == "rows" and len(told) <= 3 for told in tried)
            assert sum(len(told) > 1 for told in tried) < 25 * (SHARES[fault] + 0.15)
        assert desk.faults.hits >= 2


def test_equal_requests_are_hit_again_later() -> None:
    """A daemon that asks the same all day meets the fault again and again, not only once."""
    faults, asked = Faults("errors", SEED), Asked("/api/v3/account", {"timestamp": "1"}, "", "", {})
    hits = [faults._hit(replace(asked, query={"timestamp": str(number)})) for number in range(3 * PERIOD)]
    assert [number for number, hit in enumerate(hits) if hit and number % PERIOD == 0] == [0, PERIOD, 2 * PERIOD]
    assert hits.count(True) <= 2 * 3


def test_html_and_cut_bodies_look_like_nothing_to_ccxt(ask: Talk) -> None:
    """What makes these faults dangerous: ccxt alone takes them for an empty page."""
    for fault in ("html200", "truncated"):
        with start_desk(SEED, EPOCH, FixedClock(NOW), fault) as desk:
            assert outcomes(ask, desk.accounts[2], 1, 1) == [["nothing"]]


def test_rate_limit_says_how_long_to_wait(ask: Talk) -> None:
    """Binance answers HTTP 429 with Retry-After; Kraken an error text at HTTP 200."""
    with start_desk(SEED, EPOCH, FixedClock(NOW), "ratelimit") as desk:

        async def headers(made: Client) -> object:
            made.enableLastResponseHeaders = True
            with pytest.raises(errors.DDoSProtection):
                await made.fetch_balance()
            return made.last_response_headers

        assert dict(ask.anew(desk.accounts[0], headers))["Retry-After"] == "1"
        assert "Retry-After" not in dict(ask.anew(desk.accounts[2], headers))


def test_late_fills_appear_within_ninety_seconds(desk: RunningDesk) -> None:
    """Now and then the newest fills cannot be seen yet, though the balance moved; later all of them can."""
    clock = FixedClock(NOW)
    venue = Venue("binance", desk.history, clock, {}, late=True)
    missing = 0
    for clock.instant in range(NOW - DAY // 2, NOW, 20 * MINUTE):
        now = clock.instant
        shown, truth = ([fill.key for fill in fills] for fills in (venue.fills(MM), desk.history.fills(now, MM)))
        settled = [fill.key for fill in desk.history.fills(now - LATEST, MM)]
        assert set(settled) <= set(shown) <= set(truth)
        missing += len(truth) - len(shown)
    assert missing > 0
    assert venue.balances(MM) == desk.history.balances(MM, clock.instant)


def test_late_fills_are_late_over_http(ask: Talk) -> None:
    """A client that asks again ninety seconds later gets the rows it could not see."""
    clock = FixedClock(NOW)
    with start_desk(SEED, EPOCH, clock, "late") as desk:
        account, counts = desk.accounts[1], []
        truth = [fill.time for fill in desk.history.fills(NOW, account.name) if fill.symbol == "BTC/USDT"]
        late = truth[-1]

        async def read(made: Client) -> object:
            return await made.fetch_my_trades("BTC/USDT", late - DAY // 4, 1000, {"until": late})

        for clock.instant in (late, late + LATEST):
            counts.append(len(ask.anew(account, read)))
        assert counts[0] <= counts[1] == sum(late - DAY // 4 <= time <= late for time in truth)


def test_skewed_clock_needs_the_time_difference(ask: Talk) -> None:
    """A client that does not measure its distance to the venue is refused; one that does is served."""
    with start_desk(SEED, EPOCH, FixedClock(NOW), "skew") as desk:
        account = desk.accounts[0]
        assert ask.anew(account, lambda it: it.fetch_time()) < NOW

        async def naive(made: Client) -> object:
            made.options["timeDifference"] -= 4_000  # what it would be if the venue's clock were right
            return await made.fetch_balance()

        with pytest.raises(errors.InvalidNonce, match="ahead of the server"):
            ask.anew(account, naive)
        assert ask.anew(account, lambda it: it.fetch_balance())


def test_slow_bodies_arrive_whole(ask: Talk) -> None:
    """A slow answer takes over a second and is complete."""
    with start_desk(SEED, EPOCH, FixedClock(NOW), "slow") as desk:
        begun = time.monotonic()
        assert outcomes(ask, desk.accounts[2], 1, 1) == [["rows"]]
        assert time.monotonic() - begun > 1.0


def test_dead_venue_answers_nothing_and_the_other_is_well(ask: Talk) -> None:
    """Kraken gives HTTP 503 to everything, even the time; Binance works."""
    with start_desk(SEED, EPOCH, FixedClock(NOW), "dead") as desk:
        with pytest.raises(errors.ExchangeNotAvailable):
            ask.anew(desk.accounts[2], lambda it: it.fetch_time())
        assert ask.anew(desk.accounts[0], lambda it: it.fetch_balance())


def test_unknown_fault_is_refused_with_the_known_ones() -> None:
    """A misspelt name is answered with the near one and the list."""
    with pytest.raises(UsageError, match=r"'html20'.*Did you mean 'html200'\?.*ratelimit"):
        start_desk(SEED, EPOCH, FixedClock(NOW), "html20")
    assert all(FAULTS.values())


def test_port_in_use_is_refused() -> None:
    """One sentence names the port and the remedy, and no thread stays behind."""
    before = threading.active_count()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"port {port}.*another port"):
            start_desk(SEED, EPOCH, FixedClock(NOW), port=port)
    assert threading.active_count() == before


def test_closing_ends_thread_and_port(ask: Talk) -> None:
    """After close nothing listens and no thread is left; closing again does nothing."""
    before = threading.active_count()
    desk = start_desk(SEED, EPOCH, FixedClock(NOW))
    assert {account.endpoint for account in desk.accounts} == {desk.endpoint}
    assert {account.start for account in desk.accounts if account.books == ("spot",)} == {EPOCH - 90 * DAY}
    desk.close()
    desk.close()
    assert threading.active_count() == before
    with pytest.raises(errors.ExchangeNotAvailable):
        ask.anew(desk.accounts[0], lambda it: it.fetch_time())


def test_venue_time_goes_on_beside_a_clock_that_stands() -> None:
    """Between two moves of a clock the venue's time follows the machine; a move takes it along."""
    clock = FixedClock(NOW)
    steady = SteadyClock(clock)
    time.sleep(0.01)
    assert NOW < steady.now() < NOW + 1_000
    clock.instant += DAY
    assert NOW + DAY <= steady.now() < NOW + DAY + 1_000


def test_credentials_are_no_part_of_an_accounts_text() -> None:
    """Printing an account never prints its secret."""
    with start_desk(SEED, EPOCH, FixedClock(NOW)) as desk:
        for account in desk.accounts:
            assert account.credentials["secret"] not in repr(account)
