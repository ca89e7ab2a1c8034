"""Worked examples with known answers, written as one events file and asked for on the command line.

Every example trades assets of its own, so that all of them share one file; the numbers are those of tests/golden.
"""

from __future__ import annotations

import json
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from monitor.interchange.columns import EVENT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.independent.conftest import Desk

    Asked = Callable[[tuple[str, str], str], dict[str, dict[str, object]]]

GOLDEN = Path(__file__).parents[1] / "golden"
COSTING = ("01", "02", "04", "05", "07", "08", "12", "13", "14")
TIMED = ("d01", "d02")
EVERYTHING = ("2001-01-01", "2022-01-01")
JANUARY = ("2024-01-01", "2024-01-11")
Table = dict[str, object]


@cache
def golden(number: str) -> dict[str, Table]:
    """Return an example."""
    [path] = GOLDEN.glob(f"{number}_*.json")
    return cast("dict[str, Table]", json.loads(path.read_text()))


def line(**fields: object) -> str:
    """Return a row of an events file."""
    return ",".join(str(fields.get(name, "")) for name in EVENT_COLUMNS)


def costing_line(number: str, event: dict[str, str], book: str = "") -> str:
    """Return one event of a costing example, traded against dollars; a sale whose price is not told is made at 1."""
    asset, kind, amount = f"G{number}", event["kind"].lower(), event["qty"]
    unit = event.get("unit_cost") or event.get("unit_price") or "1"
    row = {"time": event["ts"], "account": "books", "amount": amount, "id": event["n"]}
    if kind in {"opening", "income"}:
        return line(**row, kind=kind, asset=asset, value=Decimal(amount) * Decimal(unit))
    if kind == "withdrawal":
        return line(**row, kind=kind, asset=asset)
    fee, paid_in = (event.get("fee_quote"), "USD") if kind == "buy" else (event.get("fee_base"), asset)
    fees = {"fee": fee, "fee_asset": paid_in} if fee else {}
    return line(**row, kind="trade", symbol=f"{asset}/USD", side=kind, price=unit, book=book, **fees)


def ledger_line(event: dict[str, str]) -> str:
    """Return one event of d06; its transfer goes to another own account."""
    kind = event["kind"].lower()
    row = {"time": event["ts"], "account": "desk", "id": event["n"], "amount": event.get("amount", "")}
    if kind == "trade":
        fee, paid_in = (cast("tuple[str, str]", event["fee"] or ("", "")))[::-1]
        symbol = f"{own(event['base'])}/{own(event['quote'])}"
        told = {"side": event["side"], "price": event["price"], "fee": fee, "fee_asset": own(paid_in)}
        return line(**row, kind=kind, symbol=symbol, **told)
    row["asset"] = own(event["asset"])
    if kind == "transfer":
        row |= {"amount": event["sent"], "received": event["received"], "to_account": "vault"}
    if kind == "airdrop":
        row |= {"value": str(Decimal(event["amount"]) * Decimal(event["price"]))}
    return line(**row, kind={"airdrop": "income"}.get(kind, kind))


def own(asset: str) -> str:
    """Return the name of an asset of d06; dollars are dollars."""
    return asset if asset in {"", "USD", "USDT"} else f"D06{asset}"


def contract_lines() -> list[str]:
    """Return the contracts of d05: two that stay open, one bought and sold."""
    linear, inverse, closed = cast("list[dict[str, str]]", golden("d05")["cases"])
    common = {"time": "2024-01-02", "kind": "trade", "account": "books"}
    buy = {**common, "side": "buy"}
    return [
        line(**buy, symbol="D5L/USDT:USDT", **{key: linear[key] for key in ("amount", "price", "contract_size")}),
        line(**buy, symbol="D5I/USD:D5I", **{key: inverse[key] for key in ("amount", "price", "contract_size")}),
        line(**buy, symbol="D5P/USD:D5P", amount=closed["amount"], price=closed["entry"], contract_size=1),
        line(**common | {"time": "2024-01-03"}, side="sell", symbol="D5P/USD:D5P", amount=closed["amount"],
             price=closed["exit"], contract_size=1),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def asked(shared_desk: Desk) -> Asked:
    """Import all examples, and return how to ask for a window and method: the rows by asset, `portfolio` among them."""
    lines = [
        costing_line(n, event)
        for n in (*COSTING, *TIMED)
        for event in cast("list[dict[str, str]]", golden(n)["inputs"])
    ]
    lines += [costing_line("d03", event, "margin") for event in cast("list[dict[str, str]]", golden("d03")["inputs"])]
    lines += [ledger_line(event) for event in cast("list[dict[str, str]]", golden("d06")["inputs"])]
    text = "\n".join([",".join(EVENT_COLUMNS), *lines, *contract_lines(), ""])
    taken = shared_desk.take(text, "time,asset,price\n2024-01-08,D06BTC,47000\n")
    assert taken["stored"], taken

    @cache
    def ask(window: tuple[str, str], method: str) -> dict[str, Table]:
        answer = shared_desk.turnover(*window, "--method", method)
        rows = cast("list[Table]", answer["assets"])
        return {str(row["asset"]): row for row in rows} | {"portfolio": cast("Table", answer["portfolio"])}

    return ask


def closing(row: Table) -> tuple[Decimal, float]:
    """Return what is left: units and basis."""
    left = cast("dict[str, object]", row["closing"])
    return Decimal(str(left["quantity"])), cast("float", left["basis"])


CASES = [(number, method) for number in COSTING for method in golden(number)["method"] if method != "SPECID"]


@pytest.mark.parametrize(("number", "method"), CASES)
def test_costing(asked: Asked, number: str, method: str) -> None:
    """Published costings: what sales relieved is cogs, what was given away is withdrawn, the rest is left."""
    expected = cast("dict[str, Table]", golden(number)["expected"])[method]
    kinds = {event["n"]: event["kind"] for event in cast("list[dict[str, object]]", golden(number)["inputs"])}
    row = asked(EVERYTHING, method.lower())[f"G{number}"]
    within = float(cast("dict[str, str]", golden(number)["tolerance"]).get(method, 0)) or 1e-9
    told: dict[str, float] = {"SELL": 0.0, "WITHDRAWAL": 0.0}
    for relieved in cast("list[dict[str, str]]", expected.get("disposals", [])):
        told[str(kinds[relieved["n"]])] += float(relieved["cogs"])
    cogs = told["SELL"] if "disposals" in expected else float(str(expected["cogs_total"]))
    assert row["cogs"] == pytest.approx(cogs, rel=1e-9, abs=within)
    assert row["withdrawn_basis"] == pytest.approx(told["WITHDRAWAL"], rel=1e-9)
    if "ending_qty" in expected:
        units, basis = closing(row)
        assert units == Decimal(str(expected["ending_qty"]))
        assert basis == pytest.approx(float(str(expected["ending_cost"])), rel=1e-9, abs=within)


@pytest.mark.parametrize(
    ("number", "method", "window"),
    [("d01", "FIFO", JANUARY), ("d01", "LIFO", JANUARY), ("d02", "FIFO", ("2024-02-01", "2024-03-02"))],
)
def test_time_weighted(asked: Asked, number: str, method: str, window: tuple[str, str]) -> None:
    """Average inventory is an integral over time, not a mean of the ends; days inventory is the mean holding time."""
    expected = cast("dict[str, dict[str, str]]", golden(number)["expected"])[method]
    row = asked(window, method.lower())[f"G{number}"]
    days = cast("float", row["average_inventory"]) * (10 if number == "d01" else 30)
    names = {"cogs": "cogs", "turnover_twa": "turnover", "dio_twa": "days_inventory", "annualised": "annualised",
             "unit_turnover": "unit_turnover", "active_time_share": "active_share"}  # fmt: skip
    assert days == pytest.approx(float(expected["int_inventory_cost_days"]), rel=1e-9)
    for name, metric in names.items():
        if name in expected:
            assert row[metric] == pytest.approx(float(expected[name]), rel=1e-9), metric


def test_short_and_crossing(asked: Asked) -> None:
    """A sale through zero closes, then opens; short lots count at their entry value, gross."""
    expected = cast("dict[str, dict[str, str]]", golden("d03")["expected"])["FIFO"]
    row = asked(JANUARY, "fifo")["Gd03"]
    names = {"cogs": "cogs", "cover_basis": "cover_basis", "relieved_basis": "relieved_basis",
             "twa": "average_inventory", "turnover_twa": "turnover", "dio_twa": "days_inventory",
             "pnl": "realised_pnl"}  # fmt: skip
    assert {name: row[metric] for name, metric in names.items()} == pytest.approx(
        {name: float(expected[name]) for name in names}, rel=1e-9
    )


def test_contracts(asked: Asked) -> None:
    """Linear: base = contracts * size. Inverse: face = contracts * size, and a gain of face * (1/entry - 1/exit)."""
    linear, inverse, closed = cast("list[dict[str, str]]", golden("d05")["cases"])
    rows = asked(JANUARY, "fifo")
    units, basis = closing(rows["D5L"])
    assert units == Decimal(linear["base_qty"])
    assert basis == pytest.approx(float(linear["notional_usd"]))
    assert closing(rows["D5I"])[1] == pytest.approx(float(inverse["notional_usd"]))
    assert rows["D5P"]["realised_pnl"] == pytest.approx(float(closed["pnl_base"]) * float(closed["exit"]))


@pytest.mark.parametrize("asset", ["BTC", "ETH", "BNB"])
def test_ledger(asked: Asked, asset: str) -> None:
    """Fees in base, quote and a third asset, a transfer, an airdrop, a cross and a withdrawal."""
    expected = cast("dict[str, dict[str, str]]", golden("d06")["expected"])[asset]
    row = asked(JANUARY, "fifo")[f"D06{asset}"]
    for name in ("cogs", "fee_basis", "withdrawn_basis"):
        assert row[name] == pytest.approx(float(expected.get(name, 0)), rel=1e-9), name
    units, basis = closing(row)
    assert units == Decimal(expected["ending_qty"])
    assert basis == pytest.approx(float(expected["ending_basis"]), rel=1e-9)


def test_dollars_are_no_inventory(asked: Asked) -> None:
    """What everything was paid in has no row: it is cash."""
    assert not {"USD", "USDT"} & asked(JANUARY, "fifo").keys()
