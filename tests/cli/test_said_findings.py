"""Findings on standard error: a line each, but never a page of the same."""

from __future__ import annotations

import pytest

from monitor.cli.output import say_findings


def restating(*assets: str) -> list[dict[str, str]]:
    """Return one finding of a kind for each asset."""
    remedy = "They follow."
    return [
        {"code": "restating", "subject": asset, "severity": "info", "message": f"Rows of {asset}.", "remedy": remedy}
        for asset in assets
    ]


@pytest.mark.parametrize(
    ("assets", "lines"),
    [
        ("ABC", ["Info: Rows of A. They follow.", "Info: Rows of B. They follow.", "Info: Rows of C. They follow."]),
        ("ABCD", ["Info: Rows of A. So it is with 3 more: B, C, D. They follow."]),
        (
            "ABCDEFGHIJKLM",
            ["Info: Rows of A. So it is with 12 more: B, C, D, E, F, G, H, I, J, K and others. They follow."],
        ),
    ],
)
def test_many_of_a_kind_are_one_line(capsys: pytest.CaptureFixture[str], assets: str, lines: list[str]) -> None:
    """Four and more; another kind has its own."""
    other = {"code": "stale", "subject": "main", "severity": "warning", "message": "main is old.", "remedy": ""}
    say_findings([*restating(*assets), other])
    assert capsys.readouterr().err.splitlines() == [*lines, "Warning: main is old."]
