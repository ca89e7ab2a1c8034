"""What each kind of row of an events file becomes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.interchange.columns import EVENT_COLUMNS
from monitor.interchange.events import Events, read_events

if TYPE_CHECKING:
    from pathlib import Path

HEADER = ",".join(EVENT_COLUMNS)
NEW_YEAR = 1_767_225_600_000  # 2026-01-01T00:00:00Z


def read(folder: Path, *rows: str, header: str = HEADER) -> Events:
    """Return what a file of these rows holds."""
    path = folder / "events.csv"
    path.write_text("\n".join([header, *rows, ""]))
    return read_events(path)


def fill(folder: Path, row: str) -> dict[str, object]:
    """Return the one fill of a one-row file."""
    events = read(folder, row)
    assert events.rejected == ()
    return events.fills.row(0, named=True)


def movement(folder: Path, row: str) -> dict[str, object]:
    """Return the one movement of a one-row file."""
    events = read(folder, row)
    assert events.rejected == ()
    return events.movements.row(0, named=True)


def test_trade(tmp_path: Path) -> None:
    """A trade becomes a spot fill with exact text, its venue id as key and order."""
    row = fill(tmp_path, "2026-01-01T00:00:00Z,main,trade,BTC/USDT,buy,0.10,50000.00,,,0.001,BNB,17,9,,,,")
    expected = {
        "line": 2, "account": "main", "exchange": "file", "key": "spot|BTC/USDT|17|9|buy", "time_ms": NEW_YEAR,
        "sequence": 17, "book": "spot", "kind": "trade", "market": "BTC/USDT", "symbol": "BTC/USDT", "base": "BTC",
        "quote": "USDT", "settle": None, "side": "buy", "amount": "0.1", "price": "50000", "contract_size": None,
        "inverse": 0, "fees": '[["BNB","0.001"]]', "trade_id": "17", "order_id": "9", "source": "file",
    }  # fmt: skip
    assert row == expected


@pytest.mark.parametrize(
    ("symbol", "book", "size", "expected"),
    [
        ("BTC/USDT", "", "", ("spot", "BTC", "USDT", None, 0, None)),
        ("BTC/USDT", "margin", "", ("margin", "BTC", "USDT", None, 0, None)),
        ("BTC/USDT:USDT", "", "0.001", ("linear", "BTC", "USDT", "USDT", 0, "0.001")),
        ("BTC/USDT:USDT-261225", "", "0.001", ("linear", "BTC", "USDT", "USDT", 0, "0.001")),
        ("BTC/USD:BTC", "", "100", ("inverse", "BTC", "USD", "BTC", 1, "100")),
        ("BTC/USD:BTC-261225-60000-C", "", "1", ("option", "BTC", "USD", "BTC", 1, "1")),
        ("ETH/USDT:USDT-261225-1600-P", "option", "1", ("option", "ETH", "USDT", "USDT", 0, "1")),
        ("BTC/USDT", "linear", "", ("linear", "BTC", "USDT", "USDT", 0, "1")),
        ("BTC/USD", "inverse", "", ("inverse", "BTC", "USD", "BTC", 1, "1")),
    ],
)
def test_symbol_names_the_book(tmp_path: Path, symbol: str, book: str, size: str, expected: tuple[object, ...]) -> None:
    """A symbol's form gives the book, and a spot symbol takes the book that is named; no size means one unit."""
    row = fill(tmp_path, f"2026-01-01,main,trade,{symbol},sell,2,100,,,,,,,,,{book},{size}")
    assert tuple(row[name] for name in ("book", "base", "quote", "settle", "inverse", "contract_size")) == expected


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("1767225600000", NEW_YEAR),
        ("2026-01-01", NEW_YEAR),
        ("2026-01-01T00:00:00Z", NEW_YEAR),
        ("2026-01-01 00:00:00", NEW_YEAR),
        ("2026-01-01T02:00:00+02:00", NEW_YEAR),
        ("2026-01-01T00:00:00.1239Z", NEW_YEAR + 123),
        ("2026-01-01T00:00:00.5", NEW_YEAR + 500),
        ("2026-01-01t00:00:00z", NEW_YEAR),
        ("1767225600000.0", NEW_YEAR),
    ],
)
def test_time(tmp_path: Path, text: str, instant: int) -> None:
    """Times are ISO 8601 (UTC unless they carry an offset) or epoch milliseconds; finer digits are cut."""
    assert movement(tmp_path, f"{text},main,deposit,,,1,,BTC,,,,,,,,,")["time_ms"] == instant


@pytest.mark.parametrize(
    ("text", "exact"),
    [
        ("0.10", "0.1"),
        ("007", "7"),
        ("1e-8", "0.00000001"),
        ("1.5E+3", "1500"),
        ("+2", "2"),
        (".5", "0.5"),
        ("5.", "5"),
        ("0.123456789012345678", "0.123456789012345678"),
        ("123456789012345678901234567890.5", "123456789012345678901234567890.5"),
    ],
)
def test_amounts_are_exact(tmp_path: Path, text: str, exact: str) -> None:
    """Every writing of a number becomes its one canonical text, all digits kept."""
    assert movement(tmp_path, f"2026-01-01,main,deposit,,,{text},,BTC,,,,,,,,,")["amount"] == exact


@pytest.mark.parametrize(
    ("fee", "asset", "fees"),
    [
        ("", "", "[]"),
        ("", "BNB", "[]"),
        ("0", "", "[]"),
        ("0.10", "BNB", '[["BNB","0.1"]]'),
        ("-0.1", "USDT", '[["USDT","-0.1"]]'),
        ("0.1;2e-3", "BNB; USDT", '[["BNB","0.1"],["USDT","0.002"]]'),
        ("0.1;0.2", "BNB;BNB", '[["BNB","0.1"],["BNB","0.2"]]'),
    ],
)
def test_fees(tmp_path: Path, fee: str, asset: str, fees: str) -> None:
    """One fee, several, a rebate or none."""
    assert fill(tmp_path, f"2026-01-01,main,trade,BTC/USDT,buy,1,1,,,{fee},{asset},,,,,,")["fees"] == fees


MOVEMENTS = {
    "opening,,,2,,BTC,80000,,,,,,,,": ("opening", "BTC", "2", "80000", None, None, None),
    "deposit,,,2,,BTC,,,,d1,,,,,": ("deposit", "BTC", "2", None, None, None, None),
    "withdrawal,,,2,,BTC,,0.01,BTC,w1,,,,,": ("withdrawal", "BTC", "2", None, None, None, None),
    "transfer,,,1,,BTC,,,,t1,,cold,0.999,,": ("transfer", "BTC", "1", None, "cold", None, "0.999"),
    "transfer,,,1,,BTC,,,,t2,,cold,,,": ("transfer", "BTC", "1", None, "cold", None, "1"),
    "income,,,0,,ETH,,,,,,,,,": ("income", "ETH", "0", None, None, None, None),
    "funding,,,-3.5,,USDT,,,,,,,,,": ("funding", "USDT", "-3.5", None, None, None, None),
    "settlement,BTC/USD:BTC,,-0.1,,BTC,,,,,,,,,": ("settlement", "BTC", "-0.1", None, None, None, None),
    "adjust,,,-1,,BTC,,,,,,,,,": ("adjust", "BTC", "-1", None, None, None, None),
    "write_off,,,1,,LUNA,,,,,,,,,": ("write_off", "LUNA", "1", None, None, None, None),
    "fee,,,0.1,,BNB,,,,,,,,,": ("fee", "BNB", "0.1", None, None, None, None),
    "rebate,,,0.1,,BNB,30,,,,,,,,": ("rebate", "BNB", "0.1", "30", None, None, None),
    "convert,LEND/AAVE,,100,,,,,,,,,1,,": ("convert", "LEND", "100", None, None, "AAVE", "1"),
    "convert,LEND/AAVE,,100,,LEND,,,,,,,1,,": ("convert", "LEND", "100", None, None, "AAVE", "1"),
}


@pytest.mark.parametrize(("row", "expected"), MOVEMENTS.items())
def test_movements(tmp_path: Path, row: str, expected: tuple[object, ...]) -> None:
    """Every kind that is no fill becomes a movement; a transfer without `received` loses nothing on the way."""
    found = movement(tmp_path, f"2026-01-01,main,{row}")
    assert (
        tuple(found[name] for name in ("kind", "asset", "amount", "value", "to_account", "to_asset", "received"))
        == expected
    )


def test_kind_and_side_in_any_case(tmp_path: Path) -> None:
    """Words of the format may be written in any case; assets are what they are."""
    row = fill(tmp_path, "2026-01-01,main,Trade,kPEPE/USDT,BUY,1,1,,,,,,,,,SPOT,")
    assert (row["kind"], row["side"], row["book"], row["base"]) == ("trade", "buy", "spot", "kPEPE")


def test_columns_in_any_order_and_only_some(tmp_path: Path) -> None:
    """Columns may come in any order, and those that are all empty may be left out."""
    events = read(tmp_path, "BTC,1,2026-01-01,deposit,main", header="asset,amount,time,kind,account")
    assert events.movements.select("account", "asset", "amount").rows() == [("main", "BTC", "1")]


@pytest.mark.parametrize("id_", ["x1", "17"])
def test_same_id_again_is_one_event(tmp_path: Path, id_: str) -> None:
    """A row that says again what a row with the same id said is counted once, and told."""
    row = f"2026-01-01,main,trade,BTC/USDT,buy,1,1,,,,,{id_},,,,,"
    events = read(tmp_path, row, row.replace(",1,1,", ",1.0,1.00,"))
    assert (events.fills.height, events.repeats, events.rejected) == (1, (3,), ())


def test_equal_rows_without_id_are_two_events(tmp_path: Path) -> None:
    """Two equal fills of one millisecond are two fills when no id says otherwise; an id of 0 is none."""
    row = "2026-01-01,main,trade,BTC/USDT,buy,1,1,,,,,,,,,,"
    dust = "2026-01-01,main,trade,ETH/USDT,buy,1,1,,,,,0,,,,,"
    events = read(tmp_path, row, row, dust, dust)
    assert (events.fills.height, events.fills["key"].n_unique()) == (4, 4)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("main,trade,BTC/USDT,buy,1,1,,,,,7,,,,,", "main,trade,ETH/USDT,buy,1,1,,,,,7,,,,,"),
        ("main,trade,BTC/USDT,buy,1,1,,,,,7,,,,,", "main,trade,BTC/USDT,sell,1,1,,,,,7,,,,,"),
        ("main,trade,BTC/USDT,buy,1,1,,,,,7,1,,,,", "main,trade,BTC/USDT,buy,1,1,,,,,7,2,,,,"),
        ("main,trade,BTC/USDT,buy,1,1,,,,,7,,,,,", "other,trade,BTC/USDT,buy,1,1,,,,,7,,,,,"),
        ("main,trade,BTC/USDT,buy,1,1,,,,,7,,,,,", "main,trade,BTC/USDT,buy,1,1,,,,,7,,,,margin,"),
        ("main,deposit,,,1,,BTC,,,,7,,,,,", "main,withdrawal,,,1,,BTC,,,,7,,,,,"),
        ("main,deposit,,,1,,BTC,,,,7,,,,,", "main,deposit,,,1,,ETH,,,,7,,,,,"),
    ],
)
def test_ids_are_unique_within_a_market_only(tmp_path: Path, one: str, other: str) -> None:
    """An id names an event within account, book, symbol, order and side (fills) or kind and asset (movements)."""
    events = read(tmp_path, f"2026-01-01,{one}", f"2026-01-01,{other}")
    assert events.fills.height + events.movements.height == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "2026-01-01,main,trade,BTC/USDT,buy,1.0,1,,,,,,,,,,",
            "1767225600000,main,Trade,BTC/USDT,buy,1,1.00,,,,,,,,,spot,",
        ),
        ("2026-01-01,main,transfer,,,1,,BTC,,,,,,cold,,,", "2026-01-01,main,transfer,,,1,,BTC,,,,,,cold,1.0,,"),
        ("2026-01-01,main,convert,A/B,,1,,,,,,,,,2,,", "2026-01-01,main,convert,A/B,,1,,A,,,,,,,2,spot,"),
    ],
)
def test_key_does_not_depend_on_the_writing(tmp_path: Path, one: str, other: str) -> None:
    """The same event written in two ways has one key, so that another export of it adds nothing."""
    keys = []
    for row in (one, other):
        events = read(tmp_path, row)
        keys += [*events.fills["key"], *events.movements["key"]]
    assert keys[0] == keys[1]


def test_notes_say_what_was_ignored(tmp_path: Path) -> None:
    """A column that does not apply, and a contract size that was assumed, are told with the first line."""
    events = read(
        tmp_path,
        "2026-01-01,main,trade,BTC/USDT:USDT,buy,1,1,,,,,,,,,,",
        "2026-01-01,main,deposit,,buy,1,,BTC,,,,,,,,,",
    )
    assert events.notes == (
        "side is ignored on 1 row (the first is line 3, kind deposit): it does not apply there.",
        "contract_size is empty on 1 row (the first is line 2, kind trade): one contract is taken as one unit.",
    )


def test_note_of_small_letters(tmp_path: Path) -> None:
    """An asset in small letters is another asset, and probably was not meant: the notes say so."""
    (note,) = read(tmp_path, "2026-01-01,main,trade,btc/usd,buy,1,1,,,,,,,,,,").notes
    assert note.startswith("the asset is in small letters on 1 row (the first is line 2, kind trade)")
