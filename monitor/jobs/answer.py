"""The answer to "how fast does the inventory turn over?", from the derived tables alone: no heavy import, no network.

The shape is that of `monitor turnover -f json`: missing is None, quantities are exact text, money and ratios are
numbers, instants ISO 8601. The total is always that of the portfolio's own pools, whatever the rows are by; where
assets are named it is theirs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Unpack

from monitor.clock import iso
from monitor.jobs.proof import partial_findings, stale_findings
from monitor.jobs.question import Question
from monitor.jobs.turns import inquire, turns
from monitor.records import Finding
from monitor.store.answers import pools, snapshot
from monitor.store.findings import findings
from monitor.store.sweeping import unswept
from monitor.turnover.holding import age, holding_time
from monitor.turnover.portfolio import counted_once, portfolio_metrics, total, total_position
from monitor.turnover.ratios import metrics, position

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from monitor.jobs.proof import Hole
    from monitor.jobs.question import Options
    from monitor.jobs.turns import Inquiry, Turn
    from monitor.turnover.ratios import Metrics

Answer = dict[str, object]


def turnover_answer(connection: sqlite3.Connection, *, now: int, **options: Unpack[Options]) -> Answer:
    """Return the turnover of the desk as the database has it; `options` are the fields of `Question`.

    Raises:
        UsageError: an unknown asset, book, method or scope, or an empty window.
    """
    question = Question(**options)
    with unswept(), snapshot(connection):
        return _answer(inquire(connection, question, now))


def _answer(inquiry: Inquiry) -> Answer:
    by, window = inquiry.question.by, inquiry.window
    account = inquiry.question.account
    holes = [hole for hole in inquiry.proof.holes(window) if account in {None, hole.account}]
    pooled = turns(inquiry, "account" if account else "portfolio", holes)
    shown = turns(inquiry, "account", holes) if by == "account" and not account else pooled
    unpriced = sorted({turn.pool.asset for turn in pooled if turn.sums["unvalued"] or turn.sums["unpriced_time"]})
    answer: Answer = {
        "currency": inquiry.valuation.currency,
        "method": inquiry.method,
        "scope": inquiry.question.scope,
        "as_of": iso(inquiry.as_of),
        "window": {"from": iso(window.start), "to": iso(window.end), "days": window.days, "unproven": _spans(holes)},
        "portfolio": _total(inquiry, pooled, holes),
        "assets": [] if by == "portfolio" else [_row(inquiry, turn) for turn in shown],
    }
    if by == "account":
        answer["accounts"] = _accounts(inquiry, shown, holes)
    return answer | {"unpriced": unpriced, "findings": _findings(inquiry, holes, unpriced)}


def _spans(holes: Sequence[Hole]) -> list[dict[str, str]]:
    return [{"account": hole.account, "from": iso(hole.start), "to": iso(hole.end)} for hole in holes]


def _row(inquiry: Inquiry, turn: Turn) -> Metrics:
    """Return the numbers of one pool."""
    pool, window, detail = turn.pool, inquiry.window, turn.detail
    until = inquiry.until(pool)
    row = {
        "asset": pool.asset,
        "book": pool.book,
        "account": pool.account or None,
        **metrics(turn.sums, window, partial=bool(turn.holes)),
        "holding_time": holding_time(turn.sums, detail.held if detail else None),
        "opening": position(turn.first),
        "closing": position(turn.last),
        "freshness": {"fills_complete_until": until, "gaps": len(turn.holes)},
    }
    if detail:
        row |= {
            "peak_inventory": detail.peak,
            "half_life": detail.half_life.seconds,
            "half_life_reason": detail.half_life.reason,
            "age": age(detail.lots, window.end),
        }
    return row


def _total(inquiry: Inquiry, every: Sequence[Turn], holes: Sequence[Hole]) -> Metrics:
    """Return the numbers of several pools of the books to sum; peak and half-life belong to one pool."""
    books = inquiry.question.summed()
    pooled = [turn for turn in every if turn.pool.book in books]
    sums = total(turn.sums for turn in pooled)
    partial = any(turn.holes for turn in pooled) if inquiry.assets else bool(holes)
    # Of named assets every leg counts; of all of them, a cross would count twice.
    notional = sums if inquiry.assets else counted_once(sums)
    details = [turn.detail for turn in pooled if turn.detail]
    held = [part for detail in details for part in detail.held] if inquiry.question.detail else None
    row = {
        **portfolio_metrics(notional, inquiry.window, partial=partial),
        "holding_time": holding_time(sums, held),
        "opening": total_position(turn.first for turn in pooled),
        "closing": total_position(turn.last for turn in pooled),
    }
    if inquiry.question.detail:
        lots = [lot for detail in details for lot in detail.lots]
        row |= {
            "peak_inventory": None,
            "half_life": None,
            "half_life_reason": "units of different assets do not add up",
            "age": age(lots, inquiry.window.end),
        }
    return row


def _accounts(inquiry: Inquiry, shown: Sequence[Turn], holes: Sequence[Hole]) -> list[Metrics]:
    """Return the total of each account, from its own pools."""
    names = sorted({turn.pool.account for turn in shown})
    return [
        {
            "account": name,
            **_total(
                inquiry,
                [turn for turn in shown if turn.pool.account == name],
                [hole for hole in holes if hole.account == name],
            ),
        }
        for name in names
    ]


def _findings(inquiry: Inquiry, holes: Sequence[Hole], unpriced: Sequence[str]) -> list[dict[str, str]]:
    """Return what a person must know about these numbers: what the database has noted, and what follows from it."""
    noted = findings(inquiry.connection)
    others: set[str] = set()
    if inquiry.assets:
        subjects = [finding.subject.rpartition(":")[2] for finding in noted]
        others = {pool.asset for pool in pools(inquiry.connection, "portfolio", inquiry.method, subjects or [""])}
    others -= inquiry.assets
    found = {(f.code, f.subject): f for f in noted if f.subject.rpartition(":")[2] not in others}
    for finding in (*_restating(inquiry), *_unpriced(unpriced), *partial_findings(holes), *_stale(inquiry)):
        found.setdefault((finding.code, finding.subject), finding)
    return [
        {"code": f.code, "subject": f.subject, "severity": f.severity, "message": f.message, "remedy": f.remedy}
        for f in found.values()
    ]


def _restating(inquiry: Inquiry) -> list[Finding]:
    return [
        Finding(
            "restating",
            asset,
            f"Rows of {asset} from {iso(since)} on are stored but not yet in these numbers.",
            "They follow with the next measurement; `monitor run` does that by itself.",
            "info",
        )
        for asset, since in inquiry.restating.items()
        if since < inquiry.window.end and (not inquiry.assets or asset in inquiry.assets)
    ]


def _unpriced(assets: Sequence[str]) -> list[Finding]:
    return [
        Finding(
            "unpriced",
            asset,
            f"{asset} has legs or lots without a value in the window: its numbers, and the total, are missing.",
            "Give prices with `monitor import --prices FILE` (columns time,asset,price).",
        )
        for asset in assets
    ]


def _stale(inquiry: Inquiry) -> list[Finding]:
    """Return the accounts that lag, where the window reaches up to the present rather than to a given instant."""
    if inquiry.question.end is not None or inquiry.question.as_of is not None:
        return []
    return stale_findings(inquiry.proof.stale(inquiry.now, inquiry.valuation.stale_after))
