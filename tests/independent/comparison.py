"""The monitor's answer beside the calculator's, figure by figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tests.independent.calculator import Calculator, Key

if TYPE_CHECKING:
    from fractions import Fraction

    from tests.independent.generator import File

TOLERANCE = 1e-9
Answer = dict[str, object]
Expected = dict[str, "Fraction | None"]
FIGURES = (
    "cogs", "cover_basis", "relieved_basis", "average_inventory", "turnover", "days_inventory", "unit_turnover",
    "realised_pnl", "velocity", "portfolio_turnover_rate", "fee_basis", "withdrawn_basis", "peak_inventory",
)  # fmt: skip
RATIOS = ("turnover", "days_inventory", "unit_turnover", "velocity", "portfolio_turnover_rate")
OF_ONE_POOL = ("peak_inventory", "unit_turnover")


def disagreements(file: File, window: tuple[int, int], method: str, scope: str, answer: Answer) -> list[str]:
    """Return every figure of an answer by asset or by account that differs from the calculator's by over 1e-9."""
    calculator = Calculator(file.rows, file.prices, window, method)
    calculator.run(by_account=scope == "account")
    scale = max(float(calculator.portfolio(("spot",))["average_inventory"] or 0), 1.0)
    rows = cast("list[Answer]", answer["assets"])
    told = {(str(row["account"] or ""), str(row["asset"]), str(row["book"])): row for row in rows}
    found = []
    for key in sorted(calculator.pools.keys() | told.keys()):
        expected = calculator.answer(key)
        if key in told:
            found += _compare(str(key), expected, told[key], scale)
        elif any(expected[name] for name in ("relieved_basis", "average_inventory", "fee_basis")):
            found.append(f"{key}: has no row")
    if scope == "asset":
        total = cast("Answer", answer["portfolio"])
        found += _compare("portfolio", calculator.portfolio(("spot",)), total, scale)
    return found


def _compare(where: str, expected: Expected, row: Answer, scale: float) -> list[str]:
    """Return the figures of one row that differ."""
    pairs = _pairs(expected, row, total=where == "portfolio")
    return [
        f"{where} {name}: {None if one is None else float(one)!r} is told as {other!r}"
        for name, (one, other) in pairs.items()
        if not _agree(name, one, other, scale)
    ]


def _pairs(expected: Expected, row: Answer, *, total: bool) -> dict[str, tuple[Fraction | None, object]]:
    """Return each figure as the calculator and as the monitor has it."""
    names = [name for name in FIGURES if not total or name not in OF_ONE_POOL]
    pairs: dict[str, tuple[Fraction | None, object]] = {name: (expected[name], row[name]) for name in names}
    if expected["mean_holding_seconds"] is not None:
        pairs["holding"] = (expected["mean_holding_seconds"], cast("Answer", row["holding_time"])["mean"])
    for part, of in (("relieved", "relieved_basis"), ("inventory", "average_inventory")):
        whole, estimated = expected[of], expected[f"estimated_{part}"]
        share = estimated / whole if whole and estimated is not None else None
        pairs[f"estimated {part}"] = (share, row[f"estimated_share_of_{part}"])
    for end in ("opening", "closing") if not total else ():
        state = cast("Answer", row[end])
        pairs[f"{end} quantity"] = (expected[f"{end}_quantity"], state["quantity"])
        pairs[f"{end} basis"] = (expected[f"{end}_basis"], state["basis"])
    return pairs


def _agree(name: str, one: Fraction | None, other: object, scale: float) -> bool:
    """Tell whether two figures are the same: missing like missing, quantities to the digit, the rest within 1e-9.

    Money is measured against a thousandth of the desk's inventory at least, a ratio against a millionth.
    """
    if one is None or other is None:
        return one is None and other is None
    if name.endswith("quantity"):
        return one == type(one)(str(other))
    least = 1e-6 if name in RATIOS else 1e-3 * scale
    return abs(float(one) - float(cast("float", other))) <= TOLERANCE * max(abs(float(one)), least)


__all__ = ["Answer", "Key", "disagreements"]
