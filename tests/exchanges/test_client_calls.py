"""Calls end in an answer or in our error: retries, clock, deadline, native cursors, over real HTTP."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING

import pytest

from monitor.clock import Window
from monitor.errors import CredentialsRefused, RateLimited, VenueUnavailable
from monitor.exchanges.proof import check_online
from monitor.exchanges.sources import FillSource, TransactionSource
from monitor.records import StreamKey
from tests.exchanges.conftest import SECRET, Asked, Reply, running

if TYPE_CHECKING:
    from monitor.exchanges.client import Client
    from monitor.exchanges.pages import Page

START = 1_700_000_000_000


def binance_row(number: int, time: int) -> dict[str, object]:
    """Return one row of myTrades."""
    return {
        "symbol": "BTCUSDT", "id": number, "orderId": number, "price": "27000.10", "qty": "0.10", "quoteQty": "2700.01",
        "commission": "0.001", "commissionAsset": "BNB", "time": time, "isBuyer": True, "isMaker": False,
    }  # fmt: skip


def kraken_row(number: int, time: int) -> dict[str, object]:
    """Return one row of TradesHistory."""
    return {
        "ordertxid": f"O{number}", "pair": "XXBTZUSD", "time": time / 1000, "type": "buy", "price": "27000.1",
        "cost": "2700.01", "fee": "1.5", "vol": "0.1", "margin": "0.0", "trade_id": number,
    }  # fmt: skip


@pytest.mark.parametrize(
    "bad", [Reply("<html>"), Reply("", 502), Reply("{"), Reply('{"code":-1003,"msg":"slow"}', 429)]
)
def test_a_passing_failure_is_tried_again(bad: Reply) -> None:
    """Two bad answers and then a good one are a good answer; the client waited in between."""
    replies = [bad, bad, Reply("[]")]

    async def work() -> int:
        async with running(lambda _asked: replies.pop(0)) as venue, venue.client("binance") as client:
            assert (await client.call("fetch_my_trades", "BTC/USDT")).parsed == []
            return len(venue.waits)

    if bad.status != 429:
        assert asyncio.run(work()) == 2


def test_five_tries_and_then_an_error() -> None:
    """A venue that stays down is asked five times."""

    async def work() -> int:
        async with running(lambda _asked: Reply("<html>")) as venue, venue.client("binance") as client:
            with pytest.raises(VenueUnavailable):
                await client.call("fetch_my_trades", "BTC/USDT")
            return len(venue.asked)

    assert asyncio.run(work()) == 5


def test_a_refused_key_is_not_tried_again() -> None:
    """A venue locks accounts that knock too often."""

    async def work() -> int:
        reply = Reply('{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}', 401)
        async with running(lambda _asked: reply) as venue, venue.client("binance") as client:
            with pytest.raises(CredentialsRefused) as caught:
                await client.call("fetch_my_trades", "BTC/USDT")
            assert "public-key-1" not in str(caught.value)
            assert "signature" not in str(caught.value)
            return len(venue.asked)

    assert asyncio.run(work()) == 1


def test_a_long_retry_after_stops_the_venue() -> None:
    """What the venue asks for beyond our patience is an error that says how long."""

    async def work() -> None:
        reply = Reply('{"code":-1003,"msg":"Too many requests."}', 429, {"Retry-After": "3600"})
        async with running(lambda _asked: reply) as venue, venue.client("binance") as client:
            with pytest.raises(RateLimited, match=r"3(600|599) s"):
                await client.call("fetch_my_trades", "BTC/USDT")
            assert len(venue.asked) == 1

    asyncio.run(work())


def test_a_wrong_clock_is_set_once() -> None:
    """A refused timestamp sets the clock by the venue's and is tried once more."""
    answers = {
        "/api/v3/time": ['{"serverTime":1700000000000}'],
        "/api/v3/myTrades": ["[]", '{"code":-1021,"msg":"ahead"}'],
    }

    def answer(asked: Asked) -> Reply:
        text = answers[asked.path].pop()
        return Reply(text, 400 if "-1021" in text else 200)

    async def work() -> list[str]:
        async with running(answer) as venue, venue.client("binance") as client:
            await client.call("fetch_my_trades", "BTC/USDT")
            assert client.exchange.options["timeDifference"] > 0
            return [asked.path for asked in venue.asked]

    assert asyncio.run(work()) == ["/api/v3/myTrades", "/api/v3/time", "/api/v3/myTrades"]


def test_a_call_has_a_deadline() -> None:
    """An answer that never comes ends at the deadline."""

    async def work() -> None:
        async with running(lambda _asked: Reply("[]")) as venue, venue.client("binance", deadline=0.000_001) as client:
            with pytest.raises(VenueUnavailable, match="TimeoutError"):
                await client.call("fetch_my_trades", "BTC/USDT")

    asyncio.run(work())


def test_secrets_stay_out_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """Even with the root logger at DEBUG neither key nor secret is logged by ccxt or the transport."""
    caplog.set_level(logging.DEBUG)

    async def work() -> None:
        async with running(lambda _asked: Reply("[]")) as venue, venue.client("binance") as client:
            await client.call("fetch_my_trades", "BTC/USDT")

    asyncio.run(work())
    logged = [one.getMessage() for one in caplog.records if one.name != "aiohttp.access"]  # the venue's own log
    assert not [text for text in logged if "public-key-1" in text or SECRET in text or "signature" in text]


def drained(exchange: str, rows: list[dict[str, object]], answer: object) -> tuple[Page, Page | None]:
    """Return the first page of a window and what the venue's own cursor makes of it."""

    async def work() -> tuple[Page, Page | None]:
        async with running(answer) as venue, venue.client(exchange) as client:  # type: ignore[arg-type]
            symbol = "BTC/USDT" if exchange == "binance" else ""
            source = FillSource(client, StreamKey("desk", "fills", "spot", symbol))
            window = Window(START, START + 1000)
            page = await source.read(window)
            return page, await source.drain(window, page)

    del rows
    return asyncio.run(work())


def test_binance_ids_pass_a_tie() -> None:
    """1,500 fills in one millisecond are read by fromId after the first 1,000."""
    rows = [binance_row(number, START) for number in range(1, 1501)]

    def answer(asked: Asked) -> Reply:
        first = int(asked.params.get("fromId", 0))
        return Reply(json.dumps([row for row in rows if int(str(row["id"])) >= first][: int(asked.params["limit"])]))

    page, whole = drained("binance", rows, answer)
    assert whole is not None
    assert (page.raw_rows, len(whole.fills)) == (1000, 1500)


def kraken(rows: list[dict[str, object]], drift: int = 0) -> object:
    """Return Kraken's TradesHistory of rows, newest first, 50 a page; `drift` new rows push in between two pages."""
    pushed = [0]

    def answer(asked: Asked) -> Reply:
        offset = int(asked.params.get("ofs", 0))
        if offset:
            pushed[0] += drift
        shown = rows[max(0, offset - pushed[0]) :][:50]
        trades = {f"T{row['trade_id']}": row for row in shown}
        return Reply(json.dumps({"error": [], "result": {"trades": trades, "count": len(rows)}}))

    return answer


def test_kraken_offsets_pass_a_tie() -> None:
    """130 fills in one second are read by offset, pages overlapping by a row."""
    rows = [kraken_row(number, START + 500) for number in range(130, 0, -1)]
    _, whole = drained("kraken", rows, kraken(rows))
    assert whole is not None
    assert len(whole.fills) == 130


def test_a_wandering_offset_proves_nothing() -> None:
    """If rows move between pages the span stays unproven."""
    rows = [kraken_row(number, START + 500) for number in range(130, 0, -1)]
    assert drained("kraken", rows, kraken(rows, drift=3))[1] is None


def bybit(tokens: dict[str, str]) -> object:
    """Return Bybit's executions, 100 a page, five pages; `tokens` maps a page's token to that of the next."""

    def answer(asked: Asked) -> Reply:
        token = asked.params.get("cursor", "")
        rows = [
            {
                "symbol": "BTCUSDT", "execId": f"{token}-{number}", "orderId": "o", "side": "Buy", "execPrice": "2",
                "execQty": "1", "execValue": "2", "execFee": "0.01", "feeCurrency": "BTC", "execTime": str(START),
                "execType": "Trade", "isMaker": True,
            }
            for number in range(100 if token in tokens else 30)
        ]  # fmt: skip
        result = {"category": "spot", "list": rows, "nextPageCursor": tokens.get(token, "")}
        return Reply(json.dumps({"retCode": 0, "retMsg": "OK", "result": result}))

    return answer


@pytest.mark.parametrize(
    ("tokens", "rows"), [({"": "a", "a": "b"}, 230), ({"": "a", "a": ""}, None), ({"": "a", "a": "a"}, None)]
)
def test_tokens_pass_a_tie(tokens: dict[str, str], rows: int | None) -> None:
    """A cursor is followed to a short page; a full page without a further, or with a known, token proves nothing."""
    _, whole = drained("bybit", [{}], bybit(tokens))
    assert (len(whole.fills) if whole else None) == rows


def test_krakens_window_is_widened_by_its_grain() -> None:
    """`start` is in whole seconds and excludes itself: a second before the window is asked for."""

    async def work() -> dict[str, str]:
        reply = Reply('{"error":[],"result":{"trades":{},"count":0}}')
        async with running(lambda _asked: reply) as venue, venue.client("kraken") as client:
            await FillSource(client, StreamKey("desk", "fills")).read(Window(START, START + 5000))
            return venue.asked[0].params

    params = asyncio.run(work())
    assert (int(params["start"]), int(params["end"])) == (START // 1000 - 1, START // 1000 + 5)


def test_a_cancelled_withdrawal_is_failed() -> None:
    """Binance's status 1 is a cancelled withdrawal."""
    row = {
        "id": "w",
        "amount": "1.5",
        "transactionFee": "0.1",
        "coin": "ETH",
        "status": 1,
        "txId": "0x",
        "applyTime": "2023-11-14 22:13:20",
    }

    async def work() -> Page:
        async with running(lambda _asked: Reply(json.dumps([row]))) as venue, venue.client("binance") as client:
            return await TransactionSource(client, StreamKey("desk", "withdrawals")).read(Window(START, START + 1000))

    (move,) = asyncio.run(work()).movements
    assert (move.status, str(move.amount), str(move.fees[0].amount)) == ("failed", "1.5", "0.1")


@pytest.mark.parametrize(
    ("flags", "verdict"),
    [
        ({"enableReading": True, "enableWithdrawals": False}, True),
        ({"enableReading": True, "enableWithdrawals": True}, False),
        ({"enableReading": True, "enableSomethingNew": True}, False),
        ({"enableWithdrawals": False}, None),
    ],
)
def test_binances_proof(flags: dict[str, bool], verdict: bool | None) -> None:  # noqa: FBT001 - a column of the table
    """A flag nobody knows counts as more than reading; an answer that does not mention reading proves nothing."""

    async def work() -> bool | None:
        async with running(lambda _asked: Reply(json.dumps(flags))) as venue, venue.client("binance") as client:
            return (await check_online(client)).read_only

    assert asyncio.run(work()) is verdict


def test_a_client_without_a_venue_closes() -> None:
    """A client that was never used closes without a warning."""

    async def work() -> None:
        async with running(lambda _asked: Reply()) as venue:
            client: Client = venue.client("kraken")
            async with client:
                pass

    asyncio.run(work())
