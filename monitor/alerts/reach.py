"""Rules that are well written and still useless: that can never fire, fire always, or never recover.

Which numbers a metric can have is stated with the metric; here a rule's threshold and clear level are held against it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from monitor.alerts.metrics import METRICS
from monitor.alerts.verdict import clear_level, side, threshold

if TYPE_CHECKING:
    from monitor.episodes import Rule

Bounds = tuple[float, float]


def bounds(rule: Rule) -> Bounds:
    """Return the least and the greatest number the rule can see; infinite where nothing bounds it.

    A change of what is never negative is never below -1; a distance is never negative.
    """
    metric = METRICS[rule.metric]
    least = -math.inf if metric.least is None else metric.least
    most = math.inf if metric.most is None else metric.most
    if rule.relative == "change":
        return (-1.0 if least >= 0 else -math.inf), math.inf
    if rule.relative == "deviation":
        return 0.0, math.inf
    return least, most


def useless(rule: Rule) -> tuple[str, str, str] | None:
    """Return (key, what is wrong, remedy) of a rule that cannot do its work, None if it can.

    `key` is "threshold" or "clear". Strict comparison fires, reaching the clear level recovers, as live.
    """
    limit, clear, (least, most) = threshold(rule), clear_level(rule), bounds(rule)
    below = side(rule) == "below"
    name = f"the {rule.relative} of {rule.metric}" if rule.relative else rule.metric
    if limit <= least if below else limit >= most:
        edge = f"never {side(rule)} {least if below else most:g}"
        return "threshold", f"This can never fire: {name} is {edge}.", "Write another threshold."
    if limit > most if below else limit < least:
        edge = f"never above {most:g}" if below else f"never below {least:g}"
        return "threshold", f"This fires always: {name} is {edge}.", "Write another threshold."
    if clear > most if below else clear < least:
        nearest = most if below else least
        what = f"never above {most:g}" if below else f"never below {least:g}"
        return "clear", f"This can never recover at {clear:g}: {name} is {what}.", f"Write clear = {nearest:g}."
    return None
