"""Published and hand-made costing examples: what each sale relieves, lot by lot, and what is left."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from monitor.records import Valuation
from tests.turnover.conftest import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.turnover.conftest import Desk

    Case = dict[str, Any]

GOLDEN = Path(__file__).parents[1] / "golden"
DAY = 86_400_000


def load(name: str) -> Any:  # noqa: ANN401  JSON of as many shapes as there are sources
    """Read one golden file."""
    return json.loads((GOLDEN / f"{name}.json").read_text())


def day(text: str) -> float:
    """Return an instant in days, as the desk counts."""
    return datetime.fromisoformat(text).timestamp() / 86_400


def write(desk: Desk, events: list[dict[str, str]]) -> None:
    """Write a golden's events into the desk: X bought and sold for USD."""
    for event in events:
        when, kind, amount = day(event["ts"]), event["kind"], event["qty"]
        if event.get("fee_quote", "0") != "0":
            fees = [("USD", event["fee_quote"])]
        else:
            fees = [("X", event["fee_base"])] if event.get("fee_base", "0") != "0" else []
        price = Decimal(event.get("unit_price") or event.get("unit_cost") or 0)
        price = Decimal(event["proceeds"]) / Decimal(amount) if "proceeds" in event else price
        price = Decimal(event["total_cost"]) / Decimal(amount) if "total_cost" in event else price
        value = str(Decimal(event.get("unit_cost", price)) * Decimal(amount))
        if kind in {"BUY", "SELL"}:
            desk.fill(when, kind.lower(), amount, "X/USD", str(event.get("unit_cost", price)), fees=fees)
        else:
            desk.move(when, kind.lower(), amount, "X", value=value)


def costing_cases() -> Iterator[object]:
    """Yield every costing example with each of its methods."""
    for path in sorted(GOLDEN.glob("*.json")):
        found = json.loads(path.read_text())
        for case in (
            found["cases"] if found["type"] == "costing_multi" else [found] if found["type"] == "costing" else []
        ):
            for method in sorted(set(case["expected"]) & {"FIFO", "LIFO", "HIFO", "LOFO", "WAC"}):
                tolerance = found["tolerance"].get(method, found["tolerance"]["other"])
                yield pytest.param(case, method, tolerance, id=f"{found['id']}-{case.get('name', '')}-{method}")


@pytest.mark.parametrize(("case", "method", "tolerance"), list(costing_cases()))
def test_relieved_basis_of_each_disposal(desk: Desk, case: Case, method: str, tolerance: str) -> None:
    """Every disposal relieves the lots and the basis that the source gives."""
    events = case["inputs"]
    expected = case["expected"][method]
    write(desk, events)
    pool = desk.pool("X", method=method.lower())
    within = max(float(tolerance), 1e-9)
    lot_of = {place: lot["lot"] for place, lot in zip(_openers(events), pool.lots.to_dicts(), strict=False)}
    time_of = {str(event["n"]): round(day(event["ts"]) * DAY) for event in events}
    for disposal in expected.get("disposals", []):
        parts = pool.reliefs.filter(time_ms=time_of[str(disposal["n"])]).to_dicts()
        assert sum(part["basis"] for part in parts) == pytest.approx(float(disposal["cogs"]), abs=within)
        told = [(lot_of[lot[0]], Decimal(lot[1])) for lot in disposal.get("lots", [])]
        assert not told or [(part["lot"], Decimal(part["quantity"])) for part in parts] == told
    relieved = sum(pool.reliefs["basis"].to_list())
    last = pool.track.row(-1, named=True)
    if "cogs_total" in expected:
        assert relieved == pytest.approx(float(expected["cogs_total"]), abs=within)
    if "ending_qty" in expected:
        assert Decimal(last["quantity"]) == Decimal(expected["ending_qty"])
        assert last["inventory_cost"] == pytest.approx(float(expected["ending_cost"]), abs=within)


def _openers(events: list[dict[str, str]]) -> list[str]:
    return [str(event["n"]) for event in events if event["kind"] in {"BUY", "OPENING", "INCOME"}]


def test_gifts_are_no_cogs(desk: Desk) -> None:
    """rp2's B2 under FIFO: only sales are cogs (11005 + 41027), gifts are withdrawn basis (5005 + 88048)."""
    write(desk, load("13_rp2_test_hifo_B2_income_fee_transfer_out")["inputs"])
    last = desk.last("X")
    assert last["cogs"] == pytest.approx(11005 + 2000 + 39027, rel=1e-12)
    assert last["withdrawn_basis"] == pytest.approx(5005 + 88048, rel=1e-12)


def test_average_after_every_event(desk: Desk) -> None:
    """The moving average of AdjustedCostBase.ca holds after each event, not only at the end."""
    golden = load("08_adjustedcostbase_acb_moving_average")
    write(desk, golden["inputs"])
    states = desk.pool("X", method="wac").track.select("quantity", "inventory_cost").rows()
    told = golden["expected"]["WAC"]["state_after"]
    assert states == [(state["qty"], float(state["basis"])) for state in told]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_missing_history_becomes_an_opening(desk: Desk, place: int) -> None:
    """What was sold beyond the ledger is an estimated opening at the first price; the known basis is relieved too."""
    case = load("10_missing_history_oversell")["cases"][place]
    events, expected = case["inputs"], case["expected"]
    write(desk, events)
    opening = desk.pool("X").lots.row(0, named=True)
    first = events[0]
    price = Decimal(first.get("unit_cost") or first["total_cost"])
    assert opening["quantity"] == expected["missing_qty"]
    assert opening["estimated"] == 1
    assert opening["basis"] == float(Decimal(expected["missing_qty"]) * price)
    known = float(expected["known_basis"])
    assert desk.last("X")["cogs"] == pytest.approx(known + opening["basis"], rel=1e-12)
    assert [finding.code for finding in desk.tracks().findings if ":" not in finding.subject] == ["missing_opening"]


@pytest.mark.parametrize("place", [0, 1])
def test_dust_tolerance(desk: Desk, place: int) -> None:
    """An oversell worth no more than dust is clipped to what is held; a greater one is missing history."""
    case = load("23_cointaxman_dust_tolerance")["cases"][place]
    desk.valuation = Valuation(dust_value=Decimal(case["tolerance"]))
    desk.fill(1, "buy", case["held"], "X/USD", "1")
    desk.fill(2, "sell", case["sell"], "X/USD", "1")
    relieved = sum(Decimal(part) for part in desk.pool("X").reliefs["quantity"])
    assert relieved == (Decimal(case["relieved"]) if case["clipped"] else Decimal(case["sell"]))
    codes = {finding.code for finding in desk.tracks().findings}
    assert codes == ({"oversell_clipped"} if case["clipped"] else {"missing_opening"})


def test_ledger_rules(desk: Desk) -> None:
    """Base, quote and third-asset fees, a transfer, an airdrop, a cross and a withdrawal, by hand (d06)."""
    golden = load("d06_quote_not_inventory_and_fees")
    desk.valuation = Valuation(currency="USDT")
    _write_ledger(desk, golden["inputs"])
    for asset, told in golden["expected"].items():
        if asset in {"USDT", "portfolio"}:
            continue
        last = desk.last(asset)
        for name in ("cogs", "fee_basis", "withdrawn_basis"):
            assert last[name] == pytest.approx(float(told.get(name, last[name])), abs=1e-6), (asset, name)
        assert last["quantity"] == float(told["ending_qty"])
        assert last["inventory_cost"] == pytest.approx(float(told["ending_basis"]), abs=1e-6)
    pools = desk.tracks().pools
    assert not [key for key in pools if key.asset == "USDT"]
    rows = [opened(pool.track).row(-1, named=True) for key, pool in pools.items() if key.scope == "portfolio"]
    once = sum(row["buy_notional"] + row["sell_notional"] - row["cross_buy"] - row["cross_sell"] for row in rows)
    assert once == pytest.approx(float(golden["expected"]["portfolio"]["gross_notional_each_fill_once"]))


def _write_ledger(desk: Desk, events: list[Case]) -> None:
    for event in events:
        when, kind = day(event["ts"]), event["kind"]
        if kind == "TRADE":
            symbol = f"{event['base']}/{event['quote']}"
            fees = [event["fee"]] if event["fee"] else []
            desk.fill(when, event["side"], event["amount"], symbol, event["price"], fees=fees)
            if "quote_value_rate" in event:
                desk.price(when, f"{event['quote']}/USDT", event["quote_value_rate"])
        elif kind == "TRANSFER":
            received = event["received"]
            desk.move(when, "transfer", event["sent"], event["asset"], to_account="b", received=received)
        elif kind == "AIRDROP":
            value = str(Decimal(event["amount"]) * Decimal(event["price"]))
            desk.move(when, "income", event["amount"], event["asset"], value=value)
        else:
            desk.move(when, "withdrawal", event["amount"], event["asset"])


@pytest.mark.parametrize("place", range(4))
def test_round_trips(desk: Desk, place: int) -> None:
    """A fill that crosses zero closes one side and opens the other at its own price and time (pyfolio's examples)."""
    case = load("17_pyfolio_round_trips_crossing_zero")["cases"][place]
    for number, (amount, price) in enumerate(case["fills"]):
        side = "sell" if amount.startswith("-") else "buy"
        desk.fill(number, side, amount.lstrip("-"), "X/USD", price, book="margin")
    pool, last = desk.pool("X", book="margin"), desk.last("X", book="margin")
    trips = case["expected"]
    assert last["realised_pnl"] == sum(float(trip["pnl"]) for trip in trips)
    assert last["cogs"] == sum(float(trip["entry_basis"]) for trip in trips if trip["long"])
    assert last["cover_basis"] == sum(float(trip["entry_basis"]) for trip in trips if not trip["long"])
    assert Decimal(pool.track["quantity"][-1]) == Decimal(case.get("open_after", {}).get("qty", "0"))
    days = [part["held_ms"] / DAY for part in pool.reliefs.to_dicts()]
    assert max(days) == max(float(trip["days"]) for trip in trips)


@pytest.mark.parametrize("place", [0, 1])
def test_contracts(desk: Desk, place: int) -> None:
    """Contracts count as contracts * contract size: base units of a linear one, face value of an inverse one."""
    case = load("d05_contracts_linear_inverse")["cases"][place]
    book = "inverse" if case["inverse"] else "linear"
    symbol, settle = ("BTC/USD", "BTC") if case["inverse"] else ("BTC/USDT", "USDT")
    more = {"contract_size": case["contract_size"], "inverse": int(case["inverse"]), "settle": settle}
    desk.fill(1, "buy", case["amount"], symbol, case["price"], book=book, **more)
    last = desk.last("BTC", book=book)
    assert last["buy_notional"] == float(case["notional_usd"])
    assert last["inventory_cost"] == float(case["notional_usd"])
    face = Fraction(case["amount"]) * Fraction(case["contract_size"])
    assert last["quantity"] == (face if case["inverse"] else float(case["base_qty"]))


@pytest.mark.parametrize("method", ["fifo", "wac"])
@pytest.mark.parametrize(
    ("opening", "closing", "basis", "pnl"),
    [
        # a long of 15,000: entry fee into the basis, exit fee off the proceeds
        (("buy", "60000", "10"), ("sell", "60000", "10"), 15_010, -20),
        (("buy", "60000", "10"), ("sell", "66000", "5"), 15_010, 15_000 * 0.1 - 15),
        # a short: what it was entered at is net of the fee, what covers it comes with one
        (("sell", "60000", "10"), ("buy", "60000", "10"), 14_990, -20),
        (("sell", "60000", "10"), ("buy", "54000", "5"), 14_990, 15_000 * 0.1 - 15),
        # rebates the other way
        (("buy", "60000", "-10"), ("sell", "60000", "-10"), 14_990, 20),
        (("sell", "60000", "-10"), ("buy", "60000", "-10"), 15_010, 20),
    ],
)
def test_cash_fee_of_an_inverse_contract(  # noqa: PLR0913, PLR0917  the table's columns
    desk: Desk, opening: tuple[str, ...], closing: tuple[str, ...], basis: float, pnl: float, method: str
) -> None:
    """A fee in the quote goes into what is bought and off what is sold, as with every other book."""
    more = {"contract_size": "100", "inverse": 1, "settle": "BTC", "book": "inverse"}
    for day, (side, price, fee) in enumerate((opening, closing), start=1):
        desk.fill(day, side, "150", "BTC/USD:BTC", price, fees=[("USD", fee)], **more)
    last, sums = desk.last("BTC", book="inverse", method=method), desk.exact(method).pools["", "BTC", "inverse"].sums
    assert last["cogs" if opening[0] == "buy" else "cover_basis"] == pytest.approx(basis, rel=1e-14)
    assert last["realised_pnl"] == pytest.approx(pnl, abs=1e-9)
    assert (last["buy_notional"], last["sell_notional"]) == (15_000, 15_000)
    assert float(sums["cogs"] + sums["cover_basis"]) == pytest.approx(basis, rel=1e-14)
    assert float(sums["realised_pnl"]) == pytest.approx(pnl, rel=1e-14)


def test_parts_of_an_inverse_contract_bear_their_share_of_fees(desk: Desk) -> None:
    """An exit fee is shared by what a fill closes and what it opens; coin fees relieve the coin's own lots still."""
    more = {"contract_size": "100", "inverse": 1, "settle": "BTC", "book": "inverse"}
    desk.move(0.5, "opening", "1", "BTC", value="50000")
    desk.fill(1, "buy", "150", "BTC/USD:BTC", "60000", fees=[("USD", "10"), ("BTC", "0.001")], **more)
    desk.fill(2, "sell", "200", "BTC/USD:BTC", "60000", fees=[("USD", "20")], **more)
    last, spot = desk.last("BTC", book="inverse"), desk.last("BTC")
    assert last["realised_pnl"] == pytest.approx(-10 - 20 * 150 / 200, abs=1e-9)
    assert last["inventory_cost"] == pytest.approx(5_000 - 20 * 50 / 200, rel=1e-14)
    assert spot["fee_basis"] == pytest.approx(50, rel=1e-14)
    exact = desk.exact().pools["", "BTC", "inverse"]
    assert (float(exact.cost), float(exact.sums["realised_pnl"])) == pytest.approx((4_995, -25), rel=1e-14)


def test_inverse_profit(desk: Desk) -> None:
    """An inverse long of 10,000 from 50,000 to 62,500 earns 0.04 of base, worth 2,500 at the exit."""
    case = load("d05_contracts_linear_inverse")["cases"][2]
    for when, side, price in ((1, "buy", case["entry"]), (2, "sell", case["exit"])):
        more = {"contract_size": case["contract_size"], "inverse": 1, "settle": "BTC", "book": "inverse"}
        desk.fill(when, side, case["amount"], "BTC/USD", price, **more)
    assert desk.last("BTC", book="inverse")["realised_pnl"] == pytest.approx(0.04 * 62_500, rel=1e-12)


@pytest.mark.parametrize("name", ["d01_time_weighted_vs_period_end", "d02_window_with_opening_and_closing_stock"])
def test_integral_of_cost(desk: Desk, name: str) -> None:
    """The integral of inventory cost over the window is the integer derived by hand."""
    golden = load(name)
    write(desk, golden["inputs"])
    window = golden["window"]
    for method, told in golden["expected"].items():
        pool = desk.exact(method.lower()).pools["", "X", "spot"]
        start, end = (pool.at(round(day(window[edge]) * DAY)) for edge in ("start", "end"))
        assert (end["cost_time"] - start["cost_time"]) / DAY == int(told["int_inventory_cost_days"])
        assert end["cogs"] - start["cogs"] == int(told["cogs"])


def test_short_and_cross_zero(desk: Desk) -> None:
    """Short lots count at entry value: 100 of cogs, 220 of cover basis, 1,300 cost-days, a profit of 50 (d03)."""
    golden = load("d03_short_and_cross_zero")
    for event in golden["inputs"]:
        desk.fill(
            day(event["ts"]),
            event["kind"].lower(),
            event["qty"],
            "X/USD",
            event["unit_cost" if "unit_cost" in event else "unit_price"],
            book="margin",
        )
    told = golden["expected"]["FIFO"]
    last = desk.last("X", book="margin")
    assert (last["cogs"], last["cover_basis"]) == (float(told["cogs"]), float(told["cover_basis"]))
    assert last["realised_pnl"] == float(told["pnl"])
    # flat at the end: the row's integral is the window's
    assert last["cost_time"] / DAY == float(told["int_inventory_cost_days"])
