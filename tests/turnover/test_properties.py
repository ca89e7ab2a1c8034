"""What must hold for any book: shorts, crossings, fees in three assets, transfers, conversions, ties, no price."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.clock import Window
from monitor.records import Valuation
from monitor.schema import SUMS, State
from monitor.turnover.measures import difference
from monitor.turnover.portfolio import portfolio_metrics, total
from monitor.turnover.ratios import metrics
from tests.turnover.conftest import opened

if TYPE_CHECKING:
    from monitor.turnover.exact_pool import ExactPool
    from monitor.turnover.measures import Sums
    from monitor.turnover.results import PoolFrames
    from tests.turnover.conftest import Desk, Row

METHODS = ("fifo", "lifo", "hifo", "lofo", "wac")
DAY = 86_400_000
PLACES = (("main", "kraken"), ("second", "binance"), ("third", "binance"))
MARKETS = (
    *(("BTC", "USD", "spot"), ("BTC", "USDT", "spot"), ("ETH", "USD", "spot"), ("ETH", "BTC", "spot")),
    *(("BNB", "USDT", "spot"), ("BTC", "USD", "margin"), ("ETH", "BTC", "margin"), ("BTC", "USDT", "linear")),
    *(("BTC", "USD", "inverse"), ("ETH", "EUR", "spot")),
)
KINDS = ("deposit", "withdrawal", "transfer", "income", "opening", "adjust", "write_off", "fee", "convert", "matched")
# Gaps between events: none (a tie), a millisecond, minutes, hours, days.
GAPS = (0, 0, 1, 90_000, 4_000_000, 100_000_000)
small = st.integers(0, 10**6)
FILL = st.tuples(st.just("fill"), small, st.integers(1, 60), st.integers(1, 9), st.integers(-2, 4), small)
MOVE = st.tuples(st.just("move"), small, st.integers(1, 60), st.integers(0, 9), st.integers(0, 2), small)
QUICK = settings(max_examples=8, derandomize=True, deadline=None, database=None)


class Event(NamedTuple):
    """One drawn event: numbers that `written` makes a row of."""

    what: str
    choice: int
    amount: int
    price: int
    fee: int
    rest: int


BOOKS = st.lists(st.one_of(FILL, FILL, FILL, MOVE), min_size=1, max_size=25)


def written(desk: Desk, book: list[tuple[str, int, int, int, int, int]]) -> Desk:
    """Write a drawn book into an empty desk."""
    desk.valuation = Valuation(dust_value=Decimal("0.01"))
    fresh = replace(desk, fills=[], movements=[], prices=[])
    fresh.price(0.5, "BTC/USD", "900")
    fresh.price(1.2, "ETH/USDT", "70", "binance")
    fresh.price(0.1, "BNB/USD", "8", "file", "file")
    now = DAY
    for event in (Event(*drawn) for drawn in book):
        now += GAPS[event.rest % len(GAPS)]
        account, exchange = PLACES[event.choice % 3]
        more: Row = {"account": account, "exchange": exchange}
        (write_fill if event.what == "fill" else write_move)(fresh, event, now / DAY, more)
    return fresh


def write_fill(desk: Desk, event: Event, day: float, more: Row) -> None:
    """Add a fill in one of the markets, with a fee in base, quote, a third asset or cash."""
    base, quote, book = MARKETS[event.choice // 3 % len(MARKETS)]
    paid = (base, quote, "BNB", "USDT")[event.rest // 7 % 4]
    fees = [(paid, str(Decimal(event.fee) / 1000))] if event.fee else []
    contract = {
        "contract_size": "0.1",
        "settle": base if book == "inverse" else quote,
        "inverse": int(book == "inverse"),
    }
    price = Decimal({"USD": "100", "USDT": "100", "EUR": "50", "BTC": "0.05"}[quote]) * event.price
    side = "buy" if event.rest // 30 % 2 else "sell"
    more |= contract if book in {"linear", "inverse"} else {}
    desk.fill(day, side, str(Decimal(event.amount) / 10), f"{base}/{quote}", str(price), book=book, fees=fees, **more)


def write_move(desk: Desk, event: Event, day: float, more: Row) -> None:
    """Add a movement of one of the kinds."""
    kind, asset = KINDS[event.price % len(KINDS)], ("BTC", "ETH", "BNB")[event.fee]
    amount = Decimal(event.amount) / 10
    if kind == "transfer":
        more |= {"to_account": PLACES[event.rest // 11 % 3][0], "received": str(amount * Decimal("0.9"))}
    elif kind == "convert":
        more |= {"to_asset": "NEW", "received": str(amount * 3)}
    elif kind == "matched":
        late = round(day * DAY) + GAPS[event.rest // 13 % len(GAPS)]
        target = PLACES[event.rest // 11 % 3][0]
        more |= {"matched_account": target, "arrived_ms": late, "matched_received": str(amount)}
    elif event.rest // 17 % 2:
        more |= {"value": str(event.amount * 7)}
    desk.move(day, "withdrawal" if kind == "matched" else kind, str(amount), asset, **more)


def finals(desk: Desk, method: str = "fifo", scope: str = "portfolio") -> dict[tuple[str, str], dict[str, object]]:
    """Return the last row of each pool's track."""
    pools = desk.tracks(method).pools
    return {
        (key.asset, key.book): opened(pool.track).row(-1, named=True)
        for key, pool in pools.items()
        if key.scope == scope
    }


def near(one: object, other: object, scale: float) -> bool:
    """Tell whether two numbers agree within 1e-9 of the scale."""
    return abs(Fraction(str(one)) - Fraction(str(other))) <= Fraction(1, 10**9) * Fraction(max(scale, 1e-6))


def scale_of(row: dict[str, object], name: str) -> float:
    """Return what a sum is measured against: itself, a profit against what it is the difference of."""
    size = abs(float(str(row[name])))
    return max(size, float(str(row["cogs"])), float(str(row["cover_basis"]))) if name == "realised_pnl" else size


def check_pool(fast: PoolFrames, slow: ExactPool) -> None:
    """Assert that the track, the lots and the reliefs are those of the exact pool."""
    rows = opened(fast.track).to_dicts()
    assert len(rows) == len(slow.steps)
    peak = max(float(step.cost) for step in slow.steps)
    for row, step in zip(rows, slow.steps, strict=True):
        assert (row["time_ms"], row["unpriced"], row["active"]) == (step.time, step.unpriced, step.active)
        assert near(row["quantity"], step.quantity, float(abs(step.quantity)))
        assert near(row["inventory_cost"], step.cost, peak)
        assert near(row["estimated_cost"], step.guessed, peak)
        for name in SUMS:
            assert near(row[name], step.sums[name], scale_of(row, name)), (name, row[name], float(step.sums[name]))
    lots = [(lot.number, lot.entered, lot.closed, lot.short) for lot in slow.lots]
    found = fast.lots.select("lot", "entered_ms", "closed_ms", pl.col("quantity").str.starts_with("-")).rows()
    assert found == lots
    reliefs = [(one.time, one.ordinal, one.lot, one.kind, one.basis is None) for one in slow.reliefs]
    assert fast.reliefs.select("time_ms", "ordinal", "lot", "kind", pl.col("basis").is_null()).rows() == reliefs
    for text, one in zip(fast.reliefs["quantity"], slow.reliefs, strict=True):
        assert near(text, one.quantity, float(one.quantity))


@pytest.mark.parametrize("method", METHODS)
@QUICK
@given(book=BOOKS)
def test_fast_path_is_exact(empty: Desk, method: str, book: list[tuple[str, int, int, int, int, int]]) -> None:
    """Every row of every pool agrees with exact fractions within 1e-9, in both scopes."""
    desk = written(empty, book)
    tracks = desk.tracks(method)
    for scope in ("portfolio", "account"):
        slow = desk.exact(method, scope).pools
        fast = {key[1:4]: pool for key, pool in tracks.pools.items() if key.scope == scope}
        assert fast.keys() == slow.keys()
        for key, pool in slow.items():
            check_pool(fast[key], pool)


@pytest.mark.parametrize("method", ["fifo", "lifo", "hifo"])
@QUICK
@given(book=BOOKS)
def test_littles_law(empty: Desk, method: str, book: list[tuple[str, int, int, int, int, int]]) -> None:
    """The integral of inventory cost is the sum over lots of basis times the time it was held in the pool."""
    pools = written(empty, book).tracks(method).pools
    for key, pool in pools.items():
        last = opened(pool.track).row(-1, named=True)
        entered = dict(pool.lots.select("lot", "entered_ms").iter_rows())
        if key.scope == "account" or pool.lots["basis"].null_count():
            continue
        held = sum(row["basis"] * (row["time_ms"] - entered[row["lot"]]) for row in pool.reliefs.to_dicts())
        gone = pool.reliefs.group_by("lot").agg(pl.col("basis").sum()).rows()
        left = {row["lot"]: row["basis"] for row in pool.lots.to_dicts()}
        for lot, basis in gone:
            left[lot] -= basis
        held += sum(basis * (last["time_ms"] - entered[lot]) for lot, basis in left.items())
        assert near(held, last["cost_time"], max(last["cost_time"], max(pool.lots["basis"], default=0.0) * DAY))


@pytest.mark.parametrize("method", METHODS)
@QUICK
@given(book=BOOKS)
def test_conservation(empty: Desk, method: str, book: list[tuple[str, int, int, int, int, int]]) -> None:
    """What came into a pool is what was relieved, of every kind, and what is left; of quantity to the last digit."""
    for pool in written(empty, book).tracks(method).pools.values():
        last = opened(pool.track).row(-1, named=True)
        size = sum(abs(Fraction(text)) for text in pool.lots["quantity"])
        gone = sum(Fraction(text) for text in pool.reliefs["quantity"])
        assert size - gone == abs(Fraction(last["quantity"]))
        if not pool.lots["basis"].null_count():
            basis, relieved = sum(pool.lots["basis"]), sum(pool.reliefs["basis"])
            assert near(basis - relieved, last["inventory_cost"], basis)
        assert pool.track["inventory_cost"].min() >= 0  # type: ignore[operator]


@QUICK
@given(book=BOOKS)
def test_splitting_fills_changes_nothing(empty: Desk, book: list[tuple[str, int, int, int, int, int]]) -> None:
    """Two halves of a fill at its price count as the fill."""
    desk = written(empty, book)
    halves = replace(desk, fills=[half for row in desk.fills for half in _halves(row)])
    for method in ("fifo", "hifo"):
        whole, split = finals(desk, method), finals(halves, method)
        for key, row in whole.items():
            for name in set(SUMS) - {"fills", "unvalued"}:
                assert near(row[name], split[key][name], scale_of(row, name)), (key, name)


def _halves(row: Row) -> list[Row]:
    fees = [(asset, str(Decimal(fee) / 2)) for asset, fee in json.loads(str(row["fees"]))]
    half = row | {"amount": str(Decimal(str(row["amount"])) / 2), "fees": json.dumps(fees)}
    return [half | {"key": f"{row['key']}{part}", "id": 2 * int(str(row["id"])) + (part == "b")} for part in "ab"]


@QUICK
@given(book=BOOKS, factor=st.sampled_from(["8", "0.1", "1000000"]))
def test_scaling_prices(empty: Desk, book: list[tuple[str, int, int, int, int, int]], factor: str) -> None:
    """Prices times k: money times k, units as they were."""
    desk = written(empty, book)
    cash, times = desk.valuation.cash, Decimal(factor)
    fills = [_dearer(row, times) if row["quote"] in cash else _dearer(row, times, price=False) for row in desk.fills]
    moves = [
        row | {"value": str(Decimal(str(row["value"])) * times)} if "value" in row else row for row in desk.movements
    ]
    prices = [row | {"price": str(Decimal(str(row["price"])) * times)} for row in desk.prices]
    dear = replace(desk, fills=fills, movements=moves, prices=prices)
    dear.valuation = replace(desk.valuation, dust_value=desk.valuation.dust_value * times)
    unscaled = {"fills", "units_relieved", "unvalued", "units_time", "active_time", "unpriced_time", "unmarked_time"}
    once, scaled = finals(desk), finals(dear)
    for key, row in once.items():
        if key[1] == "inverse":
            continue  # a face amount is money and does not follow the price
        for name in SUMS:
            want = float(str(row[name])) * (1 if name in unscaled else float(times))
            size = scale_of(row, name) * (1 if name in unscaled else float(times))
            assert near(scaled[key][name], want, size), (key, name)


def _dearer(row: Row, times: Decimal, *, price: bool = True) -> Row:
    fees = json.loads(str(row["fees"]))
    paid = [(asset, str(Decimal(fee) * times) if asset in {"USD", "USDT", "EUR"} else fee) for asset, fee in fees]
    dear = {"price": str(Decimal(str(row["price"])) * times)} if price else {}
    return row | dear | {"fees": json.dumps(paid)}


@QUICK
@given(book=BOOKS, factor=st.sampled_from(["8", "0.1", "1000000"]))
def test_scaling_amounts(empty: Desk, book: list[tuple[str, int, int, int, int, int]], factor: str) -> None:
    """Amounts times k: money and units times k, so that no ratio moves."""
    desk = written(empty, book)
    times = Decimal(factor)
    more = replace(
        desk,
        fills=[_larger(row, times) for row in desk.fills],
        movements=[_larger(row, times) for row in desk.movements],
    )
    more.valuation = replace(desk.valuation, dust_value=desk.valuation.dust_value * times)
    unscaled = {"fills", "unvalued", "active_time", "unpriced_time", "unmarked_time"}
    once, scaled = finals(desk), finals(more)
    for key, row in once.items():
        for name in SUMS:
            by = 1 if name in unscaled else float(times)
            assert near(scaled[key][name], float(str(row[name])) * by, scale_of(row, name) * by), (key, name)


def _larger(row: Row, times: Decimal) -> Row:
    fees = [(asset, str(Decimal(fee) * times)) for asset, fee in json.loads(str(row["fees"]))]
    sizes = ("amount", "received", "matched_received", "value")
    grown = {name: str(Decimal(str(row[name])) * times) for name in sizes if row.get(name) is not None}
    return row | grown | {"fees": json.dumps(fees)}


def state_at(pool: PoolFrames, instant: int) -> State | None:
    """Return a pool after all events before an instant; the books drawn here are shorter than a segment."""
    rows = opened(pool.track).filter(pl.col("time_ms") < instant)
    if rows.is_empty():
        return None
    row = rows.row(-1, named=True)
    columns = ("time_ms", "ordinal", "segment", "quantity", "inventory_cost", "estimated_cost", "unpriced", "active")
    sums = tuple(float(row[name]) for name in SUMS)
    return State._make([*(row[name] for name in columns), sums, (), 0.0, 0])


def over(pool: PoolFrames, window: Window) -> Sums:
    """Return the sums of a pool over a window."""
    return difference(state_at(pool, window.start), state_at(pool, window.end), window)


@QUICK
@given(book=BOOKS, cuts=st.tuples(small, small, small))
def test_windows_add_up(
    empty: Desk, book: list[tuple[str, int, int, int, int, int]], cuts: tuple[int, int, int]
) -> None:
    """Turnover over [a, c) is the mean of those over [a, b) and [b, c), weighted by the integral of inventory."""
    start, middle, end = (DAY + cut * 2_000 + place for place, cut in enumerate(sorted(cuts)))
    for pool in written(empty, book).tracks().pools.values():
        whole, *parts = (over(pool, Window(*ends)) for ends in ((start, end), (start, middle), (middle, end)))
        for name in set(SUMS) - {"market_time", "unmarked_time"}:
            size = max(abs(float(row[name])) for row in opened(pool.track).to_dicts())
            size += whole["cost_time"] + whole["units_time"] if name.endswith("_time") else 0
            assert near(sum(part[name] for part in parts), whole[name], size), name
        if whole["cost_time"] > 1:
            both = sum((part["cogs"] + part["cover_basis"]) / whole["cost_time"] for part in parts)
            told = metrics(whole, Window(start, end), partial=False)["turnover"]
            assert told is None or near(told, both * (end - start), max(1.0, both * (end - start)))


@QUICK
@given(book=BOOKS)
def test_portfolio_is_the_weighted_mean(empty: Desk, book: list[tuple[str, int, int, int, int, int]]) -> None:
    """The desk's turnover is the mean of its assets', weighted by average inventory, where all are positive."""
    window = Window(DAY // 2, 40 * DAY)
    pools = [
        over(pool, window) for key, pool in written(empty, book).tracks().pools.items() if key.scope == "portfolio"
    ]
    single = [metrics(sums, window, partial=False) for sums in pools]
    held = [row for row in single if row["turnover"] is not None and row["average_inventory"]]
    if len(held) < len(single):
        return
    weights = [float(str(row["average_inventory"])) for row in held]
    mean = sum(float(str(row["turnover"])) * weight for row, weight in zip(held, weights, strict=True)) / sum(weights)
    told = portfolio_metrics(total(pools), window, partial=False)["turnover"]
    assert near(told, mean, mean)


@QUICK
@given(book=BOOKS, data=st.data())
def test_order_of_rows_does_not_matter(
    empty: Desk, book: list[tuple[str, int, int, int, int, int]], data: st.DataObject
) -> None:
    """Any order of the input rows gives the same bits."""
    desk = written(empty, book)
    shuffled = replace(
        desk, fills=data.draw(st.permutations(desk.fills)), movements=data.draw(st.permutations(desk.movements)),
        prices=data.draw(st.permutations(desk.prices)),
    )  # fmt: skip
    one, other = desk.tracks("hifo"), shuffled.tracks("hifo")
    assert one.marks.equals(other.marks)
    for key, pool in one.pools.items():
        assert pool.track.equals(other.pools[key].track)
        assert pool.reliefs.equals(other.pools[key].reliefs)


@QUICK
@given(book=BOOKS)
def test_transfers_change_no_portfolio_number(empty: Desk, book: list[tuple[str, int, int, int, int, int]]) -> None:
    """Without network fees the portfolio is the same with and without transfers between own accounts."""
    desk = written(empty, book)
    whole = [row | {"received": row["amount"]} if row["kind"] == "transfer" else row for row in desk.movements]
    staying = [row for row in whole if row["kind"] != "transfer" and not row.get("matched_account")]
    assert finals(replace(desk, movements=whole)) == finals(replace(desk, movements=staying))


@QUICK
@given(book=BOOKS)
def test_a_price_move_changes_no_cost(empty: Desk, book: list[tuple[str, int, int, int, int, int]]) -> None:
    """A market that moves after the last event changes market values alone."""
    desk = written(empty, book)
    moved = replace(desk, prices=[*desk.prices])
    moved.price(10_000, "BTC/USD", "1")
    assert finals(desk) == finals(moved)


@QUICK
@given(book=BOOKS, asset=st.sampled_from(["BTC", "ETH", "BNB", "NEW"]))
def test_any_partitioning_gives_the_same(
    empty: Desk, book: list[tuple[str, int, int, int, int, int]], asset: str
) -> None:
    """An asset computed alone has the bits it has among all others."""
    desk = written(empty, book)
    whole, alone = desk.tracks().pools, desk.tracks(assets=[asset]).pools
    assert {key for key in whole if key.asset == asset} <= alone.keys()
    for key, pool in alone.items():
        assert pool.track.equals(whole[key].track)
        assert pool.segments.equals(whole[key].segments)
        assert pool.lots.equals(whole[key].lots)
