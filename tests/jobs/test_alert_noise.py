"""A noisy metric, and one that cannot be measured: through the machine and the outbox."""

from __future__ import annotations

import math
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

import pytest

from monitor.alerts.lifecycle import evaluate
from monitor.clock import DAY, HOUR, MINUTE, parse_instant
from monitor.episodes import Measurement, Rule
from monitor.jobs.alert import alert, conclude
from monitor.records import Account, Batch, StreamKey
from monitor.store.database import open_writer
from monitor.store.journal import alert_states, episodes
from monitor.store.ledger import commit_batch, register_account

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from monitor.episodes import AlertState
    from monitor.store.database import Writer
    from tests.jobs.conftest import Ledger

START = 1_767_225_600_000  # 2026-01-01
RULE = Rule(
    "slow", "turnover", ("*",), below=2.0, clear=2.4, hold=15 * MINUTE, keep_firing=15 * MINUTE, no_data_hold=5 * MINUTE
)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    """Yield an empty database with the right to write."""
    with open_writer(tmp_path / "desk.db", holder="test") as opened:
        yield opened


def watched(writer: Writer, rule: Rule, values: Iterable[float | None], now: int = START) -> int:
    """Evaluate a value a minute; return the instant of the last."""
    for value in values:
        now += MINUTE
        seen = Measurement(rule.name, "BTC", now, value, "stale" if value is None else None)
        with writer.transaction() as connection:
            conclude(connection, [rule], [seen], now, 3 * MINUTE)
    return now


def kinds(writer: Writer) -> list[str]:
    """Return the kinds of all messages in the order in which they were decided."""
    return [kind for (kind,) in writer.connection.execute("SELECT kind FROM outbox ORDER BY id")]


def told_of(rule: Rule, values: Iterable[float]) -> list[str]:
    """Return the kinds of what the machine alone has to tell of a value a minute."""
    states: tuple[AlertState, ...] = ()
    told: list[str] = []
    for minute, value in enumerate(values):
        now = START + minute * MINUTE
        states, changes = evaluate([rule], states, [Measurement(rule.name, "BTC", now, value)], now)
        told += [change.notice.kind for change in changes if change.notice]
    return told


@pytest.mark.parametrize("seed", range(6))
def test_at_most_two_messages_for_each_real_crossing(seed: int) -> None:
    """Three slow waves around the threshold under heavy noise: the raw values cross it hundreds of times."""
    draws = Random(seed)  # noqa: S311 - the same noise each time
    true = [2.0 + math.sin(2 * math.pi * minute / 480) for minute in range(1440)]
    noisy = [value + draws.gauss(0, 0.25) for value in true]
    told = told_of(RULE, noisy)
    crossings = sum((one < 2.0) != (two < 2.0) for one, two in pairwise(true))
    raw = sum((one < 2.0) != (two < 2.0) for one, two in pairwise(noisy))
    assert raw > 10 * crossings
    assert set(told) == {"firing", "resolved"}
    assert 3 <= len(told) <= 2 * crossings


def test_noise_that_stays_around_the_threshold_is_one_episode() -> None:
    """Once firing, values between threshold and clear level resolve nothing: one message in a day."""
    draws = Random(1)  # noqa: S311 - likewise
    assert told_of(RULE, [1.0] * 20 + [2.0 + draws.uniform(-0.39, 0.39) for _ in range(1440)]) == ["firing"]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
@pytest.mark.parametrize("before", ["ok", "pending", "firing", "recovering"])
def test_no_number_is_no_data_never_resolved_and_one_message(writer: Writer, value: float | None, before: str) -> None:
    """From every state; the state stands beneath, however long it lasts, and after it no end is made up."""
    lead = {"ok": [3.0], "pending": [1.0], "firing": [1.0] * 17, "recovering": [1.0] * 17 + [3.0]}[before]
    now = watched(writer, RULE, lead)
    assert alert_states(writer.connection)[0].phase == before
    told = kinds(writer)
    now = watched(writer, RULE, [value] * 60, now)
    state = alert_states(writer.connection)[0]
    assert (state.shown, state.phase) == ("no_data", before)
    assert kinds(writer) == [*told, "no_data"]
    assert [one.ended for one in episodes(writer.connection, 0)] == [None] * len(kinds(writer))
    watched(writer, RULE, [lead[-1]], now)
    assert kinds(writer) == [*told, "no_data"]
    assert alert_states(writer.connection)[0].shown == before


def test_a_venue_that_is_down_is_no_data(ledger: Ledger) -> None:
    """Fills complete until noon, none proven since. BTC fired: 100 / ((200 * 2.5 + 100 * 1.5) / 4) is below 0.7."""
    noon = parse_instant("2024-01-06T12:00")
    rule = Rule("slow", "turnover", ("*",), window=4 * DAY, below=0.7, no_data_hold=HOUR)
    register_account(ledger.writer, Account("venue", "kraken", start=1), 1)
    ledger.add("2024-01-02 buy 2 BTC/USD 100\n2024-01-05 sell 1 BTC/USD 140", account="venue")
    for kind in ("fills", "deposits", "withdrawals"):
        proven = Batch(StreamKey("venue", kind), proven=(1, noon), cursor=noon)
        commit_batch(ledger.writer, proven, noon)
    ledger.measure()
    alert(ledger.writer, [rule], noon)
    for quarter in range(1, 96):
        alert(ledger.writer, [rule], noon + quarter * 15 * MINUTE, longest_gap=HOUR)
    (state,) = alert_states(ledger.reader)
    assert (state.shown, state.phase) == ("no_data", "firing")
    assert state.reason == "stale: the fills are complete only until 2024-01-06T12:00:00.000Z"
    assert kinds(ledger.writer) == ["firing", "no_data"]
