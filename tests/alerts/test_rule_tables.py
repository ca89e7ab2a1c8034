"""From TOML tables to rules: what is read, and how mistakes are told."""

from __future__ import annotations

import tomllib

import pytest

from monitor.alerts.metrics import JOBS
from monitor.alerts.rules import parse_rules
from monitor.clock import DAY, HOUR, MINUTE
from monitor.config.settings import Schedule
from monitor.episodes import Rule
from monitor.jobs.cycle import NIGHTLY, SWEEP, WEEKLY, jobs_of

CHANNELS = {"desk", "stdout"}
WHOLE = """
[[rules]]
name = "btc-stalled"
metric = "turnover"
asset = "BTC"
account = "*"
window = "7d"
below = 2.0
clear = 2.4
for = "1h"
keep_firing_for = "15m"
no_data_for = "30m"
repeat_every = "1d"
min_inventory = 10_000
min_fills = 20
severity = "critical"
notify = ["desk"]
"""


def parsed(text: str) -> tuple[tuple[Rule, ...], list[str]]:
    """Return the rules of a TOML text and the complaints as text."""
    rules, complaints = parse_rules(tomllib.loads(text)["rules"], CHANNELS)
    return rules, [str(complaint) for complaint in complaints]


def complaint(line: str) -> str:
    """Return the only complaint about a good rule with one more line."""
    _, complaints = parsed(f'[[rules]]\nname = "r"\n{line}\n')
    assert len(complaints) == 1, complaints
    return complaints[0]


def test_every_key_is_read() -> None:
    """Durations in milliseconds, numbers as floats."""
    rules, complaints = parsed(WHOLE)
    assert complaints == []
    assert rules == (
        Rule(
            "btc-stalled",
            "turnover",
            ("BTC",),
            accounts=("*",),
            window=7 * DAY,
            below=2.0,
            clear=2.4,
            hold=HOUR,
            keep_firing=15 * MINUTE,
            no_data_hold=30 * MINUTE,
            repeat_every=DAY,
            min_inventory=10_000.0,
            min_fills=20,
            severity="critical",
            notify=("desk",),
        ),
    )


def test_levels_become_a_rule_each() -> None:
    """What a level does not say, the rule says."""
    rules, complaints = parsed(
        '[[rules]]\nname = "r"\nmetric = "turnover"\nfor = "1h"\nnotify = "desk"\n'
        '[[rules.levels]]\nseverity = "warning"\nbelow = 2.0\n'
        '[[rules.levels]]\nseverity = "critical"\nbelow = 1\nfor = "5m"\n'
    )
    assert complaints == []
    assert [(r.name, r.severity, r.below, r.hold, r.notify) for r in rules] == [
        ("r:warning", "warning", 2.0, HOUR, ("desk",)),
        ("r:critical", "critical", 1.0, 5 * MINUTE, ("desk",)),
    ]


@pytest.mark.parametrize(
    ("line", "relative", "below", "above"),
    [
        ("change_below = -0.5", "change", -0.5, None),
        ("change_above = 1.0", "change", None, 1.0),
        ("deviation_above = 4", "deviation", None, 4.0),
    ],
)
def test_relative_thresholds(line: str, relative: str, below: float | None, above: float | None) -> None:
    """They compare with the subject's own baseline."""
    rules, complaints = parsed(f'[[rules]]\nname = "r"\nmetric = "turnover"\nbaseline = "14d"\n{line}\n')
    assert complaints == []
    assert [(r.relative, r.below, r.above, r.baseline) for r in rules] == [(relative, below, above, 14 * DAY)]


def test_operational_metrics_have_a_threshold_of_their_own() -> None:
    """`stale` alone means 15 minutes, `depeg` 1 %, a gap any."""
    rules, complaints = parsed(
        '[[rules]]\nname = "a"\nmetric = "stale"\n[[rules]]\nname = "b"\nmetric = "depeg"\n'
        '[[rules]]\nname = "c"\nmetric = "gap"\naccount = "main"\n'
    )
    assert complaints == []
    assert [(r.above, r.assets, r.accounts) for r in rules] == [
        (900.0, (), ("*",)),
        (0.01, ("*",), ()),
        (0.0, (), ("main",)),
    ]


def test_times_may_be_written_as_durations() -> None:
    """30 minutes are 1,800 seconds; 12 hours are half a day."""
    rules, complaints = parsed(
        '[[rules]]\nname = "a"\nmetric = "stale"\nabove = "30m"\n'
        '[[rules]]\nname = "b"\nmetric = "days_inventory"\nabove = "12h"\n'
    )
    assert complaints == []
    assert [rule.above for rule in rules] == [1_800.0, 0.5]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('metric = "turnovr"\nbelow = 2', "metric = 'turnovr': 'turnovr' does not exist. Did you mean 'turnover'?"),
        ("below = 2", 'metric: A rule needs a metric. Write metric = "turnover".'),
        ('metric = "turnover"', "below: A rule needs a threshold. Write below = 2.0 or above = 10."),
        (
            'metric = "turnover"\nbelow = "2"',
            "below = '2': This must be a finite number. Write below = 2.0, without quotes.",
        ),
        ('metric = "turnover"\nbelow = true', "below = True: This must be a finite number."),
        ('metric = "turnover"\nbelow = nan', "below = nan: This must be a finite number."),
        (
            'metric = "turnover"\nbelow = 2\nabove = 9',
            "A rule has one threshold, this has below and above. Write two rules.",
        ),
        (
            'metric = "turnover"\nbelow = 2\nclear = 1',
            "A rule that fires below 2 cannot clear at 1. Write a number above 2",
        ),
        ('metric = "turnover"\nbelow = 2\nfor = "1 hour"', "for = '1 hour': '1 hour' is no duration."),
        ('metric = "turnover"\nbelow = 2\nfro = "1h"', "fro = '1h': There is no such key. Did you mean 'for'?"),
        ('metric = "turnover"\nbelow = 2\nseverity = "crit"', "'crit' does not exist. Did you mean 'critical'?"),
        ('metric = "turnover"\nbelow = 2\nnotify = ["desc"]', "There is no channel 'desc'. Did you mean 'desk'?"),
        ('metric = "turnover"\nbelow = 2\nasset = 5', "asset = 5: This must be a text or a list of texts."),
        ('metric = "turnover"\nbelow = 2\nmin_fills = 2.5', "min_fills = 2.5: This must be a whole number."),
        ('metric = "stale"\nasset = "BTC"', "stale is not a number of any asset. Take asset out of the rule."),
        (
            'metric = "days_inventory"\nwindow = "7d"\nabove = 7',
            "above = 7: An asset that sold nothing shows as its whole window, 7d. Write a window longer than 7 days.",
        ),
        ('metric = "stale"\nchange_above = 2', "stale has no baseline. Use below or above."),
        (
            'metric = "turnover"\nscope = "portfolio"\nasset = "BTC"\nbelow = 2',
            "A rule is about assets or about the portfolio.",
        ),
        ('metric = "turnover"\nlevels = []', "Levels are tables."),
        (
            'metric = "half_life"\nscope = "portfolio"\nabove = "2h"',
            "half_life is a number of one asset; the portfolio has none. Take scope out.",
        ),
        ('metric = "turnover"\nbelow = 0', "below = 0: This can never fire: turnover is never below 0."),
        ('metric = "active_share"\nabove = 1', "above = 1: This can never fire: active_share is never above 1."),
        ('metric = "drift"\nabove = 1', "above = 1: This can never fire: drift is never above 1."),
        ('metric = "turnover"\nchange_below = -1', "This can never fire: the change of turnover is never below -1."),
        ('metric = "turnover"\nabove = -1', "above = -1: This fires always: turnover is never below 0."),
        ('metric = "active_share"\nbelow = 1.5', "below = 1.5: This fires always: active_share is never above 1."),
        (
            'metric = "active_share"\nbelow = 0.95',
            "below = 0.95: This can never recover at 1.045: active_share is never above 1. Write clear = 1.",
        ),
        (
            'metric = "turnover"\nabove = 5\nclear = -1',
            "clear = -1: This can never recover at -1: turnover is never below 0. Write clear = 0.",
        ),
        ('metric = "stale"\nbelow = 10', "below = 10: stale is trouble above a number, not below. Use above."),
        ('metric = "stale"\nmin_fills = 5', "min_fills = 5: stale has no fills. Take min_fills out of the rule."),
        ('metric = "gap"\nmin_inventory = 5', "min_inventory = 5: gap has no inventory. Take min_inventory out"),
        ('metric = "job_failed"\njob = "fill"', "job = 'fill': There is no job 'fill'. Did you mean 'fills'?"),
    ],
)
def test_a_mistake_is_told_with_its_remedy(line: str, says: str) -> None:
    """Key, value, what is wrong, what to write."""
    assert says in complaint(line)
    assert complaint(line).startswith("rule r: ")


@pytest.mark.parametrize(
    "line",
    [
        'metric = "turnover"\nabove = 0',
        'metric = "active_share"\nbelow = 0.95\nclear = 1',
        'metric = "realised_pnl"\nbelow = -100',
        'metric = "turnover"\nchange_below = -0.99',
        'metric = "realised_pnl"\nchange_below = -2',
        'metric = "drift"\nasset = "BTC"\naccount = "main"',
        'metric = "depeg"\nasset = "USDT"\nabove = 0.02',
        'metric = "job_failed"\njob = ["fills", "weekly read"]\nabove = 3',
        'metric = "credential"',
    ],
)
def test_a_rule_that_can_do_its_work_is_good(line: str) -> None:
    """At the edge of what its metric can be, or selective."""
    assert parsed(f'[[rules]]\nname = "r"\n{line}\n')[1] == []


def test_a_rule_about_an_account_that_nobody_reads() -> None:
    """Only those that watch the reading: a rule about assets may name an imported account."""
    stale, turnover = ({"name": name, "metric": name, "below": 1, "account": "mian"} for name in ("stale", "turnover"))
    del stale["below"]
    _, complaints = parse_rules([stale, turnover], CHANNELS, {"main", "other"})
    assert [str(one) for one in complaints] == [
        "rule stale: account = 'mian': No account of this name is read. Did you mean 'main'?"
    ]


def test_the_known_jobs_are_those_of_the_service() -> None:
    """And the deeper readings, which are noted under names of their own."""
    assert {job.name for job in jobs_of(Schedule())} | {WEEKLY, NIGHTLY, SWEEP} == JOBS


def test_a_mistake_inside_a_level_has_its_path() -> None:
    """The second level is number 1."""
    text = 'metric = "turnover"\n[[rules.levels]]\nbelow = 2\n[[rules.levels]]\nbelow = 1\nseverity = "critcal"'
    assert parsed(f'[[rules]]\nname = "r"\n{text}\n')[1][0].startswith("rule r: levels[1].severity = 'critcal'")


def test_all_mistakes_come_at_once_and_good_rules_stay() -> None:
    """Two bad rules, one good one, one name twice."""
    rules, complaints = parsed(
        '[[rules]]\nname = "a"\nmetric = "turnover"\nbelow = 1\n'
        '[[rules]]\nname = "b"\nmetric = "turnovr"\nbelow = 1\nfro = 1\n'
        '[[rules]]\nname = "a"\nmetric = "turnover"\nbelow = 3\n'
        '[[rules]]\nname = "a b"\nmetric = "turnover"\nbelow = 3\n'
    )
    assert [rule.name for rule in rules] == ["a"]
    assert len(complaints) == 4


def test_positions_lead_to_the_line() -> None:
    """Whoever knows the file finds the second table by its position."""
    _, complaints = parse_rules([{"name": "a", "metric": "turnover", "below": 1}, {"name": 5}], CHANNELS)
    assert {one.position for one in complaints} == {1}
