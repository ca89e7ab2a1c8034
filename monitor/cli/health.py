"""`status`, `findings`, `gaps`: whether the numbers can be trusted, and where not."""

from __future__ import annotations

from shutil import disk_usage
from typing import TYPE_CHECKING

import click

from monitor.cli.cells import instants, words
from monitor.cli.ledger import account_row
from monitor.cli.options import DeskCommand, choices_of, database_of
from monitor.cli.output import STALE_OR_PARTIAL, Listing, Row, say, show
from monitor.cli.reading import instant, reading
from monitor.clock import UNITS, SystemClock, duration_text
from monitor.store import query
from monitor.store.findings import findings as standing_findings
from monitor.store.lock import writer_of
from monitor.store.outbox import channel_states
from monitor.store.refusals import kept_answers
from monitor.store.runs import job_states, late_jobs
from monitor.store.settings import load_valuation
from monitor.store.streams import gaps as open_gaps

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from monitor.records import Finding
    from monitor.store.outbox import ChannelState
    from monitor.store.refusals import KeptAnswer
    from monitor.store.runs import JobState

# With less SQLite soon cannot write, and what cannot be written cannot be told in the database either.
LEAST_FREE = 16 * 1024 * 1024
# What `status` shows as a table; the lists have commands of their own.
GLANCE = (
    "writer",
    "as_of",
    "fills",
    "movements",
    "first_fill",
    "last_fill",
    "last_success",
    "open_gaps",
    "quarantined",
)


@click.command(cls=DeskCommand)
@click.pass_context
def status(context: click.Context) -> int:
    r"""Whether everything is fresh and complete: accounts, jobs, channels, rows. Ends with 4 if something is not.

    \b
    Example: monitor status > /dev/null || echo "the monitor needs you"
    """
    choices = choices_of(context)
    with reading(context) as connection:
        answer = status_answer(connection, SystemClock().now(), database_of(choices))
    rows = [{"what": name.replace("_", " "), "value": answer[name]} for name in ("ok", "database", *GLANCE)]
    listing = Listing("Status", [words("what", "what"), words("value", "value")], rows, answer)
    show(listing, choices.format)
    problems = answer["problems"]
    for problem in problems if isinstance(problems, list) and choices.format != "json" else ():
        say(f"Problem: {problem}")
    return 0 if answer["ok"] else STALE_OR_PARTIAL


def status_answer(connection: sqlite3.Connection, now: int, database: Path) -> dict[str, object]:
    """Return the state of everything; `problems` says what is stale, incomplete or failing, `ok` that nothing is."""
    writer = writer_of(database)
    glance, accounts = query.status(connection), query.accounts(connection)
    jobs, channels = job_states(connection), channel_states(connection)
    problems = [
        *account_problems(accounts, now, load_valuation(connection).stale_after),
        *(f"job {job.job} fails: {job.error}" for job in jobs if job.failures),
        *(f"channel {channel.channel}: {channel.dead} messages given up" for channel in channels if channel.dead),
    ]
    if writer:
        problems += [
            f"job {job} has ended no run for {rough_age(now - end)}, although {writer} writes"
            for job, end in late_jobs(connection, now)
        ]
    if (free := disk_usage(database.parent).free) < LEAST_FREE:
        problems.append(f"only {free // 1024:,} KiB are free on the disk of {database}")
    if glance.quarantined:
        problems.append(f"{glance.quarantined} rows could not be read and are kept aside")
    return {
        "database": str(database),
        "ok": not problems,
        "as_of": instant(now),
        "writer": writer,
        "problems": problems,
        "fills": glance.fills,
        "movements": glance.movements,
        "first_fill": instant(glance.first_fill),
        "last_fill": instant(glance.last_fill),
        "last_success": instant(glance.last_success),
        "open_gaps": glance.open_gaps,
        "quarantined": glance.quarantined,
        "findings": glance.findings,
        "accounts": [account_row(account) for account in accounts],
        "jobs": [_job_row(job) for job in jobs],
        "channels": [_channel_row(channel) for channel in channels],
    }


def account_problems(accounts: Iterable[query.AccountRow], now: int, stale_after: int) -> Iterator[str]:
    """Yield what is wrong with each account that a venue should answer for; imported files cannot be stale."""
    for account in accounts:
        if account.exchange == "file":
            continue
        if account.state != "active":
            yield f"account {account.account} is {account.state}: {account.reason or account.last_error}"
        elif account.last_success is None:
            yield f"account {account.account} was never read: {account.last_error or 'run `monitor sync`'}"
        elif now - account.last_success > stale_after:
            age = rough_age(now - account.last_success)
            yield f"account {account.account} was last read {age} ago, longer than {duration_text(stale_after)}"
        if account.disabled:
            streams = "1 disabled stream" if account.disabled == 1 else f"{account.disabled} disabled streams"
            yield f"account {account.account} has {streams}, see `monitor findings`"
        if account.open_gaps:
            gaps = "1 gap" if account.open_gaps == 1 else f"{account.open_gaps} gaps"
            yield f"account {account.account} has {gaps} in which fills may be missing"


def rough_age(milliseconds: int) -> str:
    """Return an age in the largest unit that gives at least two of it: 90 minutes is `90m`, 400 days `400d`."""
    for unit in ("d", "h", "m"):
        if milliseconds >= 2 * UNITS[unit]:
            return f"{milliseconds // UNITS[unit]}{unit}"
    return f"{milliseconds // UNITS['s']}s"


def _job_row(job: JobState) -> dict[str, object]:
    return {
        "job": job.job,
        "started": instant(job.started),
        "finished": instant(job.finished),
        "committed": instant(job.committed),
        "failures": job.failures,
        "error": job.error,
    }


def _channel_row(channel: ChannelState) -> dict[str, object]:
    return {
        "channel": channel.channel,
        "waiting": channel.waiting,
        "oldest": instant(channel.oldest),
        "given_up": channel.dead,
        "last_sent": instant(channel.last_sent),
        "last_error": channel.last_error,
    }


@click.command(cls=DeskCommand)
@click.option("--answers", is_flag=True, help="The venues' own answers that were refused or could not be read.")
@click.pass_context
def findings(context: click.Context, *, answers: bool) -> None:
    r"""What a person must know about the data: each with what to do about it.

    \b
    Example: monitor findings
    """
    if answers:
        _show_answers(context)
        return
    with reading(context) as connection:
        rows = [finding_row(finding) for finding in standing_findings(connection)]
    columns = [words(name, name) for name in ("severity", "code", "subject", "message", "remedy")]
    show(Listing("Findings", columns, rows, rows, empty="No findings."), choices_of(context).format)


def _show_answers(context: click.Context) -> None:
    """Show what venues answered where a stream was stopped, and rows that could not become records."""
    with reading(context) as connection:
        kept = [(one.stream.account, one.stream, one) for one in kept_answers(connection)]
        rows = query.quarantined(connection)
    found: list[Row] = [
        *(_answer_row(account, key.kind, key.symbol, one) for account, key, one in kept),
        *(_answer_row(one.account, one.kind, one.symbol, one) for one in rows),
    ]
    columns = [
        instants("time", "time UTC"),
        *(words(name, name) for name in ("account", "kind", "symbol", "reason", "raw")),
    ]
    show(Listing("Answers kept aside", columns, found, found, empty="None."), choices_of(context).format)


def _answer_row(account: str, kind: str, symbol: str, one: KeptAnswer | query.QuarantinedRow) -> Row:
    return {
        "time": instant(one.time),
        "account": account,
        "kind": kind,
        "symbol": symbol or None,
        "reason": one.reason,
        "raw": one.raw,
    }


def finding_row(finding: Finding) -> dict[str, object]:
    """Return a finding for JSON."""
    return {
        "code": finding.code,
        "subject": finding.subject,
        "severity": finding.severity,
        "message": finding.message,
        "remedy": finding.remedy,
    }


@click.command(cls=DeskCommand)
@click.option("--account", help="Of one account.")
@click.pass_context
def gaps(context: click.Context, account: str | None) -> None:
    r"""The spans of time in which fills may be missing, and why.

    \b
    Example: monitor gaps --account kraken-main
    """
    with reading(context) as connection:
        found = open_gaps(connection, account)
    rows: list[Row] = [
        {
            "account": each.stream.account,
            "kind": each.stream.kind,
            "book": each.stream.book,
            "symbol": each.stream.symbol or None,
            "from": instant(each.gap.start),
            "to": instant(each.gap.end),
            "reason": each.gap.reason,
        }
        for each in found
    ]
    columns = [
        *(words(name, name) for name in ("account", "kind", "book", "symbol")),
        instants("from", "from UTC"),
        instants("to", "to UTC"),
        words("reason", "reason"),
    ]
    show(Listing("Gaps", columns, rows, rows, empty="No gaps."), choices_of(context).format)
