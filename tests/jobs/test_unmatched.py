"""Withdrawals that look as if they stayed in the house, and the many that do not."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from monitor.clock import HOUR
from monitor.jobs.unmatched import note_unmatched, unmatched
from monitor.records import Account, Fee, Movement
from monitor.store.database import open_writer
from monitor.store.findings import findings
from monitor.store.ledger import commit_movements, register_account
from monitor.store.matches import match_transfers

if TYPE_CHECKING:
    from pathlib import Path

SENT = 1_000 * HOUR
LATER = SENT + 49 * HOUR
WITHDRAWAL = Movement(
    account="main", exchange="x", key="w", time=SENT, kind="withdrawal", asset="BTC", amount=Decimal(10),
    fees=(Fee("BTC", Decimal("0.5")),),
)  # fmt: skip


def arrived(hours: float, amount: str, **changes: object) -> Movement:
    told = {"account": "other", "key": "d", "kind": "deposit", "time": SENT + round(hours * HOUR), "fees": ()}
    return replace(WITHDRAWAL, amount=Decimal(amount), **(told | changes))  # type: ignore[arg-type]  # a table of changes


@pytest.mark.parametrize(
    ("deposit", "lost"),
    [
        (arrived(1, "9.8"), True),  # 2 % less
        (arrived(1, "9.79"), False),
        (arrived(47, "9.9"), True),
        (arrived(49, "9.9"), False),
        (arrived(160, "10"), True),  # the very amount, within a week
        (arrived(160, "9.5"), True),  # less the fee
        (arrived(170, "10"), False),
        (arrived(-2, "10"), False),
        (arrived(1, "9.9", account="main"), False),
        (arrived(1, "9.9", asset="ETH"), False),
        (arrived(1, "9.9", status="pending"), False),
    ],
)
def test_a_deposit_that_is_nearly_it(deposit: Movement, *, lost: bool) -> None:
    """10 BTC left main with a fee of 0.5: what another own account received near it decides."""
    assert [found.subject for found in unmatched([WITHDRAWAL, deposit], LATER)] == (["main BTC w"] if lost else [])


def test_a_withdrawal_without_a_partner_is_external() -> None:
    """Sent to somebody else, as most are."""
    assert unmatched([WITHDRAWAL], LATER) == ()


def test_coins_travel_for_two_days() -> None:
    """Nothing is said before."""
    ends = [WITHDRAWAL, arrived(1, "9.9")]
    assert unmatched(ends, SENT + 48 * HOUR) == ()
    assert len(unmatched(ends, SENT + 48 * HOUR + 1)) == 1


def test_two_transaction_ids_are_two_transfers() -> None:
    """Whatever the amounts."""
    assert unmatched([replace(WITHDRAWAL, network_id="a"), arrived(1, "9.9", network_id="b")], LATER) == ()


def test_a_withdrawal_pending_for_two_days_is_told() -> None:
    """It is neither here nor there."""
    (found,) = unmatched([replace(WITHDRAWAL, status="pending")], LATER)
    assert "pending since" in found.message


def test_a_finding_goes_when_the_pair_is_matched(tmp_path: Path) -> None:
    """The deposit's amount is corrected to what was sent less the fee: now it is a transfer."""
    with open_writer(tmp_path / "desk.db", holder="test") as writer:
        for name in ("main", "other"):
            register_account(writer, Account(name, "x"), 1)
        commit_movements(writer, [WITHDRAWAL, arrived(1, "9.4")], 1)
        commit_movements(writer, [arrived(1, "9.9")], 2)
        match_transfers(writer, LATER)
        with writer.transaction() as connection:
            assert note_unmatched(connection, LATER) == 1
        commit_movements(writer, [arrived(1, "9.5")], 3)
        assert match_transfers(writer, LATER) == 1
        with writer.transaction() as connection:
            assert note_unmatched(connection, LATER) == 0
        assert findings(writer.connection) == ()
