"""The true history: the same for the same seed, longer with time, and never in debt."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, MINUTE, SECOND, parse_instant
from monitor.demo.generator import ACCOUNTS, HISTORY_DAYS, History, effects
from monitor.demo.markets import BY_SYMBOL, CASH
from monitor.demo.prices import Prices
from monitor.errors import UsageError

if TYPE_CHECKING:
    from monitor.records import Fill, Movement

EPOCH = parse_instant("2026-01-31")
LAST = EPOCH - 1


@pytest.fixture(scope="module")
def history() -> History:
    return History(7, EPOCH)


def test_size_is_that_of_a_real_desk(history: History) -> None:
    """Ninety days hold 4,000 to 8,000 fills of nine assets in three accounts."""
    fills = history.fills(LAST)
    assert 4_000 < len(fills) < 8_000
    assert {fill.account for fill in fills} == set(ACCOUNTS)
    assert len({fill.base for fill in fills}) == 9
    assert history.start == EPOCH - HISTORY_DAYS * DAY <= fills[0].time


def test_same_seed_and_epoch_is_the_same_history() -> None:
    """Two histories of one seed agree in every field; another seed gives another."""
    until = EPOCH - 80 * DAY
    assert History(3, EPOCH).fills(until) == History(3, EPOCH).fills(until)
    assert History(3, EPOCH).fills(until) != History(4, EPOCH).fills(until)


def test_later_look_begins_with_the_earlier_one(history: History) -> None:
    """What was asked for first never changes when more of it is made."""
    cut = EPOCH - 30 * DAY + 5 * HOUR
    early = History(7, EPOCH)
    assert early.fills(cut) == [fill for fill in history.fills(EPOCH + DAY) if fill.time <= cut]
    assert early.movements(cut) == [move for move in history.movements(EPOCH + DAY) if move.time <= cut]


def test_nothing_is_sold_that_is_not_held(history: History) -> None:
    """After every single event every account holds zero or more of everything, cash included."""
    held: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    events: list[Fill | Movement] = [*history.fills(EPOCH + DAY), *history.movements(EPOCH + DAY)]
    for event in sorted(events, key=lambda event: event.time):
        for asset, change in effects(event):
            held[event.account, asset] += change
        assert all(held[event.account, asset] >= 0 for asset, _ in effects(event)), event
    for account in ACCOUNTS:
        truth = {asset: amount for (owner, asset), amount in held.items() if owner == account}
        assert history.balances(account, EPOCH + DAY) == truth


def test_costs_fit_the_digits_of_their_venue(history: History) -> None:
    """Amount times price needs no rounding to the digits in which the venue tells the cost."""
    places = {"binance": Decimal("1e-8"), "kraken": Decimal("1e-5")}
    for fill in history.fills(LAST):
        assert fill.cost == fill.amount * fill.price == (fill.amount * fill.price).quantize(places[fill.exchange])


def test_every_kind_of_fee_is_there(history: History) -> None:
    """Fees in a third asset, in the base, in a cash quote and in a coin quote all occur."""
    kinds = Counter(
        "third" if fill.fees[0].asset not in (fill.base, fill.quote)
        else "base" if fill.fees[0].asset == fill.base
        else "cash" if fill.quote in CASH else "coin"
        for fill in history.fills(LAST)
    )  # fmt: skip
    assert min(kinds[kind] for kind in ("third", "base", "cash", "coin")) > 10


def test_tempers_differ(history: History) -> None:
    """AVAX is flat at every midnight though traded daily, ADA is bought once, ARB hardly sold, BTC made all day."""
    fills = history.fills(LAST)
    held: dict[int, Decimal] = defaultdict(Decimal)
    for fill in fills:
        if fill.base == "AVAX":
            held[fill.time // DAY] += fill.amount if fill.side == "buy" else -fill.amount
    assert len(held) == HISTORY_DAYS
    assert set(held.values()) == {Decimal(0)}
    sides = Counter((fill.base, fill.side) for fill in fills)
    assert sides["ADA", "sell"] == 0
    assert len({fill.order_id for fill in fills if fill.base == "ADA"}) == 1
    bought = sum(fill.amount for fill in fills if (fill.base, fill.side) == ("ARB", "buy"))
    assert 0 < sum(fill.amount for fill in fills if (fill.base, fill.side) == ("ARB", "sell")) < bought / 10
    assert min(sides["BTC", "buy"], sides["BTC", "sell"]) > 8 * HISTORY_DAYS
    assert sum(1 for fill in fills if fill.symbol == "ETH/BTC") > 4 * HISTORY_DAYS


def test_fills_share_milliseconds_and_whole_seconds(history: History) -> None:
    """Ties of one order, ties of both sides, and Kraken fills on the second that its `start` excludes."""
    fills = history.fills(LAST)
    ties = Counter((fill.account, fill.symbol, fill.time) for fill in fills)
    both = Counter((symbol, time) for symbol, time, _ in {(fill.symbol, fill.time, fill.side) for fill in fills})
    assert sum(1 for count in ties.values() if count > 1) > 100
    assert sum(1 for count in both.values() if count == 2) > 50
    assert sum(1 for fill in fills if fill.exchange == "kraken" and fill.time % SECOND == 0) > 100


def test_identifiers_are_unique_per_symbol_and_grow_with_time(history: History) -> None:
    """Within a venue's symbol ids never repeat; Binance's grow with time."""
    fills = history.fills(EPOCH + DAY)
    assert len({(fill.exchange, fill.market, fill.trade_id) for fill in fills}) == len(fills)
    for market in {fill.market for fill in fills if fill.exchange == "binance"}:
        numbers = [fill.sequence or 0 for fill in fills if fill.market == market]
        assert sorted(numbers) == [n for _, n in sorted((f.time, f.sequence or 0) for f in fills if f.market == market)]


def test_transfers_have_two_ends(history: History) -> None:
    """Coins sent between own accounts arrive minutes later under the same chain id; a cancelled one never left."""
    moves = history.movements(LAST)
    sent = {move.network_id: move for move in moves if move.kind == "withdrawal" and move.status == "ok"}
    ends = [(sent[move.network_id], move) for move in moves if move.kind == "deposit" and move.network_id in sent]
    bitcoin = [pair for pair in ends if pair[0].asset == "BTC" and pair[0].exchange != pair[1].exchange]
    assert len(bitcoin) >= 3
    for left, came in ends:
        assert left.amount == came.amount
        assert MINUTE <= came.time - left.time <= HOUR
    assert [move.network_id for move in moves if move.status == "failed"] == [None]


def test_live_days_trade_every_few_minutes(history: History) -> None:
    """After the epoch there is a fill somewhere in every quarter of an hour, and on average every minute."""
    times = [fill.time for fill in history.fills(EPOCH + DAY - 1) if fill.time >= EPOCH]
    assert len(times) > DAY // MINUTE
    assert max(later - earlier for earlier, later in itertools.pairwise(times)) < 15 * MINUTE


def test_epoch_is_a_midnight() -> None:
    """An epoch inside a day is refused with the value and the remedy."""
    with pytest.raises(UsageError, match=r"2026-01-31T01:00:00.000Z.*midnight"):
        History(1, EPOCH + HOUR)


def test_candles_and_prices_come_from_one_path() -> None:
    """An hour closes where the next one opens, five-minute candles fill the hour, and a longer look changes nothing."""
    prices, market = Prices(5, EPOCH), BY_SYMBOL["binance", "ETH/BTC"]
    later = prices.price(market, EPOCH + DAY)
    hour = prices.candle(market, EPOCH, HOUR, EPOCH + DAY)
    assert hour.close == prices.candle(market, EPOCH + HOUR, HOUR, EPOCH + DAY).open
    assert hour.close == prices.candle(market, EPOCH + 55 * MINUTE, 5 * MINUTE, EPOCH + DAY).close
    assert hour.low <= min(hour.open, hour.close) <= max(hour.open, hour.close) <= hour.high
    assert Prices(5, EPOCH).price(market, EPOCH + DAY) == later


def test_open_candle_closes_at_the_moment() -> None:
    """A candle that has not ended shows the price of now as its close, as venues do."""
    prices, market = Prices(5, EPOCH), BY_SYMBOL["kraken", "BTC/USD"]
    now = EPOCH + 20 * MINUTE
    assert prices.candle(market, EPOCH, HOUR, now).close == prices.price(market, now)
