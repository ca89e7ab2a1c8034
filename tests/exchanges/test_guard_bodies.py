"""Broken and implausible answers are errors, over real HTTP through real ccxt classes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from monitor.errors import ForbiddenCall, VenueUnavailable
from monitor.exchanges import transport
from monitor.exchanges.normalise import Origin, fills
from monitor.records import StreamKey
from tests.exchanges.conftest import Asked, FakeVenue, Reply, running

if TYPE_CHECKING:
    from monitor.exchanges.client import Answer

TRADE = (
    '[{"symbol":"BTCUSDT","id":7,"orderId":9,"price":"27000.10","qty":0.30000000000000000001,"quoteQty":"8100.03",'
    '"commission":"0.00000000000000000123","commissionAsset":"BNB","time":1700000000123,"isBuyer":true,"isMaker":true}]'
)


def fills_of(exchange: str, reply: Reply) -> Answer:
    """Return what a client makes of one reply to its question for fills."""

    async def work() -> Answer:
        async with running(lambda _asked: reply) as venue, venue.client(exchange) as client:
            return await client.call("fetch_my_trades", "BTC/USDT" if exchange == "binance" else None)

    return asyncio.run(work())


@pytest.mark.parametrize("exchange", ["binance", "kraken"])
@pytest.mark.parametrize(
    "reply",
    [
        Reply("<!DOCTYPE html><html>maintenance</html>"),
        Reply('{"result": [{"id": "1", "pri'),
        Reply(""),
        Reply("null"),
        Reply('"fine"'),
        Reply("{}"),
        Reply('{"answer": {"things": "none"}}', 503),
        Reply('{"a": NaN}'),
        Reply("<html>unreachable</html>", 523),
        Reply("moved", 302, {"Location": "http://192.0.2.1/"}),
    ],
)
def test_a_broken_body_is_an_error(exchange: str, reply: Reply) -> None:
    """No broken answer passes for "no fills"."""
    with pytest.raises(VenueUnavailable):
        fills_of(exchange, reply)


def test_an_unknown_envelope_is_an_error_or_kept() -> None:
    """Kraken's class looks in vain for what it needs; Binance's makes a row of anything, which is then kept aside."""
    shape = Reply('{"answer": {"things": "none"}}')
    with pytest.raises(VenueUnavailable, match="does not say"):
        fills_of("kraken", shape)
    answer = fills_of("binance", shape)
    rows = fills(answer.parsed, answer.rows, Origin(StreamKey("a", "fills"), "binance"), lambda _symbol: None)
    assert (len(rows.fills), len(rows.quarantined)) == (0, 1)


def test_an_empty_list_is_nothing_only_where_the_venue_answers_with_lists() -> None:
    """`[]` is Binance's way to say that there are no fills; Kraken answers with an object."""
    assert fills_of("binance", Reply("[]")).parsed == []
    with pytest.raises(VenueUnavailable, match="does not say"):
        fills_of("kraken", Reply("[]"))


def test_an_explicitly_empty_container_is_nothing() -> None:
    """Kraken's empty `trades` says that there is none; the empty `error` list beside it alone does not."""
    assert fills_of("kraken", Reply('{"error":[],"result":{"trades":{},"count":0}}')).parsed == []
    with pytest.raises(VenueUnavailable):
        fills_of("kraken", Reply('{"error":[]}'))
    with pytest.raises(VenueUnavailable):  # an empty list that nobody looked for says nothing
        fills_of("kraken", Reply('{"error":[],"result":{"news":[]}}'))


def test_numbers_keep_their_text() -> None:
    """Neither JSON numbers nor ccxt's own number type go through a binary float."""
    row = fills_of("binance", Reply(TRADE)).parsed[0]
    assert row["amount"] == "0.30000000000000000001"
    assert row["fees"] == [{"cost": "0.00000000000000000123", "currency": "BNB"}]


def test_seconds_become_milliseconds_exactly() -> None:
    """1616667796.881 s is ...881 ms; through a binary float it would be ...880."""
    trade = '{"ordertxid":"O","pair":"XXBTZUSD","time":1616667796.881,"type":"buy","price":"1","cost":"1","vol":"1"}'
    answer = fills_of("kraken", Reply('{"error":[],"result":{"trades":{"T":' + trade + '},"count":1}}'))
    assert answer.parsed[0]["timestamp"] == 1616667796881


def test_a_body_beyond_the_limit_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """An endless body ends at the limit instead of filling the memory."""
    monkeypatch.setattr(transport, "BODY_LIMIT", 1000)
    with pytest.raises(VenueUnavailable):
        fills_of("binance", Reply("[" + " " * 2000 + "]"))


def test_an_unknown_market_keeps_its_own_name() -> None:
    """A row of a market that was not asked for does not become the one that was; a known quote tells its assets."""
    names = ("NEWXYZ", "NEWUSDT")
    rows = [fills_of("binance", Reply(TRADE.replace("BTCUSDT", name))).parsed[0] for name in names]
    assert [row["symbol"] for row in rows] == ["NEWXYZ", "NEW/USDT"]


def test_balances_without_a_figure_are_a_failed_look(at_venue: object) -> None:
    """A balance answer in another shape is a snapshot with an error, never an empty portfolio."""

    async def work(venue: FakeVenue) -> object:
        async with venue.client("binance") as client:
            return await client.snapshot()

    def answer(asked: Asked) -> Reply:
        return Reply('{"serverTime": 1700000000000}' if asked.path.endswith("/time") else '{"rows": "none"}')

    look = at_venue(answer, work)  # type: ignore[operator]
    assert look.error is not None
    assert look.balances == ()


def test_a_request_by_hand_is_refused() -> None:
    """`fetch` outside an endpoint of the allowlist opens no socket."""

    async def work() -> int:
        async with running(lambda _asked: Reply()) as venue, venue.client("binance") as client:
            with pytest.raises(ForbiddenCall):
                await client.exchange.fetch(f"{venue.endpoint}/api/v3/order", "POST")
            return len(venue.asked)

    assert asyncio.run(work()) == 0
