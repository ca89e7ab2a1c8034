"""The jobs of the desk in the order in which data flows: fills, balances, prices, measure, alerts, delivery.

The daemon runs each on its interval; `sync` and `run --once` run them one after the other. Every run is noted in the
journal, so that a job that fails or hangs shows in `status` and in the rule metric job_failed.
"""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from monitor.clock import DAY, HOUR, WEEK
from monitor.delivery import router
from monitor.errors import CallRejected, CredentialsRefused
from monitor.exchanges.plan import NIGHTLY_OVERLAP, POLL_OVERLAP, WEEKLY_OVERLAP
from monitor.jobs.alert import alert
from monitor.jobs.collect import Options, Summary, collect_all
from monitor.jobs.connections import Connections
from monitor.jobs.courier import Courier, Post
from monitor.jobs.deliver import all_channels, deliver, heartbeat
from monitor.jobs.desk import Desk, Job, Outcome
from monitor.jobs.measure import measure
from monitor.jobs.pegs import note_pegs
from monitor.jobs.pulse import Pulse
from monitor.jobs.reconcile import deep_read_due, reconcile, told
from monitor.jobs.rules import alert_rules
from monitor.jobs.unlisted import unlisted_prices
from monitor.store.database import open_writer
from monitor.store.inbox import apply_requests
from monitor.store.outbox import Digest
from monitor.store.runs import finish_run, job_states, start_run
from monitor.store.settings import save_valuation

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from typing import TextIO

    from monitor.clock import Clock
    from monitor.config.settings import Schedule, Settings
    from monitor.jobs.collect import Progress
    from monitor.store.inbox import Answer

    Perform = Callable[[Desk], Awaitable[Outcome]]

STALE_OR_PARTIAL = 4
MISSED_INTERVALS = 3
# Deep readings, as the journal of runs calls them. How often it is looked whether the nightly sweep is due.
WEEKLY, NIGHTLY, SWEEP = "weekly read", "nightly read", "nightly sweep"
SWEEP_LOOK = 6 * HOUR


@asynccontextmanager
async def open_desk(
    settings: Settings, clock: Clock, holder: str, stream: TextIO, progress: Progress | None = None
) -> AsyncIterator[Desk]:
    """Open database, venues and channels for writing; `holder` names this process to whoever finds them locked.

    Raises:
        StoreError: the database is locked by another process (named), too new, or cannot be written.
    """
    with open_writer(settings.database, holder=holder) as writer:
        save_valuation(writer, settings.valuation)
        sender = f"{holder} {os.getpid()}"
        post = Post(
            all_channels(settings.channels),
            router.sender(stream),
            sender,
            random.SystemRandom().random,
            digest=Digest(settings.grouping.by, settings.grouping.delay),
        )
        courier = Courier(post, Pulse(partial(heartbeat, settings.heartbeat) if settings.heartbeat else None))
        async with Connections(writer, clock) as connections:
            yield Desk(settings, writer, clock, connections, courier, alert_rules(settings), progress)


def jobs_of(schedule: Schedule) -> tuple[Job, ...]:
    """Return the jobs on their intervals, in the order in which data flows."""
    return (
        Job("fills", schedule.fills, recorded("fills", fills)),
        Job("sweep", SWEEP_LOOK, recorded("sweep", sweep)),
        Job("balances", schedule.balances, recorded("balances", balances)),
        Job("prices", schedule.prices, recorded("prices", prices)),
        Job("measure", schedule.measure, recorded("measure", measured)),
        Job("alerts", schedule.alerts, recorded("alerts", alerts)),
        Job("delivery", schedule.delivery, recorded("delivery", delivery)),
    )


def recorded(name: str, perform: Perform) -> Perform:
    """Return a job that notes its beginning, end and failure in the journal."""

    async def run(desk: Desk) -> Outcome:
        number = start_run(desk.writer, name, desk.clock.now())
        try:
            outcome = await perform(desk)
        except BaseException as error:
            finish_run(desk.writer, number, desk.clock.now(), f"{type(error).__name__}: {error}")
            raise
        now = desk.clock.now()
        finish_run(desk.writer, number, now, None, now)
        if outcome.exit_code == 0:
            desk.courier.pulse.succeeded(name, desk.writer, now)
        return outcome

    return run


async def fills(desk: Desk) -> Outcome:
    """Read new fills, deposits and withdrawals of every account; each night and week further back."""
    overlap, deeper = _overlap(desk)
    options = replace(_options(desk), fills=True, overlap=overlap, retry=bool(deeper))
    summaries = await collect_all(desk.connections, desk.settings.accounts, options, desk.progress)
    _note_deep(desk, deeper, summaries)
    return collected(summaries)


async def sweep(desk: Desk) -> Outcome:
    """Once a night, ask every market in which nothing is known to have happened, where a venue lists fills by market.

    Beside the polls, not before them: a venue with two thousand markets is asked for many minutes.
    """
    # The first reading shows what is expected; before it every market would be asked.
    read = any(state.job == NIGHTLY for state in job_states(desk.writer.connection))
    if not read or not _due(desk, SWEEP, DAY):
        return Outcome()
    options = replace(_options(desk), fills=True, overlap=NIGHTLY_OVERLAP, sweep="only", retry=True)
    summaries = await collect_all(desk.connections, desk.settings.accounts, options)
    _note_deep(desk, (SWEEP,), summaries)
    return collected(summaries)


def _overlap(desk: Desk) -> tuple[int, tuple[str, ...]]:
    """Return how far back to read proven time again, and the names of the deeper reads that fulfils.

    Venues correct and add fills late: 15 minutes each time, two days each night, a week each week and
    whenever a balance disagrees with the ledger.
    """
    weekly = {state.job: state.committed or 0 for state in job_states(desk.writer.connection)}.get(WEEKLY, 0)
    if _due(desk, WEEKLY, WEEK) or deep_read_due(desk.writer.connection, weekly, desk.clock.now()):
        return WEEKLY_OVERLAP, (WEEKLY, NIGHTLY)
    if _due(desk, NIGHTLY, DAY):
        return NIGHTLY_OVERLAP, (NIGHTLY,)
    return POLL_OVERLAP, ()


def _due(desk: Desk, name: str, every: int) -> bool:
    """Tell whether a deep reading is due: so long after the last whole one, and an hour after one that failed."""
    now = desk.clock.now()
    state = next((state for state in job_states(desk.writer.connection) if state.job == name), None)
    if state is None:
        return True
    return now - (state.committed or 0) >= every and now - state.started >= (HOUR if state.failures else 0)


def _note_deep(desk: Desk, names: Sequence[str], summaries: Sequence[Summary]) -> None:
    """Note how deep readings ended; a disabled stream or a refused key makes none fail: asking again does not help."""
    waiting = [one for one in summaries if one.error and not isinstance(one.error, CallRejected | CredentialsRefused)]
    error = "; ".join(f"{one.account}: {one.error}" for one in waiting) or None
    for name in names:
        now = desk.clock.now()
        finish_run(desk.writer, start_run(desk.writer, name, now), now, error, None if error else now)


async def balances(desk: Desk) -> Outcome:
    """Look at the balances of every account and compare them with the ledger."""
    outcome = await _collected(desk, replace(_options(desk), balances=True))
    return told(outcome, await reconcile(desk.writer, desk.clock))


async def prices(desk: Desk) -> Outcome:
    """Store new candles of everything the accounts touched, and check the pegs by them."""
    outcome = await _collected(desk, replace(_options(desk), prices=True))
    await _unlisted(desk)
    return pegged(outcome, note_pegs(desk.writer, desk.clock.now()))


async def _unlisted(desk: Desk) -> None:
    patience = desk.connections.surroundings.patience
    await unlisted_prices(desk.writer, desk.settings.coingecko, desk.settings.valuation, desk.clock, patience)


def pegged(outcome: Outcome, broken: Sequence[str]) -> Outcome:
    """Return the outcome of reading prices, with the pegs that do not hold."""
    return replace(outcome, figures={**outcome.figures, "depegged": list(broken)}) if broken else outcome


def _options(desk: Desk) -> Options:
    return Options(fills=False, balances=False, prices=False, valuation=desk.settings.valuation)


async def _collected(desk: Desk, options: Options) -> Outcome:
    summaries = await collect_all(desk.connections, desk.settings.accounts, options, desk.progress)
    return collected(summaries)


def collected(summaries: Sequence[Summary]) -> Outcome:
    """Return what collecting every account came to."""
    failed = [one for one in summaries if one.error]
    refused = any(isinstance(one.error, CredentialsRefused) for one in failed)
    figures = {
        "new": sum(one.new for one in summaries),
        "revised": sum(one.revised for one in summaries),
        "prices": sum(one.prices for one in summaries),
        "calls": sum(one.calls for one in summaries),
        **({"failed": [one.account for one in failed]} if failed else {}),
    }
    code = CredentialsRefused.exit_code if refused else STALE_OR_PARTIAL
    return Outcome(
        figures,
        noteworthy=bool(failed or figures["new"] or figures["revised"]),
        troubles=tuple(f"{one.account}: {one.error}" for one in failed),
        exit_code=code if failed else 0,
    )


async def measured(desk: Desk) -> Outcome:
    """Bring every derived number up to the ledger."""
    done = measure(desk.writer, desk.clock.now())
    return Outcome({"assets": len(done.assets)}, noteworthy=bool(done.assets))


async def alerts(desk: Desk) -> Outcome:
    """Evaluate every rule and store what has to be told, after what people asked for meanwhile."""
    asked = apply_requests(desk.writer, desk.clock.now())
    done = alert(
        desk.writer,
        desk.rules,
        desk.clock.now(),
        desk.memory,
        longest_gap=MISSED_INTERVALS * desk.settings.schedule.alerts,
    )
    figures = {"measured": done.measured, "firing": done.firing, "without_data": done.without_data}
    noteworthy = bool(done.transitions or done.failures or asked)
    return Outcome(figures, noteworthy=noteworthy, troubles=(*done.failures, *refused(asked)))


async def delivery(desk: Desk) -> Outcome:
    """Send what waits in the outbox, and that people did not ask to hold back."""
    asked = apply_requests(desk.writer, desk.clock.now())
    tally = await deliver(desk.writer, desk.courier, desk.clock)
    troubles = [*refused(asked), *(f"channel {name}: {error}" for name, error in tally.errors.items())]
    if missed := desk.courier.pulse.trouble():
        troubles.append(f"heartbeat: {missed}")
    figures = {"sent": tally.sent, "failed": tally.failed, "dead": tally.dead}
    return Outcome(figures, noteworthy=any(figures.values()) or bool(asked), troubles=tuple(troubles))


def refused(asked: Sequence[Answer]) -> tuple[str, ...]:
    """Return why requests of people were refused: whoever asked may have gone by now."""
    return tuple(f"request: {answer.said}" for answer in asked if not answer.granted)


async def sync(desk: Desk, *, deep: bool = False) -> Outcome:
    """Read everything of every account once, measure it, and compare it with the balances.

    `deep`: the last week again, every market, and disabled streams too.
    """
    overlap, deeper = (WEEKLY_OVERLAP, (WEEKLY, NIGHTLY, SWEEP)) if deep else _overlap(desk)
    options = Options(overlap, sweep="also" if deep else None, retry=bool(deeper), valuation=desk.settings.valuation)
    summaries = await collect_all(desk.connections, desk.settings.accounts, options, desk.progress)
    _note_deep(desk, deeper, summaries)
    await _unlisted(desk)
    await measured(desk)
    note_pegs(desk.writer, desk.clock.now())
    return told(collected(summaries), await reconcile(desk.writer, desk.clock))


async def run_once(desk: Desk) -> Outcome:
    """Run every job once, in the order in which data flows; the worst exit code wins."""
    outcomes = [await job.perform(desk) for job in jobs_of(desk.settings.schedule)]
    await asyncio.to_thread(desk.courier.pulse.finish)
    return Outcome(
        {name: value for outcome in outcomes for name, value in outcome.figures.items()},
        troubles=tuple(dict.fromkeys(trouble for outcome in outcomes for trouble in outcome.troubles)),
        exit_code=max(outcome.exit_code for outcome in outcomes),
    )
