"""From a real ledger to an alert: what rules see, in worked examples."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, MINUTE, parse_instant
from monitor.episodes import Measurement, Rule
from monitor.jobs.alert import Memory, alert, measure
from monitor.jobs.baseline import Baselines, against_usual
from monitor.records import Account, Batch, StreamKey
from monitor.store.journal import alert_states, episodes
from monitor.store.ledger import commit_batch, register_account

if TYPE_CHECKING:
    from monitor.store.database import Writer
    from tests.jobs.conftest import Ledger

# Over the four days to 2024-01-06: cogs 100; inventory (200 * 3 d + 100 * 1 d) / 4 d = 175; turnover 100 / 175.
SLOW = """
    2024-01-02 buy  2 BTC/USD 100
    2024-01-05 sell 1 BTC/USD 140
"""
SIXTH = parse_instant("2024-01-06")
RULE = Rule("slow", "turnover", ("*",), window=4 * DAY, below=0.6)


def seen(ledger: Ledger, *rules: Rule, now: int = SIXTH) -> list[Measurement]:
    """Return what rules see."""
    measured, failures = measure(ledger.reader, rules, now, Baselines(), {})
    assert failures == ()
    return measured


def values(measured: list[Measurement]) -> list[tuple[object, ...]]:
    """Return (subject, value, standing or reason) of measurements."""
    return [(one.subject, one.value, one.reason or one.standing) for one in measured]


def test_a_stalled_asset_fires_with_its_figures(ledger: Ledger) -> None:
    """100 / 175 is below 0.6; the message's facts are those of the window."""
    ledger.add(SLOW)
    ledger.measure()
    done = alert(ledger.writer, [RULE], SIXTH)
    assert (done.measured, done.firing, done.failures) == (1, 1, ())
    notice = done.transitions[0].notice
    assert notice is not None
    assert notice.value == pytest.approx(100 / 175, rel=1e-12)
    assert notice.context == {
        "relieved_basis": 100.0,
        "average_inventory": 175.0,
        "days_inventory": pytest.approx(4 / (100 / 175)),
        "currency": "USD",
        "status": "ok",
        "as_of": "2024-01-06T00:00:00.000Z",
        "last_fill": parse_instant("2024-01-05"),
    }


def test_evaluating_again_tells_nothing_new(ledger: Ledger) -> None:
    """Neither a minute later nor after a restart: the state is in the database."""
    ledger.add(SLOW)
    ledger.measure()
    alert(ledger.writer, [RULE], SIXTH)
    assert alert(ledger.writer, [RULE], SIXTH + MINUTE, Memory()).transitions == ()
    assert len(episodes(ledger.reader, 0)) == 1


def test_an_idle_asset_is_stalled_and_a_sold_one_is_no_matter(ledger: Ledger) -> None:
    """Nothing relieved is turnover 0; nothing held is exempt, and ends what fired."""
    ledger.add(SLOW)
    ledger.add("2024-01-12 sell 1 BTC/USD 140")
    ledger.measure()
    tenth, twentieth = parse_instant("2024-01-10"), parse_instant("2024-01-20")
    assert values(seen(ledger, RULE, now=tenth)) == [("BTC", 0.0, "measured")]
    assert values(seen(ledger, RULE, now=twentieth)) == [("BTC", None, "no inventory in the window")]
    assert seen(ledger, RULE, now=twentieth)[0].standing == "exempt"
    days = replace(RULE, metric="days_inventory", below=None, above=3.0)
    assert values(seen(ledger, days, now=tenth)) == [("BTC", 4.0, "measured")]


def test_named_assets_accounts_and_the_portfolio(ledger: Ledger) -> None:
    """ETH alone turned: 150 relieved; inventory 150 for 3 of 4 days is 112.5 on average."""
    ledger.add(SLOW)
    ledger.add("2024-01-02 buy 1 ETH/USD 150\n2024-01-05 sell 1 ETH/USD 150", account="other")
    ledger.measure()
    eth = pytest.approx(150 / 112.5)
    both = pytest.approx(250 / 287.5)
    assert values(seen(ledger, replace(RULE, assets=("ETH",)))) == [("ETH", eth, "measured")]
    assert values(seen(ledger, replace(RULE, accounts=("other",)))) == [("ETH@other", eth, "measured")]
    assert values(seen(ledger, replace(RULE, assets=(), scope="portfolio"))) == [("portfolio", both, "measured")]
    assert values(seen(ledger, replace(RULE, assets=(), scope="portfolio", accounts=("*",)))) == [
        ("portfolio@other", eth, "measured"),
        ("portfolio@paper", pytest.approx(100 / 175), "measured"),
    ]


def test_gates_see_inventory_and_fills(ledger: Ledger) -> None:
    """Average inventory 175, one fill inside [2024-01-02, 2024-01-06) more: two in all."""
    ledger.add(SLOW)
    ledger.measure()
    (one,) = seen(ledger, RULE)
    assert (one.inventory, one.fills) == (175.0, 2)
    assert alert(ledger.writer, [replace(RULE, min_inventory=200.0)], SIXTH).firing == 0
    assert alert(ledger.writer, [replace(RULE, min_inventory=175.0, name="r2")], SIXTH).firing == 1


def test_a_named_asset_the_ledger_does_not_have_is_no_data(ledger: Ledger) -> None:
    """A mistyped asset is told instead of never firing."""
    ledger.add(SLOW)
    ledger.measure()
    assert values(seen(ledger, replace(RULE, assets=("BTCC",)))) == [("BTCC", None, "there is no BTCC in the ledger")]


def test_numbers_that_rest_on_guesses_are_no_evidence(ledger: Ledger) -> None:
    """Sold without ever having bought: the basis is estimated. Bought with a coin nobody prices: unpriced."""
    ledger.add("2024-01-03 sell 1 BTC/USD 100\n2024-01-03 buy 1 SOL/XYZ 5")
    ledger.measure()
    reasons = {one.subject: (one.value, one.reason) for one in seen(ledger, RULE)}
    assert reasons["BTC"] == (None, "more than 5 % rests on estimated basis")
    assert reasons["SOL"] == (None, "a leg or a lot has no price")
    share = replace(RULE, metric="estimated_share", below=None, above=0.5)
    assert ("BTC", 1.0) in [(one.subject, one.value) for one in seen(ledger, share)]


def test_fills_that_were_never_read_are_no_data(ledger: Ledger) -> None:
    """The account is registered, its history is not proven."""
    register_account(ledger.writer, Account("live", "kraken"), 1)
    ledger.add(SLOW, account="live")
    ledger.measure()
    assert values(seen(ledger, RULE)) == [("BTC", None, "the fills were never read")]


def live(writer: Writer) -> None:
    """Register an account at a venue whose history is proven up to 2024-01-06."""
    register_account(writer, Account("live", "kraken"), 1)
    for kind in ("fills", "deposits", "withdrawals"):
        commit_batch(writer, Batch(StreamKey("live", kind), proven=(0, SIXTH)), SIXTH)


def test_old_fills_are_no_data(ledger: Ledger) -> None:
    """Complete until 2024-01-06; two hours later that is older than `stale_after`."""
    live(ledger.writer)
    ledger.add(SLOW, account="live")
    ledger.measure()
    assert seen(ledger, RULE)[0].reason is None
    assert values(seen(ledger, RULE, now=SIXTH + 2 * HOUR)) == [
        ("BTC", None, "stale: the fills are complete only until 2024-01-06T00:00:00.000Z")
    ]


def test_a_rule_that_cannot_be_measured_is_an_error_and_others_go_on(ledger: Ledger) -> None:
    """A window of nothing is refused by the question; the good rule fires all the same."""
    ledger.add(SLOW)
    ledger.measure()
    bad = replace(RULE, name="bad", assets=("BTC",), window=-1)
    done = alert(ledger.writer, [bad, RULE], SIXTH)
    assert len(done.failures) == 1
    assert done.failures[0].startswith("rule bad: The window from ")
    assert {(state.rule, state.shown) for state in alert_states(ledger.reader)} == {
        ("bad", "error"),
        ("slow", "firing"),
    }


def test_a_late_fill_is_noted_on_the_past_and_fires_nothing_again(ledger: Ledger) -> None:
    """BTC fired and was resolved; then a fill of the past turns up."""
    ledger.add(SLOW)
    ledger.measure()
    alert(ledger.writer, [RULE], SIXTH)
    assert alert(ledger.writer, [replace(RULE, below=0.1)], SIXTH + MINUTE).firing == 0
    ledger.add("2024-01-03 sell 1 BTC/USD 120")
    ledger.measure()
    assert alert(ledger.writer, [replace(RULE, below=0.1)], SIXTH + 2 * MINUTE).transitions == ()
    (episode,) = episodes(ledger.reader, 0)
    assert episode.notes[0].startswith("BTC was restated from 2024-01-03T00:00:00.000Z on: ")


def test_a_change_against_the_asset_s_own_median(ledger: Ledger) -> None:
    """It turned over once a day for weeks, then stopped: 100 % less than usual."""
    days = [f"2024-01-{day:02} buy 1 BTC/USD 100\n2024-01-{day:02}T12:00 sell 1 BTC/USD 100" for day in range(1, 29)]
    ledger.add("\n".join([*days, "2024-01-29 buy 1 BTC/USD 100"]))
    ledger.measure()
    rule = Rule("change", "turnover", ("BTC",), window=DAY, below=-0.5, relative="change", baseline=20 * DAY)
    (one,) = seen(ledger, rule, now=parse_instant("2024-01-31"))
    assert one.value == -1.0
    assert one.context["usual"] == pytest.approx(2.0)
    assert one.context["measured"] == 0.0


@pytest.mark.parametrize(
    ("relative", "value", "samples", "result"),
    [
        ("change", 1.0, [2.0, 2.0, 2.0, 4.0, 4.0], -0.5),
        ("change", 1.0, [0.0] * 5, "the usual value is 0"),
        ("change", 1.0, [2.0] * 4, "only 4 of at least 5 samples of what is usual"),
        # Median 3, distances 2 1 0 1 2, their median 1: 9 is six of them away.
        ("deviation", 9.0, [1.0, 2.0, 3.0, 4.0, 5.0], 6.0),
        ("deviation", 9.0, [3.0] * 5, "the samples of what is usual have no spread"),
    ],
)
def test_distance_from_what_is_usual(relative: str, value: float, samples: list[float], result: float | str) -> None:
    """Median and median absolute deviation, by hand."""
    rule = replace(RULE, relative=relative)  # type: ignore[arg-type]  # a table of words
    one = against_usual(rule, Measurement("slow", "BTC", 0, value), samples)
    assert (one.value if one.reason is None else one.reason) == result


def test_samples_of_what_is_usual_are_asked_once(ledger: Ledger) -> None:
    """A minute later the grid has not moved; after a restatement all is asked again."""
    ledger.add(SLOW)
    ledger.measure()
    rule = replace(RULE, relative="change", below=-0.5)
    memory = Memory()
    alert(ledger.writer, [rule], SIXTH, memory)
    known = dict(memory.baselines.kept)
    assert len(known) == 30
    alert(ledger.writer, [rule], SIXTH + MINUTE, memory)
    assert memory.baselines.kept == known
    ledger.add("2024-01-03 sell 1 BTC/USD 120")
    ledger.measure()
    alert(ledger.writer, [rule], SIXTH + 2 * MINUTE, memory)
    assert memory.baselines.kept == {}
