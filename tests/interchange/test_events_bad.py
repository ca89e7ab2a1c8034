"""Rows and files that are refused, each with its line and a reason that names the value."""

# ruff: noqa: E501  a line of the table is a line of the file and its reason

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.errors import ImportRejected, UsageError
from monitor.interchange.columns import EVENT_COLUMNS
from monitor.interchange.events import Events, read_events

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ",".join(EVENT_COLUMNS)
GOOD = "2026-01-01,main,deposit,,,1,,BTC,,,,,,,,,"


def read(path: Path, text: str | bytes) -> Events:
    """Return what a file of this text holds."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_events(path)


BAD_ROWS = {
    ",main,deposit,,,1,,BTC,,,,,,,,,": "time is missing",
    "yesterday,main,deposit,,,1,,BTC,,,,,,,,,": "time 'yesterday' is no instant; write 2026-01-31T08:00:00Z or epoch milliseconds",
    "1767225600,main,deposit,,,1,,BTC,,,,,,,,,": "time '1767225600' is no instant; write 2026-01-31T08:00:00Z or epoch milliseconds",
    "2026-02-30,main,deposit,,,1,,BTC,,,,,,,,,": "time '2026-02-30' is no instant; write 2026-01-31T08:00:00Z or epoch milliseconds",
    "2026-01-01,,deposit,,,1,,BTC,,,,,,,,,": "account is missing",
    "2026-01-01,main,,,,1,,BTC,,,,,,,,,": "kind is missing",
    "2026-01-01,main,widthdrawal,,,1,,BTC,,,,,,,,,": "kind 'widthdrawal' is unknown (did you mean 'withdrawal'?)",
    "2026-01-01,main,deposit,,,,,BTC,,,,,,,,,": "amount is missing",
    "2026-01-01,main,deposit,,,one,,BTC,,,,,,,,,": "amount 'one' is no decimal number",
    '2026-01-01,main,deposit,,,"1,000",,BTC,,,,,,,,,': "amount '1,000' is no decimal number",
    "2026-01-01,main,deposit,,,nan,,BTC,,,,,,,,,": "amount 'nan' is no decimal number",
    "2026-01-01,main,deposit,,,1e999,,BTC,,,,,,,,,": "amount '1e999' is no decimal number",
    "2026-01-01,main,deposit,,,-1,,BTC,,,,,,,,,": "amount '-1' is negative",
    "2026-01-01,main,deposit,,,1,,,,,,,,,,,": "asset is missing",
    "2026-01-01,main,deposit,,,1,,BTC/USDT,,,,,,,,,": "asset 'BTC/USDT' is no asset",
    "2026-01-01,main,deposit,,,1,,BTC,-5,,,,,,,,": "value '-5' is negative",
    "2026-01-01,main,deposit,,,1,9,BTC,,,,,,,,,": "price does not apply to 'deposit'; give value, the total",
    "2026-01-01,main,deposit,,,1,,BTC,,,,,,,,futures,": "book 'futures' is unknown; the books are spot, margin, linear, inverse, option",
    "2026-01-01,main,deposit,,,1,,BTC,,-1,BTC,,,,,,": "fee '-1' is negative; write a rebate row",
    "2026-01-01,main,trade,,buy,1,1,,,,,,,,,,": "symbol is missing",
    "2026-01-01,main,trade,BTCUSDT,buy,1,1,,,,,,,,,,": "symbol 'BTCUSDT' is no market; write BASE/QUOTE, BTC/USDT:USDT or BTC/USD:BTC",
    "2026-01-01,main,trade,BTC/BTC,buy,1,1,,,,,,,,,,": "symbol 'BTC/BTC' is no market; write BASE/QUOTE, BTC/USDT:USDT or BTC/USD:BTC",
    "2026-01-01,main,trade,BTC/USDT,,1,1,,,,,,,,,,": "side is missing",
    "2026-01-01,main,trade,BTC/USDT,long,1,1,,,,,,,,,,": "side 'long' is neither buy nor sell",
    "2026-01-01,main,trade,BTC/USDT,buy,0,1,,,,,,,,,,": "amount is 0: nothing was traded",
    "2026-01-01,main,trade,BTC/USDT,buy,1,,,,,,,,,,,": "price is missing",
    "2026-01-01,main,trade,BTC/USDT,buy,1,-1,,,,,,,,,,": "price '-1' is negative",
    "2026-01-01,main,trade,BTC/USDT,buy,1,1,,,0.1,,,,,,,": "fee '0.1' has no fee_asset",
    "2026-01-01,main,trade,BTC/USDT,buy,1,1,,,x,BNB,,,,,,": "fee 'x' is no decimal number",
    "2026-01-01,main,trade,BTC/USDT,buy,1,1,,,1;2,BNB,,,,,,": "fee '1;2' and fee_asset 'BNB' are lists of different length",
    "2026-01-01,main,trade,BTC/USDT,buy,1,1,,,1,B NB,,,,,,": "fee_asset 'B NB' is no asset",
    "2026-01-01,main,trade,BTC/USDT:USDT,buy,1,1,,,,,,,,,spot,": "book 'spot' does not fit symbol 'BTC/USDT:USDT', which is linear",
    "2026-01-01,main,trade,BTC/USD:BTC,buy,1,1,,,,,,,,,,0": "contract_size is 0",
    "2026-01-01,main,trade,BTC/USDT,buy,1,1,,,,,,,,,perp,": "book 'perp' is unknown; the books are spot, margin, linear, inverse, option",
    "2026-01-01,main,transfer,,,1,,BTC,,,,,,,1,,": "to_account is missing",
    "2026-01-01,main,transfer,,,1,,BTC,,,,,,main,1,,": "to_account 'main' is the account itself",
    "2026-01-01,main,transfer,,,1,,BTC,,,,,,cold,1.1,,": "received '1.1' is more than amount '1'",
    "2026-01-01,main,convert,A/B,,1,,,,,,,,,,,": "received is missing",
    "2026-01-01,main,convert,A/B,,1,,,,,,,,,0,,": "a convert of nothing",
    "2026-01-01,main,convert,A/B,,1,,C,,,,,,,1,,": "asset 'C' is not the first of symbol 'A/B'",
}  # fmt: skip


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS.items())
def test_bad_row(tmp_path: Path, row: str, reason: str) -> None:
    """A row that is no event is rejected with its line and reason; the rows around it are read."""
    events = read(tmp_path / "e.csv", f"{HEADER}\n{GOOD}\n{row}\n{GOOD}")
    assert [(one.line, one.reason) for one in events.rejected] == [(3, reason)]
    assert events.movements["line"].to_list() == [2, 4]


def test_all_reasons_of_a_row(tmp_path: Path) -> None:
    """A row with several faults is told all of them at once."""
    events = read(tmp_path / "e.csv", f"{HEADER}\n,,trade,BTC/USDT,buy,x,1,,,,,,,,,,\n")
    assert [row.reason for row in events.rejected] == [
        "time is missing; account is missing; amount 'x' is no decimal number"
    ]


def test_same_id_for_two_events(tmp_path: Path) -> None:
    """An id used for another event would lose one of the two: the later row is rejected and names the earlier."""
    one = "2026-01-01,main,trade,BTC/USDT,buy,1,1,,,,,7,,,,,"
    events = read(tmp_path / "e.csv", "\n".join([HEADER, one, one.replace("buy,1,", "buy,2,")]))
    assert [(row.line, row.reason) for row in events.rejected] == [
        (3, "id '7' is that of line 2, which says something else; leave it empty if the venue gives none")
    ]


@pytest.mark.parametrize("row", ["2026-01-01,main,deposit,,,1,,BTC", f"{GOOD},", "2026-01-01"])
def test_row_of_another_length(tmp_path: Path, row: str) -> None:
    """A row cut short, or too long, is rejected: an absent field is not an empty one."""
    events = read(tmp_path / "e.csv", f"{HEADER}\n{GOOD}\n{row}\n{GOOD}")
    fields = row.count(",") + 1
    assert [(one.line, one.reason) for one in events.rejected] == [(3, f"has {fields} fields, the header names 17")]


def test_short_and_long_rows_do_not_cancel_out(tmp_path: Path) -> None:
    """A short row beside a long one of together the right number of separators is still found."""
    events = read(tmp_path / "e.csv", "\n".join([HEADER, GOOD.removesuffix(","), f"{GOOD},"]))
    assert [row.line for row in events.rejected] == [2, 3]


def test_line_numbers_are_physical(tmp_path: Path) -> None:
    """Blank lines and quoted line breaks count: the number is the one an editor shows."""
    text = f'{HEADER}\n\n2026-01-01,"ma\nin",deposit,,,1,,BTC,,,,,,,,,\n{GOOD}\n,main,deposit,,,1,,BTC,,,,,,,,,\n'
    events = read(tmp_path / "e.csv", text)
    assert [(row.line, row.reason) for row in events.rejected] == [
        (3, "account holds a control character"),
        (6, "time is missing"),
    ]
    assert events.movements["line"].to_list() == [5]


@pytest.mark.parametrize(
    "text",
    [
        f"\ufeff{HEADER}\n{GOOD}\n",
        f"{HEADER}\r\n{GOOD}\r\n",
        f"{HEADER}\n{GOOD}",
        f"{HEADER}\n{GOOD}\n\n\n",
        f"{HEADER}\r{GOOD}\r",
        f"{HEADER}\n{GOOD}\n{',' * 16}\n",
        f'{HEADER}\n"2026-01-01","main","deposit","","","1","","BTC","","","","","","","","",""\n',
        f"{HEADER}\n 2026-01-01 , main ,deposit, , , 1 ,,BTC,,,,,,,,,\n",
    ],
    ids=[
        "byte order mark",
        "windows line ends",
        "no last line end",
        "blank end",
        "old line ends",
        "blank fields",
        "quoted",
        "padded",
    ],
)
def test_dialects(tmp_path: Path, text: str) -> None:
    """What spreadsheets make of a CSV is read as what was meant."""
    events = read(tmp_path / "e.csv", text)
    assert events.rejected == ()
    assert events.movements.select("account", "asset", "amount").rows() == [("main", "BTC", "1")]


def test_file_of_a_header_only(tmp_path: Path) -> None:
    """A file without rows holds nothing, and that is no error."""
    events = read(tmp_path / "e.csv", f"{HEADER}\n")
    assert (events.fills.height, events.movements.height, events.rejected) == (0, 0, ())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("time,account,kind,ammount\n", "has unknown column 'ammount' (did you mean 'amount'?)."),
        ("time,account,kind,amount,foo,bar\n", "has unknown columns 'foo', 'bar'."),
        ("time,account,kind,amount,line\n", "has unknown column 'line'."),
        ("time;account;kind;amount\n", "is separated by ';'. Separate the columns by commas"),
        ("time\taccount\n", "is separated by '\\t'."),
        ("time,account,kind,amount,amount\n", "has column 'amount' more than once."),
        ("time,kind,asset\n", "has no column 'account', 'amount'."),
        ("", "is empty."),
        ("\n\n", "is empty."),
        (b"time,account,kind,amount\n2026-01-01,m\xfcller,deposit,1\n", "is not UTF-8 text: line 2."),
        (b"time,account,kind,amount\n2026-01-01,a,deposit,1\x00\n", "is no CSV: a null character on line 2."),
        (b"PAR1 and nothing more", "is no readable Parquet file"),
    ],
)
def test_file_that_is_no_events_file(tmp_path: Path, text: str | bytes, message: str) -> None:
    """A file whose columns or encoding are wrong is refused as a whole, with what is wrong."""
    with pytest.raises(ImportRejected) as error:
        read(tmp_path / "e.csv", text)
    assert str(error.value).startswith(f"{tmp_path / 'e.csv'} {message}")


def test_no_file(tmp_path: Path) -> None:
    """A path that leads nowhere is told with the system's reason."""
    with pytest.raises(UsageError, match=r"gone\.csv cannot be read: No such file or directory\."):
        read_events(tmp_path / "gone.csv")


def test_quote_that_never_ends(tmp_path: Path) -> None:
    """A quote that is not closed is reported where it opens."""
    events = read(tmp_path / "e.csv", f'{HEADER}\n{GOOD}\n2026-01-01,"main,deposit,,,1,,BTC,,,,,,,,,\n{GOOD}\n')
    assert [(row.line, row.reason) for row in events.rejected] == [(3, "is no CSV: unexpected end of data")]
