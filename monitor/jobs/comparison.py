"""The demo desk's measured turnover beside its known answer: number by number, agreed or not.

The known answer comes from the demo's true history by an exact calculation of its own; the measured one went through
real requests, ccxt, the store and the engine. They agree when they differ by no more than 1e-9 of the known value.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from monitor.demo.answer import known_answer
from monitor.jobs.answer import turnover_answer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from monitor.clock import Window
    from monitor.demo.answer import Turnover
    from monitor.demo.generator import History
    from monitor.jobs.question import Options

TOLERANCE = Decimal("1e-9")
COMPARED = (
    "cogs",
    "average_inventory",
    "turnover",
    "days_inventory",
    "unit_turnover",
    "realised_pnl",
    "fee_basis",
    "withdrawn_basis",
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One asset (None: the portfolio) of one account (None: the desk), measured and known; numbers in USD, x and days.

    `differs` names the numbers that do not agree. `status` is the measured one, `missing` where it was not measured.
    """

    account: str | None
    asset: str | None
    status: str
    measured: dict[str, float | None]
    known: dict[str, float | None]
    differs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that was compared over one window, and what the monitor itself says about its data."""

    window: Window
    rows: tuple[Compared, ...]
    findings: tuple[dict[str, str], ...]

    @property
    def agrees(self) -> bool:
        """Return whether every number agrees with the known answer."""
        return not any(row.differs for row in self.rows)

    @property
    def complete(self) -> bool:
        """Return whether the monitor claims that nothing is missing."""
        return not any(row.status in {"partial", "missing", "unpriced"} for row in self.rows)

    def payload(self) -> dict[str, object]:
        """Return the comparison for machines."""
        return {
            "window": {"from": self.window.start, "to": self.window.end, "days": self.window.days},
            "agrees": self.agrees,
            "complete": self.complete,
            "tolerance": float(TOLERANCE),
            "rows": [asdict(row) for row in self.rows],
            "findings": list(self.findings),
        }


def compare(connection: sqlite3.Connection, history: History, window: Window, now: int) -> Comparison:
    """Return the whole desk's and every account's numbers over a window beside the known ones."""
    question: Options = {"start": window.start, "end": window.end, "book": "spot", "detail": False}
    desk = turnover_answer(connection, now=now, **question)
    accounts: Options = {**question, "by": "account"}
    by_account = turnover_answer(connection, now=now, **accounts)
    rows = _rows(None, desk, history, window)
    for account in sorted({cast("str", row["account"]) for row in _assets(by_account)}):
        rows += _rows(account, by_account, history, window)
    found = cast("list[dict[str, str]]", desk["findings"])
    return Comparison(window, tuple(rows), tuple(found))


def _assets(answer: Mapping[str, object]) -> list[Mapping[str, object]]:
    return cast("list[Mapping[str, object]]", answer["assets"])


def _rows(account: str | None, answer: Mapping[str, object], history: History, window: Window) -> list[Compared]:
    known = known_answer(history, window, account)
    measured = {cast("str", row["asset"]): row for row in _assets(answer) if row["account"] == account}
    rows = [
        _compared(account, known.assets.get(asset), measured.get(asset), asset)
        for asset in sorted(known.assets.keys() | measured.keys())
    ]
    if account is None:
        total = cast("Mapping[str, object]", answer["portfolio"])
        # Units of different assets do not add up.
        rows.append(_compared(None, known.portfolio, {**total, "unit_turnover": None}, None))
    return rows


def _compared(
    account: str | None, known: Turnover | None, measured: Mapping[str, object] | None, asset: str | None
) -> Compared:
    """Return one row; a row that only one side has differs in everything."""
    exact = {name: cast("Decimal | None", getattr(known, name)) for name in COMPARED} if known else {}
    ours = {name: cast("float | None", measured[name]) for name in COMPARED} if measured else {}
    differs = [name for name in COMPARED if not _same(exact.get(name), ours.get(name))]
    if known and measured and known.closing_quantity != _closing(measured):
        differs.append("closing")
    if known is None or measured is None:
        differs = list(COMPARED)
    return Compared(
        account,
        asset,
        str(measured["status"]) if measured else "missing",
        dict(ours),
        {name: None if value is None else float(value) for name, value in exact.items()},
        tuple(differs),
    )


def _closing(measured: Mapping[str, object]) -> Decimal | None:
    """Return the units held at the window's end as measured, exactly; None for the portfolio."""
    closing = cast("Mapping[str, object]", measured["closing"])
    quantity = closing.get("quantity")
    return None if quantity is None else Decimal(str(quantity))


def _same(known: Decimal | None, measured: float | None) -> bool:
    """Return whether two numbers agree: both missing, or within the tolerance of the known one."""
    if known is None or measured is None:
        return known is None and measured is None
    # Sums of money that cancel to nearly nothing (a profit of cents on millions) are compared to the cent's millionth.
    return abs(Decimal(measured) - known) <= max(TOLERANCE * abs(known), Decimal("1e-8"))


def worst(rows: Iterable[Compared]) -> float:
    """Return the greatest relative difference of all numbers that both sides have."""
    differences = [
        abs(ours - known) / abs(known)
        for row in rows
        for name, known in row.known.items()
        if known and (ours := row.measured.get(name)) is not None
    ]
    return max(differences, default=0.0)
