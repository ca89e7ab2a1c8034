"""The words of a message: what, where, since when, value against threshold, why, and what to do next.

Two forms from the same facts: the short one for chat and pager, the long one for mail. Texts are made when a message
leaves, not when it was decided, so that a late one says that it is late.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

from monitor.alerts.figures import UNKNOWN, figure, moment, span
from monitor.alerts.metrics import METRICS, OPERATIONAL
from monitor.clock import MINUTE, duration_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from monitor.episodes import Notice

HEADS = {"firing": "FIRING", "reminder": "STILL FIRING", "resolved": "RESOLVED", "no_data": "NO DATA"}
# A message that leaves later than this after it was decided says so.
LATE = 5 * MINUTE
# Characters of a digest's lines in chat: some services refuse a message of more than 2,000.
LONGEST_SHORT = 1_500


@dataclass(frozen=True, slots=True)
class Text:
    """A message in words: one line, a few lines, and the whole of it."""

    title: str
    short: str
    long: str


def text(notice: Notice, now: int, *, unannounced: bool = False, page: str = "") -> Text:
    """Return the words of one message that leaves at `now`.

    `unannounced`: it resolves what the receiver was never told of. `page` is the address of the web page, if any.
    """
    title = f"{HEADS[notice.kind]} {notice.severity}: {notice.rule}: {_sentence(notice)}"
    remarks = _remarks(notice, now, unannounced=unannounced)
    why = _why(notice)
    after = command(notice)
    short = [title, f"since {moment(notice.since)}", *([why] if why else []), *remarks, f"> {after}"]
    rows = [
        ("What", f"{_metric(notice)} of {notice.subject}{_over(notice)}"),
        ("Value", _against(notice)),
        ("Since", f"{moment(notice.since)} ({span(max(0, notice.time - notice.since))} before this was decided)"),
        ("Why", why or notice.reason or UNKNOWN),
        *(("Note", remark) for remark in remarks),
        ("Next", after),
        *([("Page", page)] if page else []),
        ("Key", notice.key),
    ]
    return Text(title, "\n".join(short), "\n".join([title, "", *(f"{name:<6} {words}" for name, words in rows)]))


def digest(texts: Sequence[tuple[Notice, Text]]) -> Text:
    """Return many messages as one: the counts, then a line each; the long form holds every message whole.

    The short form stays within what chats take at once; what it leaves out it counts.
    """
    counts = Counter(HEADS[notice.kind].lower() for notice, _ in texts)
    title = f"{len(texts)} alerts: " + ", ".join(f"{number} {head}" for head, number in counts.most_common())
    lines = [one.title for _, one in texts]
    fitting = sum(length <= LONGEST_SHORT for length in accumulate(len(line) + 1 for line in lines))
    more = [f"and {len(lines) - fitting} more", "> monitor alerts list"] if fitting < len(lines) else []
    short = "\n".join([title, *lines[:fitting], *more])
    return Text(title, short, "\n\n".join([title, *(one.long for _, one in texts)]))


def command(notice: Notice) -> str:
    """Return the command that shows more of a subject."""
    if notice.metric in OPERATIONAL or not notice.metric:
        return "monitor status"
    asset, _, account = notice.subject.partition("@")
    words = ["monitor turnover", *([] if asset == "portfolio" else [asset])]
    words.append(f"--window {duration_text(notice.window)}")
    return " ".join([*words, *(["--by account"] if account else [])])


def _sentence(notice: Notice) -> str:
    """Return what is the matter in one sentence, without a point."""
    if notice.kind == "no_data":
        return f"{notice.subject} has no {_metric(notice)} to judge: {notice.reason or UNKNOWN}"
    currency = _currency(notice)
    value = figure(notice.value, notice.unit, currency)
    limit = figure(notice.threshold, notice.unit, currency)
    what = f"{notice.subject} {_metric(notice)}"
    if notice.kind == "resolved":
        return f"{what} {value}" if notice.value is not None else f"{what}: {notice.reason or UNKNOWN}"
    return f"{what} {value}, {notice.side} {limit}"


def _metric(notice: Notice) -> str:
    """Return the metric by name, and what it is compared with if not with itself."""
    relative = {"MADs": "distance from the usual, ", "share": "change from the usual, "}
    known = METRICS.get(notice.metric)
    if known and notice.unit != known.unit and notice.unit in relative:
        return relative[notice.unit] + notice.metric
    return notice.metric or "alert"


def _over(notice: Notice) -> str:
    """Return the window a number of the ledger stands over."""
    return "" if notice.metric in OPERATIONAL or not notice.window else f" over {duration_text(notice.window)}"


def _against(notice: Notice) -> str:
    """Return the value against threshold and recovery, and the worst of the episode."""
    currency = _currency(notice)
    value, limit, clear, worst = (
        figure(number, notice.unit, currency) for number in (notice.value, notice.threshold, notice.clear, notice.worst)
    )
    other = "above" if notice.side == "below" else "below"
    words = f"{value}; alerts {notice.side} {limit}, recovers at {clear} or {other}"
    return words if notice.worst is None or notice.worst == notice.value else f"{words}; worst {worst}"


def _why(notice: Notice) -> str:
    """Return the figures behind the value, as far as they are known."""
    currency = _currency(notice)
    facts = notice.context
    words = []
    for name, label, unit in (
        ("relieved_basis", "relieved basis", "money"),
        ("average_inventory", "average inventory", "money"),
        ("days_inventory", "inventory lasts", "days"),
        ("usual", "usually", METRICS[notice.metric].unit if notice.metric in METRICS else ""),
    ):
        number = facts.get(name)
        if isinstance(number, int | float):
            words.append(f"{label} {figure(number, unit, currency)}")
    last = facts.get("last_fill")
    if isinstance(last, int):
        words.append(f"last fill {moment(last)} ({span(max(0, notice.time - last))} earlier)")
    detail = facts.get("detail")
    return "; ".join([*words, *([str(detail)] if detail else [])])


def _remarks(notice: Notice, now: int, *, unannounced: bool) -> list[str]:
    """Return what is unusual about this message: a reason, an end nobody knew the beginning of, a delay."""
    remarks = []
    if notice.reason and notice.kind != "no_data":
        remarks.append(notice.reason)
    if notice.ordinal:
        remarks.append(f"reminder {notice.ordinal}")
    if unannounced:
        remarks.append("it fired and ended before this could be sent; there was no message of the beginning")
    if now - notice.time > LATE:
        remarks.append(f"decided {moment(notice.time)}, sent {span(now - notice.time)} late")
    return remarks


def _currency(notice: Notice) -> str:
    return str(notice.context.get("currency") or "")
