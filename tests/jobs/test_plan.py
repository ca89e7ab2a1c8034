"""The plan of a sync: windows by arithmetic from the profiles, nothing sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, parse_instant
from monitor.jobs.plan import AccountPlan, plan
from monitor.records import Account, Batch, StreamKey
from monitor.store import markets, streams
from monitor.store.database import open_writer
from monitor.store.ledger import commit_batch, register_account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from monitor.jobs.plan import Planned
    from monitor.store.database import Writer

NOW = parse_instant("2026-01-31")
MARKETS = [
    {"id": name.replace("/", ""), "symbol": name, "base": name.split("/")[0], "quote": "USDT", "spot": True}
    for name in ("BTC/USDT", "ETH/USDT", "SOL/USDT")
]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        yield opened


def parts(one: AccountPlan) -> dict[str, Planned]:
    return {f"{part.kind} {part.book}": part for part in one.parts}


def planned(account: Account, writer: Writer | None = None) -> AccountPlan:
    (one,) = plan([account], writer.connection if writer else None, NOW)
    return one


def test_windows_follow_from_the_profile() -> None:
    """Bybit: 7 days less a millisecond a call for fills, 30 for deposits; 100 days are 15 and 4 windows."""
    told = parts(planned(Account("a", "bybit", start=NOW - 100 * DAY)))
    assert (told["fills spot"].calls, told["deposits spot"].calls) == (100 // 7 + 1, 100 // 30 + 1)


def test_an_account_without_a_start_is_read_two_years_back() -> None:
    """And the plan says that nobody declared it."""
    one = planned(Account("a", "kraken"))
    assert (one.declared, one.start) == (False, NOW - 730 * DAY)


def test_what_the_venue_no_longer_lists_is_told() -> None:
    """OKX lists fills of 90 days; deposits reach back to the start."""
    told = parts(planned(Account("a", "okx", start=NOW - 200 * DAY)))
    assert (told["fills spot"].unreachable_before, told["fills spot"].start) == (NOW - 90 * DAY, NOW - 90 * DAY)
    assert (told["deposits spot"].unreachable_before, told["deposits spot"].start) == (None, NOW - 200 * DAY)


def test_no_call_is_planned_for_what_is_not_listed() -> None:
    """Bybit lists fills of 730 days: 105 windows of a week, whenever the account started."""
    assert parts(planned(Account("a", "bybit", start=NOW - 2_000 * DAY)))["fills spot"].calls == 730 // 7 + 1


def test_markets_that_are_not_listed_yet_leave_the_total_open() -> None:
    """Binance wants a market in each call: windows of one market, and no number that nobody knows."""
    one = planned(Account("a", "binance", start=NOW - 10 * DAY))
    fills = parts(one)["fills spot"]
    assert (fills.streams, fills.calls, fills.windows) == (None, None, 11)  # a day less a millisecond each
    assert (one.calls, one.seconds) == (None, None)


def test_listed_markets_are_counted(writer: Writer) -> None:
    """Three markets, one of them archived: two streams, each walked by trade id in at least one call."""
    register_account(writer, Account("a", "binance", start=NOW - 10 * DAY), NOW)
    markets.save(writer, "binance", MARKETS, NOW)
    streams.mark(writer, StreamKey("a", "fills", "spot", "SOL/USDT"), "archived", None, NOW)
    fills = parts(planned(Account("a", "binance", start=NOW - 10 * DAY), writer))["fills spot"]
    assert (fills.streams, fills.windows, fills.calls) == (2, 2 * 11, 2)


def test_what_is_proven_is_not_read_again(writer: Writer) -> None:
    """Read until six hours ago: the rest and the overlap are one window, where 100 days were fifteen."""
    account = Account("a", "bybit", start=NOW - 100 * DAY)
    register_account(writer, account, NOW)
    done = Batch(StreamKey("a", "fills"), proven=(NOW - 100 * DAY, NOW - 6 * HOUR))
    commit_batch(writer, done, NOW)
    assert parts(planned(account, writer))["fills spot"].calls == 1


def test_time_is_what_the_rate_limit_asks_for() -> None:
    """Kraken: a call a second, fills cost six; a server on this machine has no limit, but a round trip."""
    told = parts(planned(Account("a", "kraken", start=NOW - DAY)))
    assert (told["fills spot"].seconds, told["deposits spot"].seconds) == (6.0, 1.0)
    local = parts(planned(Account("a", "kraken", start=NOW - DAY, endpoint="http://127.0.0.1:1")))
    assert local["fills spot"].seconds == pytest.approx(0.25)


def test_what_ccxt_cannot_list_is_told() -> None:
    """Kraken's futures list fills only: no call for deposits, and a word to import them."""
    told = parts(planned(Account("a", "krakenfutures", start=NOW - DAY)))
    assert [told[f"{kind} spot"].calls for kind in ("deposits", "fills")] == [0, 1]
    assert "import them" in told["deposits spot"].note


def test_every_stream_is_in_the_plan() -> None:
    """Bybit's linear account: funding and log in weeks, balances and positions of two settlement coins as one look."""
    told = parts(planned(Account("a", "bybit", books=("linear",), start=NOW - 100 * DAY)))
    weeks = 100 // 7 + 1
    assert {name: part.calls for name, part in told.items()} == {
        "deposits spot": 4,
        "withdrawals spot": 4,
        "fills linear": weeks,
        "funding linear": weeks,
        "ledger linear": weeks,
        "balances linear": 1,
        "positions linear": 2,
    }


def test_kinds_that_are_not_read_take_no_call_and_say_so() -> None:
    """Gemini's transfers, ledger, conversions and dust are in the plan, with a word to import them."""
    told = parts(planned(Account("a", "gemini", start=NOW - DAY)))
    unread = ("transfers", "ledger", "convert", "dust")
    assert [told[f"{kind} spot"].calls for kind in unread] == [0] * 4
    assert all("import" in told[f"{kind} spot"].note for kind in unread)
