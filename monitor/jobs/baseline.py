"""What is usual for a subject: the same metric, of windows that ended on an even grid of the past.

    change    = value / median - 1
    deviation = |value - median| / MAD        MAD = median(|sample - median|)

Samples come from the ledger, not from old measurements, so that a rule added today knows the last month. Each is asked
once: the grid does not move with the present, and a restatement makes all be asked again.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from monitor.episodes import Measurement, Rule

SAMPLES = 30
# With fewer a median is an anecdote.
FEWEST = 5

Values = dict[str, float | None]


@dataclass
class Baselines:
    """The samples asked so far, by rule and instant; they live as long as the process."""

    kept: dict[tuple[str, str, int, int], Values] = field(default_factory=dict)

    def ends(self, rule: Rule, now: int) -> list[int]:
        """Return the ends of the windows sampled: past multiples of a thirtieth of the baseline, newest first."""
        step = max(1, rule.baseline // SAMPLES)
        last = now // step * step - step
        return [last - number * step for number in range(SAMPLES)]

    def known(self, rule: Rule, end: int) -> Values | None:
        """Return the samples of all subjects at an instant, None if they were not asked yet."""
        return self.kept.get((rule.name, rule.metric, rule.window, end))

    def keep(self, rule: Rule, end: int, values: Mapping[str, float | None]) -> None:
        """Remember the samples of an instant, and forget those the baseline has left behind."""
        oldest = end - rule.baseline
        self.kept = {key: found for key, found in self.kept.items() if key[0] != rule.name or key[3] >= oldest}
        self.kept[rule.name, rule.metric, rule.window, end] = dict(values)

    def forget(self) -> None:
        """Ask everything again: the past was restated."""
        self.kept.clear()


def against_usual(rule: Rule, measured: Measurement, samples: Sequence[float]) -> Measurement:
    """Return the measurement of a value's distance from what is usual.

    Null, with the reason: fewer than five samples; a median of 0 (change); samples without any spread (deviation).
    """
    if measured.value is None:
        return measured
    if len(samples) < FEWEST:
        return replace(
            measured, value=None, reason=f"only {len(samples)} of at least {FEWEST} samples of what is usual"
        )
    usual = median(samples)
    context = {**measured.context, "usual": usual, "measured": measured.value}
    if rule.relative == "change":
        if not usual:
            return replace(measured, value=None, reason="the usual value is 0", context=context)
        return replace(measured, value=measured.value / usual - 1, context=context)
    spread = median(abs(sample - usual) for sample in samples)
    if not spread:
        return replace(measured, value=None, reason="the samples of what is usual have no spread", context=context)
    return replace(measured, value=abs(measured.value - usual) / spread, context=context)
