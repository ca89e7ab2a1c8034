"""Two exports of one account without ids that tell the same time: what may count twice is said, once and loudly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from monitor.interchange.columns import EVENT_COLUMNS
from monitor.jobs.interchange import Files, import_events
from monitor.store.database import open_writer
from monitor.store.findings import findings

if TYPE_CHECKING:
    from pathlib import Path

    from monitor.store.database import Writer

NOW = 1_770_000_000_000
NOON = 1_767_268_800_000  # a whole minute


def take(writer: Writer, path: Path, *rows: tuple[int, str, str, str]) -> tuple[str, ...]:
    """Import (milliseconds after noon, amount, fee, trade id) as buys of BTC; return the notes."""
    lines = [
        f"{NOON + at},main,trade,BTC/USDT,buy,{amount},50000,,,{fee},BNB,{ident},,,,,"
        for at, amount, fee, ident in rows
    ]
    path.write_text("\n".join([",".join(EVENT_COLUMNS), *lines, ""]))
    return import_events(writer, Files(path), NOW, skip_bad=False, dry_run=False).notes


def doubts(writer: Writer) -> list[str]:
    return [one.subject for one in findings(writer.connection) if one.code == "exports_overlap"]


def test_fills_that_two_exports_may_both_tell_are_a_finding(tmp_path: Path) -> None:
    """One export cuts its times to minutes: two of its three fills are like fills of the other, and are stored."""
    with open_writer(tmp_path / "a.db", holder="test") as writer:
        take(writer, tmp_path / "a.csv", (21_500, "1", "0.1", ""), (95_000, "2", "0.1", ""))
        notes = take(
            writer, tmp_path / "b.csv", (0, "1", "0.10", ""), (60_000, "2", "0.1", ""), (60_000, "3", "0.1", "")
        )
        assert doubts(writer) == ["main"]
        assert ["2 imported rows of main without ids" in note for note in notes] == [True]
        ((stored,),) = writer.connection.execute("SELECT count(*) FROM fills")
        assert stored == 5


def test_the_same_export_again_and_fills_with_ids_are_no_doubt(tmp_path: Path) -> None:
    """The same rows are known; ids tell two equal fills apart; what lies minutes apart is two."""
    with open_writer(tmp_path / "b.db", holder="test") as writer:
        rows = ((21_500, "1", "0.1", ""), (500_000, "4", "0.1", "77"))
        take(writer, tmp_path / "a.csv", *rows)
        take(writer, tmp_path / "a.csv", *rows)
        take(writer, tmp_path / "b.csv", (500_100, "4", "0.1", "78"), (200_000, "1", "0.1", ""))
        assert doubts(writer) == []
