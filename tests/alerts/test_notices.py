"""The words of messages, whole: a change of a word is a change of this file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from monitor.alerts.figures import figure, plain_number, span
from monitor.alerts.notices import command, digest, text
from monitor.clock import DAY, HOUR, MINUTE, parse_instant
from monitor.episodes import Notice

NINE = parse_instant("2026-01-31T09:00:00Z")
FIRING = Notice(
    "btc-stalled",
    "BTC",
    3,
    "firing",
    time=NINE,
    since=NINE - HOUR,
    metric="turnover",
    unit="turns",
    window=7 * DAY,
    value=1.4213,
    worst=1.4,
    threshold=2.0,
    clear=2.4,
    context={
        "relieved_basis": 14_213.0,
        "average_inventory": 10_000.0,
        "days_inventory": 4.925,
        "last_fill": NINE - 10 * HOUR - 49 * MINUTE,
        "currency": "USD",
    },
)
SHORT = """\
FIRING warning: btc-stalled: BTC turnover 1.42x, below 2x
since 2026-01-31 08:00:00 UTC
relieved basis 14,213 USD; average inventory 10,000 USD; inventory lasts 4.92 days; last fill 2026-01-30 22:11:00 UTC \
(10h 49m earlier)
> monitor turnover BTC --window 7d"""
LONG = """\
FIRING warning: btc-stalled: BTC turnover 1.42x, below 2x

What   turnover of BTC over 7d
Value  1.42x; alerts below 2x, recovers at 2.4x or above; worst 1.4x
Since  2026-01-31 08:00:00 UTC (1h before this was decided)
Why    relieved basis 14,213 USD; average inventory 10,000 USD; inventory lasts 4.92 days; last fill \
2026-01-30 22:11:00 UTC (10h 49m earlier)
Next   monitor turnover BTC --window 7d
Key    btc-stalled/BTC/3/firing"""


def test_the_short_form() -> None:
    """For chat and pager."""
    assert text(FIRING, NINE).short == SHORT


def test_the_long_form() -> None:
    """For mail."""
    assert text(FIRING, NINE).long == LONG


def test_the_page_has_its_line() -> None:
    """Only where there is one."""
    assert "Page   https://desk.example/btc\n" in text(FIRING, NINE, page="https://desk.example/btc").long


@pytest.mark.parametrize(
    ("change", "title"),
    [
        ({"kind": "reminder", "ordinal": 2}, "STILL FIRING warning: btc-stalled: BTC turnover 1.42x, below 2x"),
        ({"kind": "resolved", "value": 2.5}, "RESOLVED warning: btc-stalled: BTC turnover 2.5x"),
        (
            {"kind": "resolved", "value": None, "reason": "no inventory in the window"},
            "RESOLVED warning: btc-stalled: BTC turnover: no inventory in the window",
        ),
        (
            {"kind": "no_data", "value": None, "reason": "stale: no fills since 08:00"},
            "NO DATA warning: btc-stalled: BTC has no turnover to judge: stale: no fills since 08:00",
        ),
        (
            {"value": -0.52, "threshold": -0.5, "unit": "share"},
            "FIRING warning: btc-stalled: BTC change from the usual, turnover -52 %, below -50 %",
        ),
        (
            {
                "subject": "main",
                "metric": "stale",
                "unit": "seconds",
                "side": "above",
                "value": 4_000.0,
                "threshold": 900.0,
            },
            "FIRING warning: btc-stalled: main stale 1h 6m, above 15m",
        ),
    ],
)
def test_titles(change: dict[str, object], title: str) -> None:
    """One line that says what is the matter, for each kind."""
    assert text(replace(FIRING, **change), NINE).title == title  # type: ignore[arg-type]  # a table of fields


def test_an_end_nobody_knew_the_beginning_of() -> None:
    """The channel was dead for the whole episode: one message tells both."""
    late = text(replace(FIRING, kind="resolved", value=2.5), NINE + DAY, unannounced=True)
    assert late.short.splitlines()[3:5] == [
        "it fired and ended before this could be sent; there was no message of the beginning",
        "decided 2026-01-31 09:00:00 UTC, sent 1d late",
    ]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, "monitor turnover BTC --window 7d"),
        ({"window": 12 * HOUR}, "monitor turnover BTC --window 12h"),
        ({"subject": "BTC@main"}, "monitor turnover BTC --window 7d --by account"),
        ({"subject": "portfolio"}, "monitor turnover --window 7d"),
        ({"subject": "main", "metric": "stale"}, "monitor status"),
    ],
)
def test_the_next_command_is_exact(change: dict[str, object], words: str) -> None:
    """It can be pasted."""
    assert command(replace(FIRING, **change)) == words  # type: ignore[arg-type]  # a table of fields


def test_a_digest_counts_and_lists() -> None:
    """Two firing and one resolved make one message with a line each."""
    three = [FIRING, replace(FIRING, subject="ETH"), replace(FIRING, subject="SOL", kind="resolved")]
    whole = digest([(notice, text(notice, NINE)) for notice in three])
    assert whole.title == "3 alerts: 2 firing, 1 resolved"
    assert whole.short.splitlines()[1:] == [text(notice, NINE).title for notice in three]


def test_a_digest_of_hundreds_still_fits_a_chat() -> None:
    """Services refuse what is too long, for ever: what does not fit is counted."""
    many = [replace(FIRING, subject=f"A{number}") for number in range(300)]
    lines = digest([(notice, text(notice, NINE)) for notice in many]).short.splitlines()
    assert sum(len(line) + 1 for line in lines) < 1_700
    assert lines[0] == "300 alerts: 300 firing"
    assert lines[-2:] == [f"and {300 - (len(lines) - 3)} more", "> monitor alerts list"]


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, "turns", "unknown"),
        (0.0, "turns", "0x"),
        (1.005, "days", "1 day"),
        (0.012345, "turns", "0.0123x"),
        (1_234_567.8, "money", "1,234,568 USD"),
        (0.35, "share", "35 %"),
        (3.0, "count", "3"),
        (5.5, "MADs", "5.5 MADs"),
    ],
)
def test_figures_carry_their_unit(value: float | None, unit: str, words: str) -> None:
    """As many digits as decide something."""
    assert figure(value, unit, "USD") == words


def test_spans_in_two_units() -> None:
    """90,061 seconds are 1d 1h; under a second is 0s."""
    assert [span(90_061_000), span(65_000), span(3_600_000), span(999)] == ["1d 1h", "1m 5s", "1h", "0s"]


def test_a_thousand_is_written_whole() -> None:
    """Cents decide nothing from there on."""
    assert [plain_number(999.994), plain_number(-1_000.4)] == ["999.99", "-1,000"]
