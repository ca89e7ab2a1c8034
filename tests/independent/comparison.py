"""The monitor's answer beside the calculator's, figure by figure."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from tests.independent.calculator import Calculator

if TYPE_CHECKING:
    from fractions import Fraction

    from tests.independent.calculator import Row
    from tests.independent.generator import File

TOLERANCE = 1e-9
Answer = dict[str, object]
RATIOS = {
    "turnover", "days_inventory", "unit_turnover", "velocity", "portfolio_turnover_rate", "realised_pnl", "cogs",
    "cover_basis", "relieved_basis", "average_inventory", "fee_basis", "withdrawn_basis", "peak_inventory",
}  # fmt: skip


def disagreements(file: File, window: tuple[int, int], method: str, book: str, answers: dict[str, Answer]) -> list[str]:
    """Return every figure in which the answers (by asset, by account) differ from the calculator's by over 1e-9."""
    found = []
    for scope, answer in answers.items():
        by_account = scope == "account"
        calculator = Calculator(cast("list[Row]", file.rows), file.prices, window, method)
        calculator.run(by_account=by_account)
        scale = max(float(calculator.portfolio((book,))["average_inventory"] or 0), 1.0)
        told = {}
        for row in cast("list[Answer]", answer["assets"]):
            told[str(row["account"] or ""), str(row["asset"]), str(row["book"])] = row
        for key in calculator.pools:
            if key[2] != book:
                continue
            expected = calculator.answer(key)
            if key not in told:
                if any(expected[name] for name in ("relieved_basis", "average_inventory")):
                    found.append(f"{scope} {key}: no row")
                continue
            row = told.pop(key)
            found += compare(f"{scope} {key}", expected, row, scale)
        found += [f"{scope} {key}: not expected" for key in told]
        if not by_account:
            total = cast("Answer", answer["portfolio"])
            found += compare("portfolio", calculator.portfolio((book,)), total, scale, total=True)
    return found


def compare(
    where: str, expected: dict[str, Fraction | None], row: Answer, scale: float, *, total: bool = False
) -> list[str]:
    """Return the figures of one row that differ; amounts of money within 1e-9 of the desk's inventory."""
    pairs: dict[str, tuple[Fraction | None, object]] = {name: (expected[name], row[name]) for name in RATIOS}
    holding = cast("Answer", row["holding_time"])
    pairs["mean_holding"] = (expected["mean_holding_seconds"], holding["mean"])
    for part, of in (("relieved", "relieved_basis"), ("inventory", "average_inventory")):
        share = None if not expected[of] else cast("Fraction", expected[f"estimated_{part}"]) / cast("Fraction", expected[of])
        pairs[f"estimated_{part}"] = (share, row[f"estimated_share_of_{part}"])
    if not total:
        for end in ("opening", "closing"):
            state = cast("Answer", row[end])
            pairs[f"{end} quantity"] = (expected[f"{end}_quantity"], state["quantity"])
            pairs[f"{end} basis"] = (expected[f"{end}_basis"], state["basis"])
    skipped = {"peak_inventory", "unit_turnover"} if total else set()
    return [
        f"{where} {name}: {None if one is None else float(one)!r} is told as {other!r}"
        for name, (one, other) in pairs.items()
        if name not in skipped and not agree(name, one, other, scale)
    ]


def agree(name: str, one: Fraction | None, other: object, scale: float) -> bool:
    """Tell whether two figures are the same: missing like missing, quantities to the digit, the rest within 1e-9."""
    if one is None or other is None:
        return one is None and other is None
    if name.endswith("quantity"):
        return one == type(one)(str(other))
    error = abs(float(one) - float(cast("float", other)))
    money = name not in {"turnover", "days_inventory", "unit_turnover", "velocity", "portfolio_turnover_rate"}
    return error <= TOLERANCE * max(abs(float(one)), 1e-3 * scale if money else 0)
