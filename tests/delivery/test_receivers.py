"""What a person receives, whole: firing and resolved by mail, chat and webhook, each on a real receiver."""

from __future__ import annotations

import io
from dataclasses import replace
from email import message_from_string
from typing import TYPE_CHECKING

import pytest

from monitor.clock import DAY, HOUR, parse_instant
from monitor.delivery import router
from monitor.delivery.message import Channel
from monitor.episodes import Notice
from monitor.jobs.courier import composed
from monitor.store.outbox import Outgoing

if TYPE_CHECKING:
    from tests.delivery.conftest import Mailbox, Web

NINE = parse_instant("2026-01-31T09:00:00Z")
SEND = router.sender(io.StringIO())
FACTS: dict[str, str | float | int | None] = {
    "relieved_basis": 1_200.0,
    "average_inventory": 3_000.0,
    "days_inventory": 17.5,
    "last_fill": NINE - 2 * DAY,
    "currency": "USD",
}
FIRING = Notice(
    *("stalled", "BTC", 3, "firing", NINE, NINE - HOUR),
    metric="turnover",
    unit="turns",
    window=7 * DAY,
    value=0.4,
    worst=0.4,
    threshold=0.5,
    clear=0.55,
    context=FACTS,
)
RESOLVED = replace(FIRING, kind="resolved", time=NINE + DAY, value=0.7, worst=0.2)
REMINDER = replace(FIRING, kind="reminder", ordinal=2, time=NINE + DAY, worst=0.2)
NO_DATA = replace(
    FIRING, kind="no_data", episode=4, value=None, worst=None, reason="stale: the fills are complete only until 08:00"
)
SHORT = {
    "firing": """\
FIRING warning: stalled: BTC turnover 0.4x, below 0.5x
since 2026-01-31 08:00:00 UTC
relieved basis 1,200 USD; average inventory 3,000 USD; inventory lasts 17.5 days; last fill 2026-01-29 09:00:00 UTC \
(2d earlier)
> monitor turnover BTC --window 7d""",
    "resolved": """\
RESOLVED warning: stalled: BTC turnover 0.7x
since 2026-01-31 08:00:00 UTC
relieved basis 1,200 USD; average inventory 3,000 USD; inventory lasts 17.5 days; last fill 2026-01-29 09:00:00 UTC \
(3d earlier)
> monitor turnover BTC --window 7d""",
    "reminder": """\
STILL FIRING warning: stalled: BTC turnover 0.4x, below 0.5x
since 2026-01-31 08:00:00 UTC
relieved basis 1,200 USD; average inventory 3,000 USD; inventory lasts 17.5 days; last fill 2026-01-29 09:00:00 UTC \
(3d earlier)
reminder 2
> monitor turnover BTC --window 7d""",
    "no_data": """\
NO DATA warning: stalled: BTC has no turnover to judge: stale: the fills are complete only until 08:00
since 2026-01-31 08:00:00 UTC
relieved basis 1,200 USD; average inventory 3,000 USD; inventory lasts 17.5 days; last fill 2026-01-29 09:00:00 UTC \
(2d earlier)
> monitor turnover BTC --window 7d""",
}
LONG = {
    "firing": """\
FIRING warning: stalled: BTC turnover 0.4x, below 0.5x

What   turnover of BTC over 7d
Value  0.4x; alerts below 0.5x, recovers at 0.55x or above
Since  2026-01-31 08:00:00 UTC (1h before this was decided)
Why    relieved basis 1,200 USD; average inventory 3,000 USD; inventory lasts 17.5 days; last fill 2026-01-29 09:00:00 \
UTC (2d earlier)
Next   monitor turnover BTC --window 7d
Key    stalled/BTC/3/firing""",
    "resolved": """\
RESOLVED warning: stalled: BTC turnover 0.7x

What   turnover of BTC over 7d
Value  0.7x; alerts below 0.5x, recovers at 0.55x or above; worst 0.2x
Since  2026-01-31 08:00:00 UTC (1d 1h before this was decided)
Why    relieved basis 1,200 USD; average inventory 3,000 USD; inventory lasts 17.5 days; last fill 2026-01-29 09:00:00 \
UTC (3d earlier)
Next   monitor turnover BTC --window 7d
Key    stalled/BTC/3/resolved""",
    "reminder": """\
STILL FIRING warning: stalled: BTC turnover 0.4x, below 0.5x

What   turnover of BTC over 7d
Value  0.4x; alerts below 0.5x, recovers at 0.55x or above; worst 0.2x
Since  2026-01-31 08:00:00 UTC (1d 1h before this was decided)
Why    relieved basis 1,200 USD; average inventory 3,000 USD; inventory lasts 17.5 days; last fill 2026-01-29 09:00:00 \
UTC (3d earlier)
Note   reminder 2
Next   monitor turnover BTC --window 7d
Key    stalled/BTC/3/reminder-2""",
    "no_data": """\
NO DATA warning: stalled: BTC has no turnover to judge: stale: the fills are complete only until 08:00

What   turnover of BTC over 7d
Value  unknown; alerts below 0.5x, recovers at 0.55x or above
Since  2026-01-31 08:00:00 UTC (1h before this was decided)
Why    relieved basis 1,200 USD; average inventory 3,000 USD; inventory lasts 17.5 days; last fill 2026-01-29 09:00:00 \
UTC (2d earlier)
Next   monitor turnover BTC --window 7d
Key    stalled/BTC/4/no_data""",
}
DIGEST_SHORT = """\
2 alerts: 1 firing, 1 resolved
FIRING warning: stalled: BTC turnover 0.4x, below 0.5x
RESOLVED warning: stalled: ETH turnover 0.7x"""


def send(url: str, *notices: Notice) -> None:
    """Send what the courier would at once, one notice or a digest."""
    attempt = [Outgoing(number, "desk", notice, 1, notice.time) for number, notice in enumerate(notices)]
    SEND(Channel("desk", url), composed(attempt, max(notice.time for notice in notices)), 60.0)


@pytest.mark.parametrize("notice", [FIRING, RESOLVED, REMINDER, NO_DATA], ids=lambda notice: notice.kind)
def test_the_words_of_each_kind(notice: Notice) -> None:
    """Short for chat and pager, long for mail: a change of a word is a change of this file."""
    message = composed([Outgoing(1, "desk", notice, 1, notice.time)], notice.time)
    assert message.short == SHORT[notice.kind]
    assert message.long == LONG[notice.kind]


def test_the_words_of_a_digest() -> None:
    """A line for each in chat; the mail holds every message whole."""
    both = [FIRING, replace(RESOLVED, subject="ETH", time=NINE)]
    message = composed([Outgoing(1, "desk", notice, 1, NINE) for notice in both], NINE)
    assert message.short == DIGEST_SHORT
    assert LONG["firing"] in message.long
    assert message.long.count("Next   monitor turnover ") == 2


def test_a_mail_server_receives_firing_and_resolved(mailbox: Mailbox) -> None:
    """Subject and text as they are read; Apprise ends lines as mail does."""
    for notice in (FIRING, RESOLVED):
        send(f"mailto://127.0.0.1:{mailbox.port}?from=desk@example.com&to=ann@example.com", notice)
    mails = [message_from_string(text) for text in mailbox.mails]
    assert [mail["Subject"] for mail in mails] == [LONG[kind].splitlines()[0] for kind in ("firing", "resolved")]
    for mail, kind in zip(mails, ("firing", "resolved"), strict=True):
        (part, *_) = [one for one in mail.walk() if one.get_content_type() == "text/plain"]
        body = part.get_payload(decode=True)
        assert isinstance(body, bytes)
        assert body.decode().replace("\r\n", "\n").strip() == LONG[kind]


def test_a_webhook_receives_firing_and_resolved(web: Web) -> None:
    """The facts beside the words, so that nobody has to take the words apart."""
    for notice in (FIRING, RESOLVED):
        send(f"webhook+{web.url}/hook", notice)
    firing, resolved = (body for body in web.bodies if isinstance(body, dict))
    assert (firing["text"], resolved["text"]) == (LONG["firing"], LONG["resolved"])
    assert (firing["key"], resolved["key"]) == ("stalled/BTC/3/firing", "stalled/BTC/3/resolved")
    facts = resolved["facts"]
    assert (facts["episode"], facts["value"], facts["worst"], facts["below"], facts["clear"]) == (
        3,
        0.7,
        0.2,
        0.5,
        0.55,
    )
    assert facts["context"] == FACTS
