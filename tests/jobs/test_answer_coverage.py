"""Partial and stale: what the answer says of windows that are not proven complete."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from monitor.clock import DAY, HOUR, MINUTE, iso
from monitor.jobs.answer import turnover_answer
from monitor.records import Account, Batch, StreamKey
from monitor.store.ledger import commit_batch, register_account

if TYPE_CHECKING:
    from monitor.jobs.answer import Answer
    from monitor.jobs.question import Options
    from tests.jobs.conftest import Ledger

Numbers = dict[str, object]

DAY_0 = 20_000 * DAY
NOW = DAY_0 + 10 * DAY


@pytest.fixture
def desk(ledger: Ledger) -> Ledger:
    """Return a ledger with BTC bought on kraken on day 1, and ETH in a file."""
    ledger.now = NOW
    register_account(ledger.writer, Account("main", "kraken"), NOW)
    register_account(ledger.writer, Account("idle", "binance"), NOW)
    ledger.add(f"{DAY_0 + DAY} buy 2 BTC/USD 100", account="main")
    ledger.add(f"{DAY_0 + DAY} buy 1 ETH/USD 50")
    return ledger


def prove(desk: Ledger, account: str, *spans: tuple[int, int]) -> None:
    """Let an account's fills be proven over spans."""
    for span in spans:
        commit_batch(desk.writer, Batch(StreamKey(account, "fills"), proven=span, cursor=span[1]), NOW)
    desk.measure()


def ask(desk: Ledger, **options: int) -> Answer:
    """Ask about a window in milliseconds."""
    return turnover_answer(desk.reader, now=NOW, **cast("Options", options))


def statuses(answer: Answer) -> dict[str, object]:
    """Return the status of each asset and of the portfolio."""
    assets = {str(row["asset"]): row["status"] for row in cast("list[Numbers]", answer["assets"])}
    return assets | {"portfolio": cast("Numbers", answer["portfolio"])["status"]}


def codes(answer: Answer) -> list[tuple[str, str]]:
    """Return (code, subject) of the findings."""
    return [(found["code"], found["subject"]) for found in cast("list[dict[str, str]]", answer["findings"])]


def test_complete_accounts(desk: Ledger) -> None:
    """With every account proven up to a moment ago the numbers stand there, and nothing is flagged."""
    prove(desk, "main", (DAY_0, NOW - MINUTE))
    prove(desk, "idle", (DAY_0, NOW - 2 * MINUTE))
    answer = ask(desk, window=5 * DAY)
    assert answer["as_of"] == iso(NOW - 2 * MINUTE)
    assert statuses(answer) == {"BTC": "idle", "ETH": "idle", "portfolio": "idle"}
    assert codes(answer) == []


def test_hole_in_the_window(desk: Ledger) -> None:
    """A hole makes the numbers of what the account held partial, over the whole window, and names the span."""
    prove(desk, "main", (DAY_0, DAY_0 + 4 * DAY), (DAY_0 + 5 * DAY, NOW))
    prove(desk, "idle", (DAY_0, NOW))
    answer = ask(desk, start=DAY_0 + 2 * DAY, end=DAY_0 + 8 * DAY)
    assert statuses(answer) == {"BTC": "partial", "ETH": "idle", "portfolio": "partial"}
    window = cast("Numbers", answer["window"])
    hole = {"account": "main", "from": iso(DAY_0 + 4 * DAY), "to": iso(DAY_0 + 5 * DAY)}
    assert window["unproven"] == [hole]
    assert codes(answer) == [("partial", "main")]
    btc = cast("list[Numbers]", answer["assets"])[0]
    assert (btc["average_inventory"], btc["turnover"]) == (200, 0)
    assert btc["freshness"] == {"fills_complete_until": iso(NOW), "gaps": 1}


def test_hole_outside_the_window(desk: Ledger) -> None:
    """A hole that only touches the window's end takes nothing from it."""
    prove(desk, "main", (DAY_0, DAY_0 + 4 * DAY), (DAY_0 + 5 * DAY, NOW))
    prove(desk, "idle", (DAY_0, NOW))
    assert statuses(ask(desk, start=DAY_0 + 2 * DAY, end=DAY_0 + 4 * DAY))["BTC"] == "idle"
    assert statuses(ask(desk, start=DAY_0 + 5 * DAY, end=DAY_0 + 8 * DAY))["BTC"] == "idle"


def test_account_that_was_never_read(desk: Ledger) -> None:
    """Of an account nobody has read yet nothing is known: every number is partial."""
    prove(desk, "main", (DAY_0, NOW))
    answer = ask(desk, window=5 * DAY)
    assert statuses(answer) == {"BTC": "partial", "ETH": "partial", "portfolio": "partial"}
    assert ("stale", "idle") in codes(answer)


def test_lagging_account(desk: Ledger) -> None:
    """A venue that is down holds back neither the others' instant nor assets it never held; the desk is flagged."""
    prove(desk, "main", (DAY_0, NOW))
    prove(desk, "idle", (DAY_0, NOW - HOUR))
    answer = ask(desk, window=5 * DAY)
    assert answer["as_of"] == iso(NOW)
    assert statuses(answer) == {"BTC": "idle", "ETH": "idle", "portfolio": "partial"}
    assert codes(answer) == [("partial", "idle"), ("stale", "idle")]


def test_window_in_the_past_is_not_stale(desk: Ledger) -> None:
    """A window that ends at a given instant does not care how long ago the accounts were read."""
    prove(desk, "main", (DAY_0, NOW - DAY))
    prove(desk, "idle", (DAY_0, NOW - DAY))
    assert codes(ask(desk, start=DAY_0, end=DAY_0 + 5 * DAY)) == []


def test_window_beyond_what_was_read(desk: Ledger) -> None:
    """A window that reaches past the last reading is partial from there on."""
    prove(desk, "main", (DAY_0, NOW - DAY))
    prove(desk, "idle", (DAY_0, NOW))
    answer = ask(desk, start=DAY_0, end=NOW)
    window = cast("dict[str, list[dict[str, str]]]", answer["window"])
    assert [(hole["from"], hole["to"]) for hole in window["unproven"]] == [(iso(NOW - DAY), iso(NOW))]
    assert statuses(answer)["BTC"] == "partial"
