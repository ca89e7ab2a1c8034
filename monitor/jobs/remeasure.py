"""Answers under another costing method than the stored one: computed from the ledger, answered, forgotten.

It loads the whole engine, so the command line imports it only when it is asked for.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Unpack

from monitor.jobs.answer import turnover_answer
from monitor.jobs.derived import derived
from monitor.jobs.question import Question
from monitor.jobs.turns import inquire
from monitor.store.answers import snapshot
from monitor.store.frames import ledger_frames
from monitor.store.scratch import scratch
from monitor.store.track import converted_with, replace_tracks
from monitor.turnover.track import recompute

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from monitor.jobs.answer import Answer
    from monitor.jobs.question import Options


@contextmanager
def remeasured(connection: sqlite3.Connection, question: Question, now: int) -> Iterator[sqlite3.Connection]:
    """Yield a connection to the same ledger with the tracks of the question's costing method.

    Raises:
        UsageError: an unknown asset, account, book, method or scope, or an empty window.
    """
    with snapshot(connection):
        # Assets are checked against the stored tracks: an unknown one must not cost a computation.
        stored = inquire(connection, replace(question, method=None), now)
        valuation = replace(stored.valuation, method=question.method or stored.method)
        assets = converted_with(connection, stored.assets) if stored.assets else None
        tracks = recompute(*ledger_frames(connection, assets), valuation, assets=assets)
        with scratch(connection) as memory:
            replace_tracks(memory, derived(tracks), assets)
            yield memory


def remeasured_answer(connection: sqlite3.Connection, *, now: int, **options: Unpack[Options]) -> Answer:
    """Return what `turnover_answer` would if tracks were stored for the method asked about.

    Raises:
        UsageError: an unknown asset, account, book, method or scope, or an empty window.
    """
    with remeasured(connection, Question(**options), now) as memory:
        return turnover_answer(memory, now=now, **options)
