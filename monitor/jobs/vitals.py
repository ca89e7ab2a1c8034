"""What the operational rules see: data that stopped, gaps, refused keys, drifts, broken pegs, failing jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from monitor.clock import SECOND, iso
from monitor.episodes import Measurement
from monitor.jobs.pegs import peg_checks
from monitor.jobs.proof import Proof
from monitor.store import answers, findings, query
from monitor.store.runs import job_states
from monitor.store.settings import load_valuation

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable

    from monitor.episodes import Rule

IMPORTED = "file"
PAUSED = "paused"


class Vital(NamedTuple):
    """One value of one subject; without a value there is a reason. `detail` says more to the reader."""

    subject: str
    value: float | None
    reason: str | None = None
    detail: str | None = None


def vitals(connection: sqlite3.Connection, rule: Rule, known: Iterable[str], now: int) -> list[Measurement]:
    """Return what an operational rule sees now; `known` are the subjects it already has a state for.

    A subject that is gone (an account taken out of the settings, a finding that was settled) is exempt.
    """
    seen = [one for one in READ[rule.metric](connection, now) if _chosen(rule, one.subject)]
    found = {one.subject for one in seen}
    named = set(rule.accounts or rule.assets) - {"*"} if rule.metric != "drift" else set()
    seen += [Vital(subject, None, _unseen(connection, rule, subject)) for subject in sorted(named - found)]
    if rule.metric == "depeg":
        # A market that fell silent says nothing about the peg, least of all that it holds again.
        silent = (set(known) & load_valuation(connection).pegs.keys()) - found - named
        seen += [Vital(subject, None, _unseen(connection, rule, subject)) for subject in sorted(silent)]
    gone = sorted(set(known) - {one.subject for one in seen})
    measured = [
        Measurement(rule.name, one.subject, now, one.value, one.reason, context={"detail": one.detail}) for one in seen
    ]
    return measured + [Measurement(rule.name, subject, now, None, "gone", standing="exempt") for subject in gone]


def _chosen(rule: Rule, subject: str) -> bool:
    """Return whether a rule is about a subject; a drift's is an account and an asset, each chosen by itself."""
    if rule.metric != "drift":
        chosen = rule.accounts or rule.assets
        return "*" in chosen or subject in chosen
    account, _, asset = subject.partition(" ")
    return all(
        not names or "*" in names or word in names for names, word in ((rule.accounts, account), (rule.assets, asset))
    )


def _unseen(connection: sqlite3.Connection, rule: Rule, subject: str) -> str:
    """Return why there is nothing to say of a subject that the rule names, or that it watched."""
    if rule.metric == "depeg":
        return f"no market of {subject} against {load_valuation(connection).currency} had a price in the last day"
    return f"{subject} has not run yet" if rule.metric == "job_failed" else f"no account {subject} is read from a venue"


def _stale(connection: sqlite3.Connection, now: int) -> list[Vital]:
    """Seconds since the fills of an account are complete; imported files are always complete."""
    proof = Proof(answers.coverage(connection), {})
    vital = []
    for account in _read_accounts(connection):
        until = proof.complete_until([account.account], now) if account.account in proof.intervals else None
        if until is None:
            vital.append(Vital(account.account, None, "its fills were never read", account.last_error))
        else:
            late = f"complete until {iso(until)}"
            detail = f"{late}; last error: {account.last_error}" if account.last_error else late
            vital.append(Vital(account.account, (now - until) / SECOND, detail=detail))
    return vital


def _gap(connection: sqlite3.Connection, _now: int) -> list[Vital]:
    """Open gaps of an account."""
    return [Vital(one.account, float(one.open_gaps)) for one in _read_accounts(connection)]


def _credential(connection: sqlite3.Connection, _now: int) -> list[Vital]:
    """1 while an account is paused because the venue refused its key, else 0."""
    return [
        Vital(one.account, float(one.state == PAUSED), detail=one.reason or one.last_error)
        for one in _read_accounts(connection)
    ]


def _drift(connection: sqlite3.Connection, _now: int) -> list[Vital]:
    """1 for every balance that does not match the ledger."""
    return [Vital(one.subject, 1.0, detail=one.message) for one in findings.findings(connection) if one.code == "drift"]


def _depeg(connection: sqlite3.Connection, now: int) -> list[Vital]:
    """Distance of a market price from the assumed peg, as a share of it; assets without a market are left out."""
    return [
        Vital(one.asset, float(one.distance), detail=f"{one.source} {one.price:f}, assumed {one.peg:f}")
        for one in peg_checks(connection, now)
    ]


def _job_failed(connection: sqlite3.Connection, _now: int) -> list[Vital]:
    """Failed runs in a row of a job."""
    return [Vital(one.job, float(one.failures), detail=one.error) for one in job_states(connection)]


def _read_accounts(connection: sqlite3.Connection) -> list[query.AccountRow]:
    return [one for one in query.accounts(connection) if one.exchange != IMPORTED]


READ: dict[str, Callable[[sqlite3.Connection, int], list[Vital]]] = {
    "stale": _stale,
    "gap": _gap,
    "credential": _credential,
    "drift": _drift,
    "depeg": _depeg,
    "job_failed": _job_failed,
}
