"""What a row says itself where ccxt left a field empty, and markets that the venue no longer lists."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.exchanges.movements import movements, transaction
from monitor.exchanges.naming import derived
from monitor.exchanges.normalise import Origin, fills
from monitor.exchanges.times import stated_time
from monitor.records import Fee, StreamKey
from tests.exchanges.conftest import market

if TYPE_CHECKING:
    from collections.abc import Mapping

    from monitor.exchanges.loose import Loose
    from monitor.records import StreamKind

MARKETS: dict[str, Mapping[str, object]] = {
    "BTC/JPY": market("btc_jpy", "BTC/JPY"),
    "BTC/USDT:USDT": market("BTC-PERP", "BTC/USDT:USDT"),
    # an id that the venue no longer lists, read from its spelling
    "ETHUSDT": {
        "id": "ETHUSDT", "symbol": "ETH/USDT", "base": "ETH", "quote": "USDT", "spot": True, "spelt_out": True,
    },
}  # fmt: skip
SPOT = Origin(StreamKey("desk", "fills"), "coincheck")
ROW: dict[str, object] = {
    "timestamp": 1_700_000_000_000, "symbol": "BTC/JPY", "id": "7", "side": "buy", "price": "6000000", "amount": "0.1",
    "info": {"pair": "btc_jpy"}, "fees": [],
}  # fmt: skip


def one(change: Mapping[str, object], origin: Origin = SPOT) -> Loose:
    """Return the fill of a changed row, else the reason why there is none."""
    row: dict[str, object] = {**ROW, **change}
    found = fills([row], [row["info"]], origin, MARKETS.get)
    return found.fills[0] if found.fills else found.quarantined[0].reason


@pytest.mark.parametrize(
    ("change", "side"),
    [
        ({"side": "BUY"}, "buy"),
        ({"side": None, "info": {"type": "bid"}}, "buy"),
        ({"side": None, "info": {"side": "Ask"}}, "sell"),
        ({"side": None, "info": {"isBuyer": False}}, "sell"),
        ({"side": None, "amount": "-0.1"}, "sell"),
        ({"side": "sell", "amount": "-0.1"}, "sell"),
    ],
)
def test_the_side_is_what_the_row_says(change: dict[str, object], side: str) -> None:
    """A word, a flag or a sign; the amount is stored without its sign."""
    fill = one(change)
    assert (fill.side, fill.amount) == (side, Decimal("0.1"))


def test_an_amount_above_zero_says_nothing_of_the_side() -> None:
    """Most venues list sales without a sign."""
    assert one({"side": None, "info": {"type": "limit"}}) == "the side is None"


@pytest.mark.parametrize(
    ("said", "time"),
    [
        (1_700_000_000, 1_700_000_000_000),
        ("1700000000.123", 1_700_000_000_123),
        (1_700_000_000_123, 1_700_000_000_123),
        ("1700000000123456", 1_700_000_000_123),
        (1_700_000_000_123_456_789, 1_700_000_000_123),
        ("2023-11-14T22:13:20.123Z", 1_700_000_000_123),
        ("2023-11-15T07:13:20+09:00", 1_700_000_000_000),
        ("2023-11-14 22:13:20", None),
        ("yesterday", None),
        (True, None),
    ],
)
def test_a_time_is_read_in_any_unit(said: object, time: int | None) -> None:
    """Seconds to nanoseconds, or ISO with its zone; a text without a zone could be any hour of the day."""
    assert stated_time(said) == time


def test_a_row_without_a_parsed_time_has_its_own() -> None:
    """What ccxt sought as `time` the row calls `createTime`; and seconds handed on as they are become milliseconds."""
    assert one({"timestamp": None, "info": {"createTime": 1_700_000_000_123}}).time == 1_700_000_000_123
    assert one({"timestamp": 1_700_000_000}).time == 1_700_000_000_000


def test_a_price_follows_from_the_cost() -> None:
    """600,000 JPY for 0.1 BTC is 6,000,000 for one."""
    assert one({"price": None, "cost": "600000"}).price == Decimal(600000) / Decimal("0.1")


def test_a_fee_without_an_asset_is_what_the_contract_settles_in() -> None:
    """On a spot market nobody knows; at HitBTC it is always the quote."""
    fee = {"fees": [{"cost": "-0.2", "currency": None}]}
    contract = {**fee, "symbol": "BTC/USDT:USDT", "info": {}}
    assert one(contract, Origin(StreamKey("desk", "fills", "linear"), "x")).fees == (Fee("USDT", Decimal("-0.2")),)
    assert one(fee) == "a fee of -0.2 names no asset"
    assert one(fee, Origin(StreamKey("desk", "fills"), "hitbtc")).fees == (Fee("JPY", Decimal("-0.2")),)


@pytest.mark.parametrize(
    ("book", "exchange", "made"),
    [
        ("spot", "bybit", ("ETH/USDT", None)),
        ("linear", "bybit", ("ETH/USDT:USDT", Decimal(1))),
        ("linear", "mexc", "the contract 'ETHUSDT' is unknown"),
        ("inverse", "bybit", "the contract 'ETHUSDT' is unknown"),
    ],
)
def test_an_unlisted_id_is_of_the_kind_that_was_asked_for(book: str, exchange: str, made: object) -> None:
    """A contract only where the size of one is known."""
    origin = Origin(StreamKey("desk", "fills", book), exchange)  # type: ignore[arg-type]
    found = one({"symbol": "ETHUSDT", "info": {"symbol": "ETHUSDT"}}, origin)
    assert made == (found if isinstance(found, str) else (found.symbol, found.contract_size))


@pytest.mark.parametrize(
    ("identity", "pair"),
    [
        ("IDONTEXISTZEUR", ("IDONTEXIST", "EUR")),
        ("NEWUSDT", ("NEW", "USDT")),
        ("FOOTUSD", None),  # FOOT/USD or FOO/TUSD
        ("XETHIDONTEXISTTOO", None),
        ("BTC/PERP", None),
        ("%$#%$#", None),
    ],
)
def test_an_unlisted_id_is_read_only_in_one_way(identity: str, pair: tuple[str, str] | None) -> None:
    """By an asset that pairs are quoted in, unless two fit."""
    found = derived(identity, {"XETH": "ETH", "ZEUR": "EUR"}.get, {"ZEUR": "EUR"})
    assert pair == (None if found is None else (found["base"], found["quote"]))


def test_a_wrapped_row_is_not_missed() -> None:
    """One Trading lists the trade beside its fee; ccxt keeps the trade alone."""
    row = {**ROW, "info": {"pair": "btc_jpy", "trade_id": "7"}}
    assert fills([row], [{"trade": row["info"], "fee": {"amount": "1"}}], SPOT, MARKETS.get).quarantined == ()


@pytest.mark.parametrize(
    ("kind", "said", "made"),
    [
        ("ledger", "withdraw", "withdrawal"),
        ("deposits", None, "deposit"),
        ("withdrawals", "2", "withdrawal"),
        ("ledger", None, "the type is None"),
        ("deposits", "loan", "the type is 'loan'"),
    ],
)
def test_the_direction_of_a_transaction(kind: StreamKind, said: str | None, made: str) -> None:
    """The word of ccxt, else what the stream lists; the asset may stand in the venue's row alone."""
    row = {"type": said, "amount": "5", "timestamp": 1_700_000_000_000, "id": "1", "info": {"asset": "XRP"}}
    found = movements([row], [row["info"]], Origin(StreamKey("desk", kind), "x"), transaction)
    told = [f"{move.kind} {move.asset}" for move in found.movements] or [bad.reason for bad in found.quarantined]
    assert told == [made if made.startswith("the") else f"{made} XRP"]
