"""One look at an account: its balances and, where it trades contracts, its positions, as one snapshot.

Positions hold no number back: where the venue does not tell them the balances are stored all the same, and what keeps
them away stands on their stream.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from monitor.clock import DAY, SECOND
from monitor.errors import CallRejected, ClockSkew, CredentialsRefused, MarketUnknown, RateLimited, VenueError
from monitor.exchanges.positions import CONTRACT_BOOKS, positions
from monitor.jobs.extra_streams import REFUSED, REMEDY
from monitor.jobs.reach import subject_of
from monitor.records import Finding, StreamKey
from monitor.store import findings, ledger, streams
from monitor.store.refusals import keep_answer

if TYPE_CHECKING:
    from monitor.exchanges.client import Client
    from monitor.jobs.connections import Connections
    from monitor.records import Account, Snapshot

AGAIN_SECONDS = DAY / SECOND


async def look(connections: Connections, account: Account, client: Client, *, retry: bool) -> VenueError | None:
    """Store what an account holds now; return why the balances are not known, None if they are.

    Raises:
        VenueError: the trouble is the account's.
    """
    writer, now = connections.writer, connections.clock.now()
    key = StreamKey(account.name, "balances")
    snapshot = await client.snapshot()
    if snapshot.error:
        ledger.commit_snapshot(writer, snapshot)
        streams.mark(writer, key, "active", snapshot.error, now)
        return VenueError(snapshot.error)
    ledger.commit_snapshot(writer, await _with_positions(connections, client, snapshot, retry=retry))
    streams.succeed(writer, key, now)
    return None


async def _with_positions(connections: Connections, client: Client, snapshot: Snapshot, *, retry: bool) -> Snapshot:
    account, writer, now = client.account, connections.writer, connections.clock.now()
    if not {*CONTRACT_BOOKS} & {*account.books}:
        return snapshot
    key = StreamKey(account.name, "positions", next(book for book in account.books if book in CONTRACT_BOOKS))
    if not client.can("fetchPositions"):
        streams.mark(writer, key, "unsupported", None, now)
        return snapshot
    told = streams.streams(writer.connection, account.name)
    refused = any(one.key == key and one.state == "paused" for one in told)
    if refused and not connections.due(key, anyway=retry, seconds=AGAIN_SECONDS):
        return snapshot
    try:
        held, whole = await positions(client)
    except (RateLimited, ClockSkew):
        raise
    except (CredentialsRefused, CallRejected, MarketUnknown) as error:
        connections.due(key, anyway=True)
        streams.mark(writer, key, "paused", str(error), now)
        keep_answer(writer, key, (error.message, error.raw), now)
        message = f"positions cannot be read: {error.message}"
        findings.raise_finding(writer, Finding(REFUSED, subject_of(key), message, REMEDY), now)
        return snapshot
    except VenueError as error:
        streams.mark(writer, key, "active", str(error), now)
        return snapshot
    streams.succeed(writer, key, now)
    findings.resolve(writer, REFUSED, subject_of(key), now)
    return replace(snapshot, positions=held, all_positions=whole)
