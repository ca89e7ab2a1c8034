"""The rules that watch the monitor itself: from what the jobs left in the database to the message."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.notices import text
from monitor.alerts.rules import parse_rules
from monitor.clock import DAY, HOUR, MINUTE, parse_instant
from monitor.episodes import Measurement, Rule
from monitor.jobs.alert import alert, measure
from monitor.jobs.baseline import Baselines
from monitor.records import Account, Batch, Finding, Gap, Price, StreamKey
from monitor.store.findings import raise_finding
from monitor.store.ledger import commit_batch, mark_account, register_account
from monitor.store.outbox import Lease, claim
from monitor.store.prices import commit_prices
from monitor.store.runs import finish_run, start_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from monitor.store.database import Writer
    from tests.jobs.conftest import Ledger

SIXTH = parse_instant("2024-01-06")


def seen(ledger: Ledger, *rules: Rule, now: int = SIXTH) -> list[Measurement]:
    """Return what rules see."""
    measured, failures = measure(ledger.reader, rules, now, Baselines(), {})
    assert failures == ()
    return measured


def values(measured: list[Measurement]) -> list[tuple[object, ...]]:
    """Return (subject, value, standing or reason) of measurements."""
    return [(one.subject, one.value, one.reason or one.standing) for one in measured]


def live(writer: Writer) -> None:
    """Register an account at a venue whose history is proven up to 2024-01-06."""
    register_account(writer, Account("live", "kraken"), 1)
    for kind in ("fills", "deposits", "withdrawals"):
        commit_batch(writer, Batch(StreamKey("live", kind), proven=(0, SIXTH)), SIXTH)


def vital(metric: str) -> Rule:
    """Return a rule about an operational metric."""
    return Rule("vital", metric, ("*",), accounts=("*",), above=0.0)


def test_staleness_in_seconds_imported_files_left_out(ledger: Ledger) -> None:
    """`live` is complete until an hour ago; `paper` and `other` are files."""
    live(ledger.writer)
    ledger.measure()
    assert values(seen(ledger, vital("stale"), now=SIXTH + HOUR)) == [("live", 3_600.0, "measured")]


def test_gaps_and_refused_credentials(ledger: Ledger) -> None:
    """One open gap; the key is refused."""
    live(ledger.writer)
    gap = Batch(StreamKey("live", "fills"), gap=Gap(5, 9, "short page"))
    commit_batch(ledger.writer, gap, SIXTH)
    mark_account(ledger.writer, "live", "paused", "key refused", SIXTH)
    assert values(seen(ledger, vital("gap"))) == [("live", 1.0, "measured")]
    (one,) = seen(ledger, vital("credential"))
    assert (one.value, one.context) == (1.0, {"detail": "key refused"})


def test_failed_runs_of_a_job(ledger: Ledger) -> None:
    """Two in a row, with the last error."""
    for error in (None, "down", "still down"):
        finish_run(ledger.writer, start_run(ledger.writer, "fills", 1), 2, error)
    (one,) = seen(ledger, vital("job_failed"))
    assert (one.subject, one.value, one.context) == ("fills", 2.0, {"detail": "still down"})


@pytest.mark.parametrize(
    ("base", "quote", "price"), [("USDT", "USD", "0.98"), ("USD", "USDT", str(1 / Decimal("0.98")))]
)
def test_a_broken_peg_either_way_round(ledger: Ledger, base: str, quote: str, price: str) -> None:
    """0.98 is 2 % from 1; a price of two days ago says nothing; assets without a market are left out."""
    commit_prices(ledger.writer, [Price(base, quote, SIXTH - HOUR, Decimal(price), "kraken", "candle")])
    assert values(seen(ledger, vital("depeg"))) == [("USDT", pytest.approx(0.02), "measured")]
    assert values(seen(ledger, vital("depeg"), now=SIXTH + 2 * DAY)) == []


def test_a_market_that_fell_silent_does_not_mend_a_peg(ledger: Ledger) -> None:
    """It fired; two days later there is no price: no data, and nobody is told that the peg holds."""
    commit_prices(ledger.writer, [Price("USDT", "USD", SIXTH - HOUR, Decimal("0.9"), "kraken", "candle")])
    rule = replace(vital("depeg"), no_data_hold=0)
    assert alert(ledger.writer, [rule], SIXTH).firing == 1
    for later in (2 * DAY, 2 * DAY + MINUTE):
        done = alert(ledger.writer, [rule], SIXTH + later)
    assert [change.notice.kind for change in done.transitions if change.notice] == ["no_data"]
    assert done.firing == 1


@pytest.mark.parametrize(
    ("rule", "subject", "reason"),
    [
        (Rule("r", "stale", accounts=("mian",), above=0.0), "mian", "no account mian is read from a venue"),
        (Rule("r", "job_failed", ("fills",), above=0.0), "fills", "fills has not run yet"),
        (Rule("r", "depeg", ("USDT",), above=0.0), "USDT", "no market of USDT against USD had a price in the last day"),
        (
            Rule("r", "turnover", ("BTC",), accounts=("mian",), below=1.0),
            "BTC@mian",
            "there is no BTC@mian in the ledger",
        ),
        (Rule("r", "turnover", ("*",), accounts=("mian",), below=1.0), "*@mian", "there is no *@mian in the ledger"),
    ],
)
def test_a_named_subject_that_is_not_there_is_no_data(ledger: Ledger, rule: Rule, subject: str, reason: str) -> None:
    """A rule that sees nothing of what it names would never fire."""
    live(ledger.writer)
    ledger.measure()
    assert [(one.subject, one.value, one.reason) for one in seen(ledger, rule)] == [(subject, None, reason)]


@pytest.mark.parametrize(
    ("assets", "accounts", "subjects"),
    [
        (("*",), (), ["live BTC", "live ETH", "paper BTC"]),
        (("BTC",), (), ["live BTC", "paper BTC"]),
        (("*",), ("live",), ["live BTC", "live ETH"]),
        (("BTC",), ("live",), ["live BTC"]),
    ],
)
def test_drifts_are_chosen_by_asset_and_account(
    ledger: Ledger, assets: tuple[str, ...], accounts: tuple[str, ...], subjects: list[str]
) -> None:
    """Each balance that disagrees is one; settled, it ends."""
    for subject in ("live BTC", "live ETH", "paper BTC"):
        raise_finding(ledger.writer, Finding("drift", subject, f"{subject} differs by 1"), SIXTH)
    measured = seen(ledger, Rule("r", "drift", assets, accounts=accounts, above=0.0))
    assert values(measured) == [(subject, 1.0, "measured") for subject in subjects]
    assert measured[0].context == {"detail": f"{subjects[0]} differs by 1"}


def test_a_vital_that_is_gone_ends_its_alert(ledger: Ledger) -> None:
    """The account is no longer there to be stale."""
    rule = replace(vital("job_failed"), name="jobs")
    finish_run(ledger.writer, start_run(ledger.writer, "fills", 1), 2, "down")
    assert alert(ledger.writer, [rule], SIXTH).firing == 1
    with ledger.writer.transaction() as connection:
        connection.execute("DELETE FROM job_runs")
    done = alert(ledger.writer, [rule], SIXTH + MINUTE)
    assert [change.after for change in done.transitions] == ["ok"]


def stale(writer: Writer) -> None:
    """Fills complete until two hours ago."""
    live(writer)


def gap(writer: Writer) -> None:
    """A page that cannot be proven."""
    live(writer)
    commit_batch(writer, Batch(StreamKey("live", "fills"), gap=Gap(5, 9, "short page")), SIXTH)


def drift(writer: Writer) -> None:
    """A balance that disagrees."""
    raise_finding(writer, Finding("drift", "live BTC", "live BTC: 1.5 held, ledger 1"), SIXTH)


def job_failed(writer: Writer) -> None:
    """Two failures in a row."""
    for _ in range(2):
        finish_run(writer, start_run(writer, "fills", SIXTH), SIXTH, "VenueUnavailable: down")


def credential(writer: Writer) -> None:
    """The venue refused the key."""
    live(writer)
    mark_account(writer, "live", "paused", "Invalid key", SIXTH)


def depeg(writer: Writer) -> None:
    """A dollar coin at 97 cents."""
    commit_prices(writer, [Price("USDT", "USD", SIXTH - HOUR, Decimal("0.97"), "kraken", "candle")])


@pytest.mark.parametrize(
    ("trouble", "title", "why"),
    [
        (stale, "live stale 2h, above 15m", "complete until 2024-01-06T00:00:00.000Z"),
        (gap, "live gap 1, above 0", "unknown"),
        (drift, "live BTC drift 1, above 0", "live BTC: 1.5 held, ledger 1"),
        (job_failed, "fills job_failed 2, above 0", "VenueUnavailable: down"),
        (credential, "live credential 1, above 0", "Invalid key"),
        (depeg, "USDT depeg 3 %, above 1 %", "kraken USDT/USD 0.97, assumed 1"),
    ],
)
def test_trouble_becomes_a_message(ledger: Ledger, trouble: Callable[[Writer], None], title: str, why: str) -> None:
    """From the database as the jobs leave it, through a rule as it is written, to the words that leave."""
    metric = trouble.__name__
    (rule,), complaints = parse_rules([{"name": "watch", "metric": metric, "notify": "desk"}], {"desk"})
    assert complaints == ()
    trouble(ledger.writer)
    ledger.measure()
    alert(ledger.writer, [rule], SIXTH + 2 * HOUR)
    (one,) = claim(ledger.writer, "desk", Lease("test", SIXTH + DAY), SIXTH + 2 * HOUR)
    words = text(one.notice, SIXTH + 2 * HOUR)
    assert words.title == f"FIRING warning: watch: {title}"
    assert f"Why    {why}" in words.long
    assert words.short.splitlines()[-1] == "> monitor status"
