"""What each rule sees of the ledger: one measurement for every subject, or the reason why there is none.

A number that rests on missing fills, on prices nobody knows or on guessed basis is no evidence: it comes without
a value and with the reason. An asset without inventory is exempt: there is nothing an alert could be about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from monitor.clock import DAY, iso, parse_instant
from monitor.episodes import Measurement
from monitor.jobs.answer import turnover_answer
from monitor.jobs.baseline import against_usual
from monitor.jobs.question import HEADLINE_BOOK
from monitor.store import query
from monitor.store.settings import load_valuation
from monitor.store.vitals import last_fill

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from monitor.episodes import Rule
    from monitor.jobs.baseline import Baselines
    from monitor.jobs.question import By

Row = dict[str, object]
PORTFOLIO = "portfolio"
# These read single lots: the answer leaves them out unless asked.
NEED_DETAIL = ("age.", "half_life", "holding_time.median", "holding_time.p95", "peak_inventory")
# What a status says about a number, and the metrics that do not mind it.
UNFIT = {
    "unpriced": (
        "a leg or a lot has no price",
        {"unit_turnover", "active_share", "closing.quantity", "estimated_share"},
    ),
    "partial": ("the history in the window is not proven complete", set()),
    "estimated": ("more than 5 % rests on estimated basis", {"unit_turnover", "estimated_share", "closing.quantity"}),
}
# Nothing was held, or nothing relieved: no number, and nothing to alert on.
NOTHING_THERE = {"no_inventory": "no inventory in the window", "instantaneous": "no inventory for any length of time"}


class Ask(NamedTuple):
    """One question to the ledger; rules that share it share the answer."""

    window: int
    by: By
    detail: bool
    end: int | None = None


@dataclass(frozen=True)
class Desk:
    """What all readings of one evaluation share: the database, the present, the baselines, and answers so far."""

    connection: sqlite3.Connection
    now: int
    baselines: Baselines
    answers: dict[Ask, Mapping[str, object]]

    def answer(self, ask: Ask) -> Mapping[str, object]:
        """Return the answer to a question, asked once."""
        if ask not in self.answers:
            self.answers[ask] = turnover_answer(
                self.connection,
                now=self.now,
                window=ask.window,
                by=ask.by,
                detail=ask.detail,
                end=ask.end,
                book=HEADLINE_BOOK,
            )
        return self.answers[ask]


def readings(desk: Desk, rule: Rule, known: Iterable[str]) -> list[Measurement]:
    """Return what a rule about the ledger sees now; `known` are the subjects it already has a state for.

    Raises:
        UsageError: the rule asks for something the ledger cannot answer.
    """
    ask = ask_of(rule)
    answer = desk.answer(ask)
    found = rows_of(rule, answer)
    measured = [_measured(desk, rule, subject, row, answer) for subject, row in found.items()]
    if rule.relative:
        measured = [against_usual(rule, one, _samples(desk, rule, ask, one.subject)) for one in measured]
    named = set() if rule.accounts else set(rule.assets) - {"*"}
    named |= _unknown(desk, rule)
    return measured + [_absent(rule, subject, desk.now, named) for subject in sorted({*known, *named} - found.keys())]


def _unknown(desk: Desk, rule: Rule) -> set[str]:
    """Return the subjects of accounts a rule names and the ledger does not have: mistyped, they would never fire."""
    accounts = set(rule.accounts) - {"*"}
    if not accounts:
        return set()
    missing = accounts - {one.account for one in query.accounts(desk.connection)}
    assets = (PORTFOLIO,) if rule.scope == PORTFOLIO else rule.assets
    return {f"{asset}@{account}" for asset in assets for account in missing}


def ask_of(rule: Rule, end: int | None = None) -> Ask:
    """Return the question a rule asks."""
    return Ask(rule.window, "account" if rule.accounts else "asset", rule.metric.startswith(NEED_DETAIL), end)


def rows_of(rule: Rule, answer: Mapping[str, object]) -> dict[str, Row]:
    """Return the rows of an answer that a rule is about, by subject."""
    if rule.scope == PORTFOLIO:
        if not rule.accounts:
            return dict(zip([PORTFOLIO], _rows([answer["portfolio"]]), strict=True))
        return {f"{PORTFOLIO}@{row['account']}": row for row in _rows(answer["accounts"]) if _chosen(rule, row)}
    return {
        f"{row['asset']}@{row['account']}" if rule.accounts else str(row["asset"]): row
        for row in _rows(answer["assets"])
        if _chosen(rule, row) and ("*" in rule.assets or row["asset"] in rule.assets)
    }


def value_of(row: Mapping[str, object], metric: str) -> float | None:
    """Return a metric of a row as a number, None where it is missing; a dot reaches into the row."""
    found: object = row
    for part in metric.split("."):
        found = found.get(part) if isinstance(found, dict) else None
    # Quantities are exact text; for a comparison with a threshold a float is exact enough.
    return float(found) if isinstance(found, int | float | str) else None


def unfit(row: Mapping[str, object], metric: str) -> str | None:
    """Return why the number of a row is no evidence, None if it is."""
    why, unaffected = UNFIT.get(str(row["status"]), ("", {metric}))
    return None if metric in unaffected else why


def _measured(desk: Desk, rule: Rule, subject: str, row: Row, answer: Mapping[str, object]) -> Measurement:
    """Return the measurement of one row."""
    inventory, fills = row.get("average_inventory"), row.get("fills")
    one = Measurement(
        rule.name,
        subject,
        desk.now,
        value_of(row, rule.metric),
        inventory=inventory if isinstance(inventory, float) else None,
        fills=fills if isinstance(fills, int) else None,
        context=_context(desk, subject, row, answer),
    )
    if reason := _stale(desk, row, answer) or unfit(row, rule.metric):
        return replace(one, value=None, reason=reason)
    if one.value is not None:
        return one
    return _without_value(rule, row, one)


def _without_value(rule: Rule, row: Row, one: Measurement) -> Measurement:
    """Return the measurement of a sound row whose metric is null, with what that means."""
    status = str(row["status"])
    if status == "idle" and rule.metric == "days_inventory":
        # Nothing was relieved: what is held lasts longer than the window, which is all that is known.
        return replace(
            one, value=rule.window / DAY, context={**one.context, "detail": "nothing relieved in the window"}
        )
    if status in NOTHING_THERE:
        return replace(one, standing="exempt", reason=NOTHING_THERE[status])
    if status == "idle":
        return replace(one, standing="exempt", reason="nothing relieved in the window")
    if rule.metric == "half_life":
        return replace(one, standing="exempt", reason=str(row.get("half_life_reason") or "no mean reversion"))
    if rule.metric.startswith("age."):
        return replace(one, standing="exempt", reason="no open lots")
    return replace(one, reason=f"{rule.metric} has no value")


def _stale(desk: Desk, row: Row, answer: Mapping[str, object]) -> str | None:
    """Return that the fills behind a row are old, None if they are fresh."""
    freshness = row.get("freshness")
    until = freshness.get("fills_complete_until") if isinstance(freshness, dict) else answer["as_of"]
    if not isinstance(until, str):
        return "the fills were never read"
    late = desk.now - min(parse_instant(until), parse_instant(str(answer["as_of"])))
    stale_after = load_valuation(desk.connection).stale_after
    return f"stale: the fills are complete only until {until}" if late > stale_after else None


def _absent(rule: Rule, subject: str, now: int, named: set[str]) -> Measurement:
    """Return the measurement of a subject the answer does not have."""
    if subject in named:
        return Measurement(rule.name, subject, now, None, f"there is no {subject} in the ledger")
    return Measurement(rule.name, subject, now, None, "not held, or no longer covered by the rule", standing="exempt")


def _samples(desk: Desk, rule: Rule, ask: Ask, subject: str) -> list[float]:
    """Return the metric of a subject at the instants its baseline is made of; unfit and missing ones left out."""
    samples = []
    for end in desk.baselines.ends(rule, desk.now):
        values = desk.baselines.known(rule, end)
        if values is None:
            rows = rows_of(rule, desk.answer(ask._replace(end=end)))
            values = {
                name: None if unfit(row, rule.metric) else value_of(row, rule.metric) for name, row in rows.items()
            }
            desk.baselines.keep(rule, end, values)
        if (value := values.get(subject)) is not None:
            samples.append(value)
    return samples


def _context(desk: Desk, subject: str, row: Row, answer: Mapping[str, object]) -> dict[str, str | float | int | None]:
    """Return the figures behind a value, for the message."""
    asset, _, account = subject.partition("@")
    figures = {name: value_of(row, name) for name in ("relieved_basis", "average_inventory", "days_inventory")}
    return {
        **figures,
        "currency": str(answer["currency"]),
        "status": str(row["status"]),
        "as_of": str(answer["as_of"] or iso(desk.now)),
        "last_fill": last_fill(desk.connection, None if asset == PORTFOLIO else asset, account or None),
    }


def _chosen(rule: Rule, row: Row) -> bool:
    return not rule.accounts or "*" in rule.accounts or row["account"] in rule.accounts


def _rows(listed: object) -> list[Row]:
    return [row for row in listed if isinstance(row, dict)] if isinstance(listed, list) else []
