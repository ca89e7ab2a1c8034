"""The past replayed: the same episodes as lived."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.clock import DAY, HOUR, Window, parse_instant
from monitor.episodes import Rule
from monitor.jobs.alert import alert
from monitor.jobs.backtest import backtest
from monitor.store.journal import episodes

if TYPE_CHECKING:
    from tests.jobs.conftest import Ledger

JANUARY = Window(parse_instant("2024-01-01"), parse_instant("2024-01-20"))
# BTC is sold on the 4th and the 12th: in a window of two days it stands still from the 6th to the 12th.
TWO_SALES = """
    2024-01-02 buy  3 BTC/USD 100
    2024-01-04 sell 1 BTC/USD 110
    2024-01-12 sell 1 BTC/USD 110
"""
RULE = Rule("still", "turnover", ("*",), window=2 * DAY, below=0.01, hold=6 * HOUR, keep_firing=3 * HOUR)


def test_an_episode_of_the_past(ledger: Ledger) -> None:
    """Nothing relieved in [t - 2 d, t) first on the 2nd at 1 h, on the 6th at 1 h, and on the 14th at 1 h.

    Each is held for six hours; a sale ends it at its next step after the three hours it is kept firing.
    """
    ledger.add(TWO_SALES)
    ledger.measure()
    done = backtest(ledger.reader, [RULE, Rule("quiet", "stale", accounts=("*",), above=900.0)], JANUARY, HOUR)
    assert (done.steps, done.left_out, done.failures) == (19 * 24, ("quiet",), ())
    found = [(one.subject, one.kind, one.began, one.ended) for one in done.episodes]
    assert found == [
        ("BTC", "firing", instant("02T07"), instant("04T04")),
        ("BTC", "firing", instant("06T07"), instant("12T04")),
        ("BTC", "firing", instant("14T07"), None),
    ]
    assert done.messages == {"still": 5}


def instant(text: str) -> int:
    """Return an hour of January 2024."""
    return parse_instant(f"2024-01-{text}:00")


def test_it_agrees_with_what_was_lived(ledger: Ledger) -> None:
    """The live machine, every four hours over the same ledger, stored the same episodes."""
    ledger.add(TWO_SALES)
    ledger.measure()
    replayed = backtest(ledger.reader, [RULE], JANUARY, 4 * HOUR)
    for now in range(JANUARY.start + 4 * HOUR, JANUARY.end + 1, 4 * HOUR):
        alert(ledger.writer, [RULE], now, longest_gap=12 * HOUR)
    lived = [(one.told, one.ended, one.value, one.worst) for one in reversed(episodes(ledger.reader, 0))]
    assert lived == [(one.began, one.ended, one.value, one.worst) for one in replayed.episodes]
