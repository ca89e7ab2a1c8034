"""What is proven complete, where rows may be missing, and what that says about an account."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.records import Account, Batch, Gap, Stream, StreamKey
from monitor.store import ledger, streams
from monitor.store.spans import FOREVER, common, merged, without

if TYPE_CHECKING:
    from monitor.records import StreamKind, StreamState
    from monitor.store.database import Writer
    from monitor.store.spans import Interval

KEY = StreamKey("main", "fills")
SPANS = st.tuples(st.integers(0, 30), st.integers(1, 8)).map(lambda span: (span[0], span[0] + span[1]))
SPAN_LISTS = st.lists(SPANS, max_size=8)


def points(spans: tuple[Interval, ...] | list[Interval]) -> set[int]:
    return {point for start, end in spans for point in range(start, end)}


def prove(writer: Writer, key: StreamKey, *spans: Interval) -> None:
    for span in spans:
        ledger.commit_batch(writer, Batch(key, proven=span, cursor=span[1]), 9)


def ledger_streams(writer: Writer, span: Interval, account: str = "main") -> None:
    kinds: tuple[StreamKind, ...] = ("fills", "deposits", "withdrawals")
    for kind in kinds:
        prove(writer, StreamKey(account, kind), span)


@given(SPAN_LISTS)
def test_a_union_has_the_same_instants_and_the_fewest_spans(spans: list[Interval]) -> None:
    """Every instant and no other; no two spans touch."""
    union = merged(spans)
    assert points(union) == points(spans)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(union))


@given(SPAN_LISTS, SPANS)
def test_a_hole_takes_its_instants_and_no_other(spans: list[Interval], hole: Interval) -> None:
    """Set difference."""
    assert points(without(merged(spans), hole)) == points(spans) - points([hole])


@given(SPAN_LISTS, SPAN_LISTS)
def test_common_spans_hold_the_instants_of_both(one: list[Interval], other: list[Interval]) -> None:
    """Set intersection."""
    assert points(common(merged(one), merged(other))) == points(one) & points(other)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.booleans(), SPANS), max_size=12))
def test_proofs_and_gaps_in_any_order_agree_with_a_model(writer: Writer, steps: list[tuple[bool, Interval]]) -> None:
    """Proven instants are those last proven; open gaps are those with an instant that no proof covers since."""
    writer.connection.execute("DELETE FROM intervals")
    writer.connection.execute("DELETE FROM gaps")
    proven: set[int] = set()
    open_gaps: set[Interval] = set()
    for is_proof, span in steps:
        batch = Batch(KEY, proven=span) if is_proof else Batch(KEY, gap=Gap(*span, "full page"))
        ledger.commit_batch(writer, batch, 9)
        proven = proven | points([span]) if is_proof else proven - points([span])
        open_gaps = {gap for gap in open_gaps | ({span} if not is_proof else set()) if points([gap]) - proven}
    found = streams.intervals(writer.connection, KEY)
    assert found == merged(found)
    assert points(found) == proven
    assert {(row.gap.start, row.gap.end) for row in streams.gaps(writer.connection)} == open_gaps


def test_a_gap_that_opens_again_is_told_again(writer: Writer) -> None:
    """Closed by a proof, opened by a later look that found more than fits a page."""
    ledger.commit_batch(writer, Batch(KEY, gap=Gap(10, 20, "full page")), 1)
    prove(writer, KEY, (0, 50))
    ledger.commit_batch(writer, Batch(KEY, gap=Gap(10, 20, "again")), 2)
    assert [row.gap for row in streams.gaps(writer.connection, "main")] == [Gap(10, 20, "again")]
    assert streams.gaps(writer.connection, "other") == ()


def test_a_stream_keeps_its_state_its_error_and_its_limit(writer: Writer) -> None:
    """Marked before it was ever read; a success clears the error, not the state."""
    streams.mark(writer, KEY, "paused", "Maintenance.", 5)
    streams.limit(writer, KEY, 100)
    assert streams.streams(writer.connection, "main") == (
        Stream(KEY, "paused", last_error="Maintenance.", unreachable_before=100),
    )
    streams.mark(writer, KEY, "active", None, 6)
    assert streams.streams(writer.connection)[0].last_error == "Maintenance."
    prove(writer, KEY, (100, 200))
    assert streams.streams(writer.connection) == (
        Stream(KEY, "active", cursor=200, last_success=9, unreachable_before=100),
    )


def test_an_account_is_complete_where_all_its_ledger_streams_are(writer: Writer) -> None:
    """Fills [0, 100) and [200, 300), deposits [50, 250), withdrawals [0, 240): [50, 100) and [200, 240)."""
    prove(writer, KEY, (0, 100), (200, 300))
    prove(writer, StreamKey("main", "deposits"), (50, 250))
    prove(writer, StreamKey("main", "withdrawals"), (0, 240))
    prove(writer, StreamKey("main", "balances"), (0, 10))
    assert streams.coverage(writer.connection, "main") == ((50, 100), (200, 240))


def test_a_stream_that_was_never_read_leaves_nothing_complete(writer: Writer) -> None:
    """Known and unread is not the same as empty."""
    ledger_streams(writer, (0, 100))
    streams.mark(writer, StreamKey("main", "fills", symbol="ETH/USD"), "active", None, 5)
    assert streams.coverage(writer.connection, "main") == ()


@pytest.mark.parametrize(
    ("kind", "state", "complete"),
    [
        ("fills", "active", ((0, 60),)),
        ("fills", "paused", ((0, 60),)),
        ("fills", "archived", ((0, 100),)),
        ("deposits", "unsupported", ((0, 100),)),
    ],
)
def test_what_a_stream_s_state_means_for_its_account(
    writer: Writer, kind: StreamKind, state: StreamState, complete: tuple[Interval, ...]
) -> None:
    """A fourth stream proven to 60: active and paused bind, a delisted market and a list that is missing do not."""
    ledger_streams(writer, (0, 100))
    fourth = StreamKey("main", kind, symbol="OLD/USD")
    prove(writer, fourth, (0, 60))
    streams.mark(writer, fourth, state, None, 5)
    assert streams.coverage(writer.connection, "main") == complete


def test_a_book_whose_fills_cannot_be_read_leaves_nothing_complete(writer: Writer) -> None:
    """Its fills move the same coins: the account is partial until they are imported and the book is taken out."""
    ledger_streams(writer, (0, 100))
    streams.mark(writer, StreamKey("main", "fills", "option"), "unsupported", None, 5)
    assert streams.coverage(writer.connection, "main") == ()


def test_an_archived_stream_binds_up_to_its_last_interval(writer: Writer) -> None:
    """Its hole between 20 and 40 stays a hole, after 60 nothing more can happen."""
    ledger_streams(writer, (0, 100))
    old = StreamKey("main", "fills", symbol="OLD/USD")
    prove(writer, old, (0, 20), (40, 60))
    streams.mark(writer, old, "archived", "BadSymbol", 5)
    assert streams.coverage(writer.connection, "main") == ((0, 20), (40, 100))


@pytest.mark.parametrize(
    ("starts", "complete"), [(None, ((50, 100),)), (49, ((50, 100),)), (50, ((0, 100),)), (70, ((0, 100),))]
)
def test_nothing_happened_before_the_account_began(
    writer: Writer, starts: int | None, complete: tuple[Interval, ...]
) -> None:
    """A span that holds the start reaches back to 0; one that begins after it does not."""
    ledger.register_account(writer, Account("main", "kraken", start=starts), 1)
    ledger_streams(writer, (50, 100))
    assert streams.coverage(writer.connection, "main") == complete


def test_imported_files_are_complete_and_strangers_are_not(writer: Writer) -> None:
    """A file is all there is; an account that does not exist, or has no streams, has proven nothing."""
    assert streams.coverage(writer.connection, "paper") == ((0, FOREVER),)
    assert streams.coverage(writer.connection, "main") == ()
    assert streams.coverage(writer.connection, "ghost") == ()
