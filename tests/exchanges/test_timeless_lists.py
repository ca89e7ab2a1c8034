"""Lists without a start, read as Kraken Futures, Bitstamp, HTX and Deribit page them: none lost, none twice."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, Window, iso, parse_instant
from monitor.errors import VenueUnavailable
from monitor.exchanges.collector import collect
from monitor.exchanges.sources import FillSource, TransactionSource
from monitor.records import StreamKey
from tests.exchanges.conftest import Asked, Reply, market, running

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.exchanges.pages import Source
    from monitor.records import Batch, Book, StreamKind

NOW = 1_767_225_600_000
# Seven rows share each millisecond, so that pages end inside one.
TIMES = [NOW - 1000 - at // 7 * 60_000 for at in range(1, 351)]


def batches(answer: Callable[[Asked], object], exchange: str, kind: StreamKind, book: Book = "spot") -> list[Batch]:
    """Return what collecting three days of a stream gives."""

    async def main() -> list[Batch]:
        async with running(lambda asked: Reply(json.dumps(answer(asked)))) as venue, venue.client(exchange) as client:
            client.exchange.set_markets([market("PF_XBTUSD", "BTC/USD:USD"), market("btcusd", "BTC/USD")])
            client.exchange.uid = "1"
            key = StreamKey("desk", kind, book)
            source: Source = FillSource(client, key) if kind == "fills" else TransactionSource(client, key)
            return [one async for one in collect(source, [Window(NOW - 3 * DAY, NOW)])]

    return asyncio.run(main())


def kraken_futures(asked: Asked) -> object:
    """Return the hundred fills before `lastFillTime`."""
    before = parse_instant(asked.params["lastFillTime"])
    rows = [
        {"fill_id": f"f{at}", "symbol": "PF_XBTUSD", "side": "buy", "order_id": "o", "size": 1, "price": 2,
         "fillTime": iso(time), "fillType": "maker"}
        for at, time in enumerate(TIMES) if time < before
    ]  # fmt: skip
    return {"result": "success", "fills": rows[:100], "serverTime": iso(NOW)}


def bitstamp(asked: Asked) -> object:
    """Return at most `limit` transactions from `offset` on, newest first: two trades, then a deposit, and so on."""
    rows: list[dict[str, object]] = []
    for at, time in enumerate(TIMES * 5):
        when = iso(time - at // len(TIMES) * DAY).replace("T", " ").removesuffix("Z")
        if at % 3 == 2:
            rows.append({"id": at, "type": "0", "datetime": when, "btc": "1", "usd": "0", "fee": "0"})
        else:
            rows.append({"id": at, "type": "2", "datetime": when, "btc": "1", "usd": "-2", "btc_usd": "2", "fee": "0",
                         "order_id": at})  # fmt: skip
    first = int(asked.params.get("offset", 0))
    return rows[first : first + int(asked.params["limit"])]


def htx(asked: Asked) -> object:
    """Return a hundred deposits from an id downwards, the id itself included; without one from the newest."""
    first = int(asked.params["from"]) or len(TIMES)
    rows = [
        {"id": len(TIMES) - at, "type": "deposit", "currency": "btc", "amount": 1, "tx-hash": f"h{at}", "fee": 0,
         "state": "safe", "created-at": time, "updated-at": time}
        for at, time in enumerate(TIMES) if len(TIMES) - at <= first
    ]  # fmt: skip
    return {"status": "ok", "data": rows[:100]}


def deribit(asked: Asked) -> object:
    """Return `count` deposits of a currency from `offset` on; only BTC has any."""
    rows = [
        {"address": "a", "amount": 1, "currency": "BTC", "received_timestamp": time, "state": "completed",
         "transaction_id": f"t{at}", "updated_timestamp": time}
        for at, time in enumerate(TIMES) if asked.params["currency"] == "BTC"
    ]  # fmt: skip
    first = int(asked.params.get("offset", 0))
    return {"jsonrpc": "2.0", "result": {"count": len(rows), "data": rows[first : first + int(asked.params["count"])]}}


@pytest.mark.parametrize(
    ("exchange", "kind", "book", "answer", "expected"),
    [
        ("krakenfutures", "fills", "linear", kraken_futures, 350),
        ("bitstamp", "fills", "spot", bitstamp, 700),
        ("bitstamp", "deposits", "spot", bitstamp, 350),
        ("htx", "deposits", "spot", htx, 350),
        ("deribit", "deposits", "spot", deribit, 350),
    ],
)
def test_a_list_without_a_start_is_read_whole(
    exchange: str, kind: StreamKind, book: Book, answer: Callable[[Asked], object], expected: int
) -> None:
    """Every row of the window, proven to its end, without a gap; rows that share an instant with a page's edge too."""
    found = batches(answer, exchange, kind, book)
    start = NOW - 3 * DAY
    keys = {fill.key for batch in found for fill in batch.fills if fill.time >= start}
    keys |= {move.key for batch in found for move in batch.movements if move.time >= start}
    assert [batch.quarantined for batch in found if batch.quarantined] == []
    assert len(keys) == expected
    assert [batch.gap for batch in found if batch.gap] == []
    assert (min(batch.proven[0] for batch in found if batch.proven), found[-1].cursor) == (start, NOW)


def test_a_list_that_does_not_go_on_proves_nothing() -> None:
    """A venue that forgot the offset gives its first page for ever: an error, not a complete window."""
    rows = [{"id": 1, "type": "deposit", "currency": "btc", "amount": 1, "state": "safe", "created-at": NOW - 5}] * 100
    with pytest.raises(VenueUnavailable, match="goes on"):
        batches(lambda _: {"status": "ok", "data": rows}, "htx", "deposits")
