"""A withdrawal and a deposit of two own accounts are one transfer."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import HOUR
from monitor.records import Fee, Movement
from monitor.store import ledger
from monitor.store.matches import match_transfers
from monitor.store.touched import settle, touched

if TYPE_CHECKING:
    from monitor.store.database import Writer

SENT = 100 * HOUR


def move(key: str, hours: float, amount: str, **changes: object) -> Movement:
    """Keys beginning with w are withdrawals of `main`, others deposits into `other`; hours after SENT."""
    told: dict[str, object] = {
        "account": "main" if key.startswith("w") else "other",
        "exchange": "kraken",
        "key": key,
        "time": SENT + round(hours * HOUR),
        "kind": "withdrawal" if key.startswith("w") else "deposit",
        "asset": "BTC",
        "amount": Decimal(amount),
    }
    return Movement(**(told | changes))  # type: ignore[arg-type]  # a table of changes


def matched(writer: Writer, *moves: Movement) -> set[tuple[str, str, str]]:
    ledger.commit_movements(writer, moves, 1)
    settle(writer.connection, touched(writer.connection))
    match_transfers(writer, 2)
    return set(
        writer.connection.execute(
            "SELECT w.key, d.key, how FROM matches"
            " JOIN movements w ON w.id = withdrawal JOIN movements d ON d.id = deposit"
        )
    )


@pytest.mark.parametrize(
    ("deposit", "how"),
    [
        (move("d", 1, "1"), "amount"),
        (move("d", 1, "0.9"), "amount"),  # less the fee of 0.1
        (move("d", 48, "1.00"), "amount"),
        (move("d", 48.1, "1"), None),
        (move("d", -0.9, "1"), "amount"),  # the venues' clocks differ
        (move("d", -1.1, "1"), None),
        (move("d", 1, "0.95"), None),
        (move("d", 1, "1", asset="ETH"), None),
        (move("d", 1, "1", account="main"), None),
        (move("d", 1, "1", status="pending"), None),  # not there yet
        (move("d", 1, "1", network_id="0xabc"), "network_id"),
        (move("d", 100, "0.7", network_id="ABC"), "network_id"),  # whatever was charged, however late
        (move("d", 1, "1", network_id="0xabd"), None),
    ],
)
def test_what_fits_and_what_does_not(writer: Writer, deposit: Movement, how: str | None) -> None:
    """1 BTC sent with a fee of 0.1 in transaction abc; an id that differs is another transfer."""
    sent = move("w", 0, "1", fees=(Fee("BTC", Decimal("0.1")),), network_id="abc")
    assert matched(writer, sent, deposit) == ({("w", "d", how)} if how else set())


def test_a_failed_withdrawal_is_no_transfer(writer: Writer) -> None:
    """Nothing left the account."""
    assert matched(writer, move("w", 0, "1", status="failed"), move("d", 1, "1")) == set()


def test_one_transaction_may_carry_several_transfers(writer: Writer) -> None:
    """Venues bundle payouts: under one id equal amounts belong together."""
    moves = [move("w1", 0, "1", network_id="x"), move("w2", 0, "2", network_id="x")]
    moves += [move("d2", 1, "2", network_id="x"), move("d1", 1, "1", network_id="x")]
    assert matched(writer, *moves) == {("w1", "d1", "network_id"), ("w2", "d2", "network_id")}


def test_of_several_that_fit_the_nearest_in_time_is_taken(writer: Writer) -> None:
    """Two equal withdrawals, one deposit an hour after the second."""
    assert matched(writer, move("w1", 0, "1"), move("w2", 3, "1"), move("d", 4, "1")) == {("w2", "d", "amount")}


def test_an_id_outweighs_a_nearer_amount(writer: Writer) -> None:
    """The deposit belongs to its transaction, not to the neighbour in time."""
    moves = [move("w1", 0, "1", network_id="x"), move("w2", 3, "1"), move("d", 4, "1", network_id="x")]
    assert matched(writer, *moves) == {("w1", "d", "network_id")}


def test_a_new_pair_makes_its_asset_stale_once(writer: Writer) -> None:
    """From when it left; the second run finds nothing new."""
    ledger.commit_movements(writer, [move("w", 0, "1"), move("d", 1, "1")], 1)
    settle(writer.connection, touched(writer.connection))
    assert (match_transfers(writer, 2), touched(writer.connection)) == (1, {"BTC": SENT})
    settle(writer.connection, touched(writer.connection))
    assert (match_transfers(writer, 3), touched(writer.connection)) == (0, {})


def test_a_revised_end_is_matched_anew(writer: Writer) -> None:
    """The venue takes the withdrawal back: the deposit is external again."""
    assert matched(writer, move("w", 0, "1"), move("d", 1, "1")) == {("w", "d", "amount")}
    assert matched(writer, move("w", 0, "1", status="failed")) == set()


def test_an_end_that_is_free_again_finds_another(writer: Writer) -> None:
    """The nearer withdrawal failed after all: the deposit is the earlier one's, though neither of the two is new."""
    moves = [move("w1", 0, "1"), move("w2", 3, "1"), move("d", 4, "1")]
    assert matched(writer, *moves) == {("w2", "d", "amount")}
    ledger.commit_movements(writer, [move("w2", 3, "1", status="failed")], 2)
    assert match_transfers(writer, 3) == 1
    assert writer.connection.execute("SELECT withdrawal FROM matches").fetchall() == [(1,)]


def test_what_was_looked_at_is_looked_at_again_only_anew(writer: Writer) -> None:
    """A measurement asks about new movements, a rebuild about all."""
    matched(writer, move("w", 0, "1"), move("d", 1, "1"))
    writer.connection.execute("DELETE FROM matches")
    settle(writer.connection, touched(writer.connection))
    ledger.commit_movements(writer, [move("w5", 0, "7", asset="ETH")], 2)
    assert match_transfers(writer, 3) == 0
    assert match_transfers(writer, 3, anew=True) == 1
