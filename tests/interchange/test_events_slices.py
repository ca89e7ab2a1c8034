"""A file is checked slice by slice; where the slices end makes no difference."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.interchange import events, table
from monitor.interchange.columns import EVENT_COLUMNS

if TYPE_CHECKING:
    from pathlib import Path

ROWS = (
    "2026-01-01,main,trade,BTC/USDT,buy,1,5,,,,,,,,,,",
    "2026-01-01,main,trade,BTC/USDT,buy,1,5,,,,,7,,,,,",
    "2026-01-02,main,transfer,,,1,,BTC,,,,,,cold,,,",
    "2026-01-01,main,trade,BTC/USDT,buy,one,5,,,,,,,,,,",
    "2026-01-01,main,trade,BTC/USDT,buy,1,5,,,,,,,,,,",
    "2026-01-01,main,trade,btc/usdt:usdt,sell,1,5,,,0.1;0.2,BNB;USDT,,,,,,",
    "2026-01-01,main,trade,BTC/USDT,buy,1,5,,,,,7,,,,,",
    "2026-01-01,main,trade,BTC/USDT,buy,2,5,,,,,7,,,,,",
    "2026-01-03,main,trade,btc/usdt:usdt,sell,2,5,,,,,8,,,,,",
)


def read(folder: Path) -> events.Events:
    """Return what the file of `ROWS` holds."""
    path = folder / "events.csv"
    path.write_text("\n".join([",".join(EVENT_COLUMNS), *ROWS, ""]))
    return events.read_events(path)


@pytest.mark.parametrize("size", [1, 2, 4])
def test_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Rows, places among equals, repeats, clashes, reasons and notes are those of the file read at once."""
    whole = read(tmp_path)
    assert [key[-2:] for key in whole.fills["key"] if key.startswith("digest")] == ["|0", "|1", "|0"]
    assert (whole.repeats, [row.line for row in whole.rejected]) == ((8,), [5, 9])
    about = "on 2 rows (the first is line 7, kind trade)"
    assert [note.partition(":")[0] for note in whole.notes] == [
        f"contract_size is empty {about}",
        f"the asset is in small letters {about}",
    ]
    monkeypatch.setattr(events, "SLICE", size)
    monkeypatch.setattr(table, "BLOCK", 60 * size)
    parts = read(tmp_path)
    assert (parts.repeats, parts.rejected, parts.notes) == (whole.repeats, whole.rejected, whole.notes)
    assert parts.fills.rows() == whole.fills.rows()
    assert parts.movements.rows() == whole.movements.rows()
