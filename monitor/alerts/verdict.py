"""What one measurement says about one rule, with the reason: breach, between, clear, or nothing to go by."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from monitor.episodes import Blindness, Measurement, Rule, Verdict

# Without `clear` a rule recovers 10 % beyond its threshold.
BEYOND = 0.10


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, or the blindness that forbids one."""

    verdict: Verdict | None
    blind: Blindness | None = None
    reason: str = ""


def side(rule: Rule) -> Literal["below", "above"]:
    """Return on which side of its threshold the rule is breached."""
    return "below" if rule.below is not None else "above"


def threshold(rule: Rule) -> float:
    """Return the number the rule compares with, in the metric's unit; checked rules have exactly one."""
    limit = rule.below if rule.below is not None else rule.above
    return limit if limit is not None else math.nan


def clear_level(rule: Rule) -> float:
    """Return the value a firing subject must pass to recover: `clear`, else 10 % of the threshold beyond it."""
    if rule.clear is not None:
        return rule.clear
    limit = threshold(rule)
    return limit + BEYOND * abs(limit) if side(rule) == "below" else limit - BEYOND * abs(limit)


def judge(rule: Rule, measurement: Measurement | None) -> Judgement:
    """Return what a measurement says: strict comparison with the threshold, `clear` reached or passed.

    No data: no measurement, a reason given, null, NaN or infinite. A value that came with a reason is no evidence
    either: it may rest on missing fills. Exempt (no inventory at all) and a closed gate (too little inventory, too few
    fills) are clear; a measurement that failed is an error.
    """
    if measurement is None:
        return Judgement(None, "no_data", "not measured")
    if measurement.standing == "failed":
        return Judgement(None, "error", measurement.reason or "measuring failed")
    if measurement.standing == "exempt":
        return Judgement("clear", reason=measurement.reason or "nothing to alert on")
    if measurement.reason or measurement.value is None:
        return Judgement(None, "no_data", measurement.reason or "no value")
    if not math.isfinite(measurement.value):
        return Judgement(None, "no_data", f"the value is {measurement.value}")
    return _gated(rule, measurement) or Judgement(_compared(rule, measurement.value))


def _gated(rule: Rule, measurement: Measurement) -> Judgement | None:
    """Return the judgement of a gate that decides, None where all gates are open."""
    gates = (("inventory", rule.min_inventory, measurement.inventory), ("fills", rule.min_fills, measurement.fills))
    for name, least, found in gates:
        if least is None:
            continue
        if found is None:
            return Judgement(None, "no_data", f"{name} unknown, and the rule asks for at least {least:,}")
        if found < least:
            return Judgement("clear", reason=f"{name} {found:,} below the rule's minimum of {least:,}")
    return None


def _compared(rule: Rule, value: float) -> Verdict:
    """Return where a value lies against threshold and clear level."""
    limit, clear = threshold(rule), clear_level(rule)
    below = side(rule) == "below"
    if value < limit if below else value > limit:
        return "breach"
    if value >= clear if below else value <= clear:
        return "clear"
    return "between"
