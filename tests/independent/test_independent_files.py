"""Random events files through the command line, against exact fractions: every figure within 1e-9."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING, cast

import pytest

from tests.independent.comparison import disagreements
from tests.independent.generator import DAY, START, File, Generator

if TYPE_CHECKING:
    from tests.independent.conftest import Desk

WINDOW = (START + 10 * DAY, START + 25 * DAY)
RARE = {"exotic": 6, "trade": 4, "cross": 2, "transfer": 2, "convert": 1, "withdrawal": 1}


def check(desk: Desk, file: File, window: tuple[int, int] = WINDOW, method: str | None = None) -> list[str]:
    """Return what the command line tells otherwise than the calculator."""
    found = []
    for scope in ("asset", "account"):
        options = ["--by", scope, *(["--method", method] if method else [])]
        found += disagreements(file, window, method or "fifo", scope, desk.turnover(*window, *options))
    return found


@pytest.mark.parametrize("seed", [1, 2])
def test_every_kind(desk: Desk, seed: int) -> None:
    """All kinds of events, ties, twins, dust and missing openings agree in a window and in one cut at events."""
    file = Generator(seed, rows=100).file
    desk.take(file.events_text(), file.prices_text())
    times = sorted(int(row["time"]) for row in file.rows)
    assert check(desk, file) == []
    assert check(desk, file, (times[len(times) // 3], times[-len(times) // 3])) == []


@pytest.mark.parametrize("method", ["lifo", "hifo", "lofo", "wac"])
def test_methods(shared_desk: Desk, method: str) -> None:
    """The other costing methods agree too, asked for on the command line."""
    kinds = {"trade": 5, "cross": 2, "margin": 1, "linear": 1, "transfer": 1, "convert": 1, "deposit": 1, "tie": 1}
    file = Generator(7, rows=80, kinds=kinds).file
    if not (shared_desk.folder / "desk.db").exists():
        shared_desk.take(file.events_text(), file.prices_text())
    answer = shared_desk.turnover(*WINDOW, "--by", "account", "--method", method)
    assert disagreements(file, WINDOW, method, "account", answer) == []


def test_weighted_average_of_an_inverse_contract(desk: Desk) -> None:
    """The average entry of inverse contracts is that of their coins: 1000 / 40000 + 1000 / 50000 for 2000 of face."""
    rows = [("buy", 40_000), ("buy", 50_000), ("sell", 50_000)]
    lines = [
        f"2024-01-0{day},main,trade,BTC/USD:BTC,{side},10,{price},100"
        for day, (side, price) in enumerate(rows, start=1)
    ]
    desk.take("\n".join(["time,account,kind,symbol,side,amount,price,contract_size", *lines, ""]))
    answer = desk.turnover("2024-01-01", "2024-01-05", "--method", "wac", "--book", "inverse")
    coins = (1000 / 40_000 + 1000 / 50_000) / 2
    assert cast("list[dict[str, object]]", answer["assets"])[0]["realised_pnl"] == pytest.approx(
        (coins - 1000 / 50_000) * 50_000
    )


def test_file_says_what_is_a_transfer(desk: Desk) -> None:
    """A withdrawal and a deposit of one amount are what the file calls them, and the deposit has the value it gives."""
    rows = [
        "2024-01-01,main,opening,BTC,1,40000",
        "2024-01-02,main,withdrawal,BTC,0.4,",
        "2024-01-02T01:00:00,cold,deposit,BTC,0.4,20000",
    ]
    desk.take("\n".join(["time,account,kind,asset,amount,value", *rows, ""]))
    answer = desk.turnover("2024-01-01", "2024-01-05")
    row = cast("list[dict[str, object]]", answer["assets"])[0]
    assert row["withdrawn_basis"] == 0.4 * 40_000
    assert row["closing"] == {"quantity": "1", "basis": 0.6 * 40_000 + 20_000}


def test_seldom_things(desk: Desk) -> None:
    """Amounts of eighteen digits, rebates in the coin bought, margin fees in coins, fees beside a transfer's."""
    file = Generator(11, rows=60, kinds=RARE).file
    desk.take(file.events_text(), file.prices_text())
    assert check(desk, file) == []


@pytest.mark.parametrize("seed", [21])
def test_late_and_corrected_rows(desk: Desk, seed: int) -> None:
    """What came late, in another order and corrected gives the answer of the file that had it right at once."""
    file, random = Generator(seed, rows=80).file, Random(seed)  # noqa: S311  # a repeatable sequence is the point
    early = File([dict(row) for row in file.rows if random.random() < 0.6], file.prices)
    for row in early.rows:
        if row["id"] and row["kind"] == "trade" and random.random() < 0.2:
            row["price"] = "1" + row["price"]
    prices = file.prices_text().splitlines(keepends=True)
    desk.take(early.events_text(), "".join(line for at, line in enumerate(prices) if at % 2 == 0))
    desk.take(file.events_text(), file.prices_text())
    assert check(desk, file) == []


def test_wide_cross(desk: Desk) -> None:
    """A cross whose cost needs more digits than 64 bits hold takes exactly that cost out of the quote."""
    file = File(prices={"ETH": [(START, Generator(0).file.prices["ETH"][0][1])]})
    common = dict.fromkeys(Generator(0).file.rows[0], "") | {"account": "main", "time": str(START)}
    file.rows = [
        common | {"kind": "opening", "asset": "ETH", "amount": "1000", "value": "2000000", "id": "1"},
        common | {"kind": "trade", "symbol": "ALT/ETH", "side": "buy", "amount": "100000.12345678",
                  "price": "0.00123456", "id": "2", "time": str(START + DAY)},
        common | {"kind": "trade", "symbol": "ALT/ETH", "side": "buy", "amount": "0.123456789012345678",
                  "price": "0.0404040404040404", "id": "3", "time": str(START + 2 * DAY)},
    ]  # fmt: skip
    desk.take(file.events_text(), file.prices_text())
    assert disagreements(file, (START, START + 5 * DAY), "fifo", "asset", desk.turnover(START, START + 5 * DAY)) == []


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(1_000, 1_100))
def test_many_files(desk: Desk, seed: int) -> None:
    """A hundred more files."""
    file = Generator(seed, rows=120).file
    desk.take(file.events_text(), file.prices_text())
    assert check(desk, file) == []
