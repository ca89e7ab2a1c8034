"""Why a balance and the ledger may disagree: the likely cause of a residual, and what to do about it.

Each heuristic is one function from evidence to a sentence; the first that speaks wins, the most specific first. They
are guesses: the residual is exact, its cause is what fits.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from monitor.exact import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from monitor.records import Movement

ZERO = Decimal(0)
# No venue charges more than this share of a fill.
HIGHEST_FEE = Decimal("0.01")
# What a transfer may lose on its way, as a share of what was sent.
HIGHEST_TRANSFER_FEE = Decimal("0.02")

# Base, quote, and a fee in a third asset.
FILL_ASSETS = 3


class Cause(NamedTuple):
    """What may be behind a residual: a name for machines, a sentence, and what to do."""

    name: str
    message: str
    remedy: str


@dataclass(frozen=True)
class Evidence:
    """What is known around a residual of one asset of one account, units of the asset.

    `balance` is what the venue tells. `elsewhere`: residuals of the same asset in other accounts; `beside`: of other
    assets in this account. `untold` was traded as base by fills that tell no fee; `told` are the fees told in it
    (both since the last agreement). `unfinished`: movements that are pending or failed. `contracts`: the account trades
    derivatives settled in the asset. `unread`: streams of the account that are not read. `agreed`: it once agreed.
    """

    residual: Decimal
    balance: Decimal
    elsewhere: Mapping[str, Decimal] = field(default_factory=dict)
    beside: Mapping[str, Decimal] = field(default_factory=dict)
    untold: Decimal = ZERO
    told: Decimal = ZERO
    unfinished: Sequence[Movement] = ()
    contracts: bool = False
    unread: Sequence[str] = ()
    agreed: bool = True


def likely_cause(evidence: Evidence) -> Cause:
    """Return the first cause that fits, `missing stream` if none does."""
    found = (explain(evidence) for explain in CAUSES)
    return next((cause for cause in found if cause), _unlisted(evidence))


def _transfer(evidence: Evidence) -> Cause | None:
    """An own account lacks what this one has too much, or the other way round, but for a fee."""
    for account, other in evidence.elsewhere.items():
        sent, arrived = max(abs(other), abs(evidence.residual)), min(abs(other), abs(evidence.residual))
        opposite = (other > 0) != (evidence.residual > 0)
        if opposite and sent - arrived <= sent * HIGHEST_TRANSFER_FEE:
            return Cause(
                "transfer",
                f"{account} is off by {plain(other)} the other way: a transfer between them is listed at neither.",
                "Import it as an event of kind transfer.",
            )
    return None


def _unfinished(evidence: Evidence) -> Cause | None:
    """A movement that the ledger does not count, because it is pending or failed, is in the balance."""
    for movement in evidence.unfinished:
        fees = sum((fee.amount for fee in movement.fees if fee.asset == movement.asset), ZERO)
        if abs(evidence.residual) in {movement.amount, movement.amount + fees, abs(movement.amount - fees)}:
            return Cause(
                "transfer",
                f"It is the amount of the {movement.kind} {movement.key}, which the venue calls {movement.status}.",
                "See at the venue what became of it; the ledger follows when the venue's word changes.",
            )
    return None


def _conversion(evidence: Evidence) -> Cause | None:
    """One or two other assets are off, one of them the other way: one became the other, the third was the fee."""
    opposite = {asset: other for asset, other in evidence.beside.items() if (other > 0) != (evidence.residual > 0)}
    if not opposite or len(evidence.beside) > FILL_ASSETS - 1:
        return None
    asset, other = min(opposite.items())
    return Cause(
        "convert",
        f"{asset} is off by {plain(other)} the other way: a conversion, or a fill of a market that is not read.",
        "Add the market to the account's symbols; import a conversion as an event of kind convert.",
    )


def _dust(evidence: Evidence) -> Cause | None:
    """All that was left of it has gone."""
    if evidence.balance != 0 or evidence.residual > 0:
        return None
    return Cause(
        "dust",
        "All of the rest has gone: a conversion of dust, or a delisting.",
        "Import it as an event of kind convert, or write_off.",
    )


def _fee(evidence: Evidence) -> Cause | None:
    """Less came in than was bought by at most a fee, or the fees that were told were taken elsewhere."""
    if evidence.residual == evidence.told and evidence.told != 0:
        return Cause(
            "base-asset fee",
            "It is the sum of the fees told in this asset: they were charged in another one.",
            "Report it as a defect, with the venue and one such fill.",
        )
    if -evidence.untold * HIGHEST_FEE <= evidence.residual < 0:
        share = plain(round(-100 * evidence.residual / evidence.untold, 4))
        return Cause(
            "base-asset fee",
            f"It is {share} % of what was traded without any fee told: the venue took one and did not say so.",
            "Report it as a defect, with the venue and one such fill.",
        )
    return None


def _funding(evidence: Evidence) -> Cause | None:
    """Contracts are settled in it."""
    if not evidence.contracts:
        return None
    return Cause(
        "funding",
        "Contracts are settled in it: funding or settlement that is not listed.",
        "Import them as events of kind funding or settlement.",
    )


def _unread(evidence: Evidence) -> Cause | None:
    """A stream of the account is not read at all."""
    if not evidence.unread:
        return None
    return Cause(
        "missing stream",
        f"Not read from this venue: {', '.join(evidence.unread)}.",
        "Import what is missing; `monitor accounts` and `monitor findings` say why it is not read.",
    )


def _opening(evidence: Evidence) -> Cause | None:
    """It never agreed since the declared start."""
    if evidence.agreed or evidence.residual < 0:
        return None
    return Cause(
        "opening",
        "It never agreed: it was there before the account's start, or came in a way that no stream lists.",
        "Set an earlier start, or import an event of kind opening.",
    )


def _unlisted(evidence: Evidence) -> Cause:
    verb = "came in" if evidence.residual > 0 else "went out"
    return Cause(
        "missing stream",
        f"It {verb} in a way that no stream lists: a reward, a movement between wallets of the venue, a correction.",
        "Look at the venue's own ledger around that time, and import what is missing.",
    )


CAUSES: tuple[Callable[[Evidence], Cause | None], ...] = (
    *(_transfer, _unfinished, _conversion, _dust, _fee, _funding, _unread, _opening),
)
