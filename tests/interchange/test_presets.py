"""Other programs' exports: what each row becomes, and what is refused rather than guessed."""

# ruff: noqa: E501  a line of the table is a line of the file and what it becomes

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from monitor.config.locate import shipped_file
from monitor.errors import ImportRejected, UsageError
from monitor.interchange.choose import Choice, source_of
from monitor.interchange.events import Events, read_events
from monitor.interchange.mapping import preset, presets, read_mapping

if TYPE_CHECKING:
    from pathlib import Path

HEADERS = {
    "kraken-trades": "txid,ordertxid,pair,time,type,ordertype,price,cost,fee,vol,margin,misc,ledgers",
    "kraken-ledgers": "txid,refid,time,type,subtype,aclass,asset,wallet,amount,fee,balance",
    "binance-trades": "Date(UTC),Pair,Side,Price,Executed,Amount,Fee",
    "binance-trades-local": "Time,Pair,Side,Price,Executed,Amount,Fee",
    "binance-trades-market": "Date(UTC),Market,Type,Price,Amount,Total,Fee,Fee Coin",
    "binance-trades-report": "Date(UTC),Pair,Base Asset,Quote Asset,Type,Price,Amount,Total,Fee,Fee Coin",
    "koinly-universal": "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Net Worth Amount,Net Worth Currency,Label,Description,TxHash",
    "cointracking-trades": '"Type","Buy","Cur.","Sell","Cur.","Fee","Cur.","Exchange","Group","Comment","Date"',
}
NOON = 1_709_294_400_000  # 2024-03-01T12:00:00Z


def read(folder: Path, name: str, *rows: str, choice: Choice | None = None, file: str = "export.csv") -> Events:
    """Return what an export of these rows holds, recognised by its header."""
    path = folder / file
    path.write_text("\n".join([HEADERS[name], *rows, ""]))
    source = source_of(path, choice or Choice(), {}, "USD")
    assert source is not None
    assert source.mapping.name == name
    return read_events(path, source=source)


@pytest.mark.parametrize("name", HEADERS)
def test_recognised_by_the_header(tmp_path: Path, name: str) -> None:
    """Every preset is known by the columns of its export, and the notes say which was taken."""
    assert read(tmp_path, name).notes[0] == f"read as {preset(name).title} ({name})."


def test_all_presets_are_tried() -> None:
    """No preset is without a header in this table."""
    assert presets().keys() == HEADERS.keys()


FILLS = [
    ("kraken-trades", 'T1,O1,XXBTZEUR,2024-03-01 12:00:00.1234,buy,limit,50000.0,100,0.16,0.002,0,,"L1,L2"', ("spot", "BTC/EUR", "buy", "0.002", "50000", "100", '[["EUR","0.16"]]', "T1", "O1")),
    ("kraken-trades", "T1,O1,XTZUSD,2024-03-01 12:00:00,sell,limit,1.5,15,0.02,10,0,,", ("spot", "XTZ/USD", "sell", "10", "1.5", "15", '[["USD","0.02"]]', "T1", "O1")),
    ("kraken-trades", "T1,O1,XETHXXBT,2024-03-01 12:00:00,sell,limit,0.05,0.5,0.001,10,0,,", ("spot", "ETH/BTC", "sell", "10", "0.05", "0.5", '[["BTC","0.001"]]', "T1", "O1")),
    ("kraken-trades", "T1,O1,BLZUSD,2024-03-01 12:00:00,buy,limit,2,20,0,10,0,,", ("spot", "BLZ/USD", "buy", "10", "2", "20", "[]", "T1", "O1")),
    ("kraken-trades", "T1,O1,XDG/USDT,2024-03-01 12:00:00,buy,limit,2,20,0,10,5,,", ("margin", "DOGE/USDT", "buy", "10", "2", "20", "[]", "T1", "O1")),
    ("binance-trades", '2024-03-01 12:00:00,BTCUSDT,BUY,"59,549.66",0.00092465BTC,55.0623628USDT,0.00000092BTC', ("spot", "BTC/USDT", "buy", "0.00092465", "59549.66", "55.0623628", '[["BTC","0.00000092"]]', None, None)),
    ("binance-trades", "2024-03-01 12:00:00,1INCHUSDT,SELL,0.5,10.000001INCH,5.00USDT,0.01BNB", ("spot", "1INCH/USDT", "sell", "10", "0.5", "5", '[["BNB","0.01"]]', None, None)),
    ("binance-trades", '2024-03-01 12:00:00,XYZABC,BUY,2,"1,000.0XYZ","2,000ABC",1XYZ', ("spot", "XYZ/ABC", "buy", "1000", "2", "2000", '[["XYZ","1"]]', None, None)),
    ("binance-trades-local", "24-03-01 12:00:00,BTCUSDT,BUY,60000,0.01BTC,600USDT,0.1BNB,,,", ("spot", "BTC/USDT", "buy", "0.01", "60000", "600", '[["BNB","0.1"]]', None, None)),
    ("binance-trades-market", "2024-03-01 12:00:00,ASTBTC,SELL,0.00001426,263,0.00375038,0.00000375,BTC", ("spot", "AST/BTC", "sell", "263", "0.00001426", "0.00375038", '[["BTC","0.00000375"]]', None, None)),
    ("binance-trades-report", "2024-03-01 12:00:00,BTC/USDT,BTC,USDT,BUY,80000,0.001,80,0.0001,BNB", ("spot", "BTC/USDT", "buy", "0.001", "80000", "80", '[["BNB","0.0001"]]', None, None)),
    ("koinly-universal", "2024-03-01 12:00 UTC,1000,USD,0.1,BTC,5,USD,,,,,", ("spot", "BTC/USD", "buy", "0.1", "10000", "1000", '[["USD","5"]]', None, None)),
    ("koinly-universal", "2024-03-01 12:00 UTC,0.1,BTC,1000,USD,0.001,BTC,,,,,", ("spot", "BTC/USD", "sell", "0.1", "10000", "1000", '[["BTC","0.001"]]', None, None)),
    # What CoinTracking shows includes the fee: 505 USD are 500 and a fee of 5, 0.99 BTC are 1 less a fee of 0.01.
    ("cointracking-trades", '"Trade","1","BTC","505","USD","5","USD","K","","","01.03.2024 12:00"', ("spot", "BTC/USD", "buy", "1", "500", "500", '[["USD","5"]]', None, None)),
    ("cointracking-trades", '"Trade","0.99","BTC","500","USD","0.01","BTC","K","","","2024-03-01 12:00:00"', ("spot", "BTC/USD", "buy", "1", "500", "500", '[["BTC","0.01"]]', None, None)),
    ("cointracking-trades", '"Trade","495","USD","1","BTC","5","USD","K","","","2024/03/01 12:00"', ("spot", "BTC/USD", "sell", "1", "500", "500", '[["USD","5"]]', None, None)),
    ("cointracking-trades", '"Trade","500","USD","1","BTC","5","BNB","K","","","01.03.2024 12:00"', ("spot", "BTC/USD", "sell", "1", "500", "500", "[]", None, None)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "expected"), FILLS)
def test_fills(tmp_path: Path, name: str, row: str, expected: tuple[object, ...]) -> None:
    """A trade's market, exact amounts, fee and ids are what the export says."""
    events = read(tmp_path, name, row)
    assert events.rejected == ()
    found = events.fills.row(0, named=True)
    names = ("book", "symbol", "side", "amount", "price", "cost", "fees", "trade_id", "order_id")
    assert tuple(found[name] for name in names) == expected
    assert found["time_ms"] // 1_000 == NOON // 1_000


MOVEMENTS = [
    ("kraken-ledgers", "L1,R1,2024-03-01 12:00:00,deposit,,currency,ZEUR,spot,1000,0,1000", ("deposit", "EUR", "1000", None, "[]", "deposit|EUR|R1")),
    ("kraken-ledgers", "L1,R1,2024-03-01 12:00:00,withdrawal,,currency,XXBT,spot,-0.1,0.0001,0", ("withdrawal", "BTC", "0.1", None, '[["BTC","0.0001"]]', "withdrawal|BTC|R1")),
    ("kraken-ledgers", "L1,R1,2024-03-01 12:00:00,staking,,currency,DOT28.S,staking,0.01,0,1", ("income", "DOT", "0.01", None, "[]", "ledger|kraken|L1")),
    ("kraken-ledgers", "L1,R1,2024-03-01 12:00:00,earn,reward,currency,XBT.F,earn,0.01,0.001,1", ("income", "BTC", "0.01", None, '[["BTC","0.001"]]', "ledger|kraken|L1")),
    ("kraken-ledgers", "L1,R1,2024-03-01 12:00:00,rollover,,currency,ZUSD,spot,0,0.25,1", ("fee", "USD", "0.25", None, "[]", "ledger|kraken|L1")),
    ("kraken-ledgers", "L1,R1,2024-03-01 12:00:00,margin,,currency,ZUSD,spot,-7,0.25,1", ("settlement", "USD", "-7", None, '[["USD","0.25"]]', "ledger|kraken|L1")),
    ("koinly-universal", "2024-03-01 12:00 UTC,,,0.3,ETH,,,150,USD,Staking,,", ("income", "ETH", "0.3", "150", "[]", None)),
    ("koinly-universal", "2024-03-01 12:00 UTC,,,0.3,ETH,,,150,EUR,,,", ("deposit", "ETH", "0.3", None, "[]", None)),
    ("koinly-universal", "2024-03-01 12:00 UTC,0.01,BTC,,,0.0001,BTC,,,lost,,", ("write_off", "BTC", "0.01", None, '[["BTC","0.0001"]]', None)),
    ("koinly-universal", "2024-03-01 12:00 UTC,0.01,BTC,,,,,,,realized gain,,", ("settlement", "BTC", "-0.01", None, "[]", None)),
    ("koinly-universal", "2024-03-01 12:00 UTC,100,LEND,1,AAVE,,,,,swap,,", ("convert", "LEND", "100", None, "[]", None)),
    ("cointracking-trades", '"Withdrawal","-","","1.001","BTC","0.001","BTC","K","","","01.03.2024 12:00"', ("withdrawal", "BTC", "1", None, '[["BTC","0.001"]]', None)),
    ("cointracking-trades", '"Other Fee","-","","0.5","BNB","-","","K","","","01.03.2024 12:00"', ("fee", "BNB", "0.5", None, "[]", None)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "expected"), MOVEMENTS)
def test_movements(tmp_path: Path, name: str, row: str, expected: tuple[object, ...]) -> None:
    """Whatever is no trade becomes the kind that the export's word stands for."""
    events = read(tmp_path, name, row)
    assert events.rejected == ()
    found = events.movements.row(0, named=True)
    key = expected[-1] and found["key"]
    assert (*(found[name] for name in ("kind", "asset", "amount", "value", "fees")), key) == expected


BAD = [
    ("kraken-trades", "T1,O1,FOOBAR,2024-03-01 12:00:00,buy,limit,2,20,0,10,0,,", "pair 'FOOBAR' has no quote asset that is known"),
    ("kraken-trades", "T1,O1,XBTUSD,01/03/2024 12:00,buy,limit,2,20,0,10,0,,", "time '01/03/2024 12:00' has none of the forms of Kraken trades"),
    ("kraken-trades", "T1,O1,XBTUSD,2024-03-01 12:00:00,buy,limit,2,200,0,10,0,,", "amount 10 times price 2 is not the total 200"),
    ("kraken-trades", "T1,O1,XBTUSD,2024-03-01 12:00:00,hold,limit,2,20,0,10,0,,", "side 'hold' is neither buy nor sell"),
    ("kraken-ledgers", "L1,R1,2024-03-01 12:00:00,nftfee,,currency,ZEUR,spot,-1,0,0", "type 'nftfee' means nothing here; give it a kind in a mapping's [kinds]"),
    ("kraken-ledgers", "L1,R1,2024-03-01 12:00:00,spend,,currency,ZEUR,spot,-10,0.1,0", "the rows of 'R1' are no trade of one asset for another: -10 EUR"),
    ("kraken-ledgers", "L1,R1,2024-03-01 12:00:00,deposit,,currency,ZEUR,spot,-10,0,0", "a deposit of -10 goes the other way"),
    ("binance-trades", '2024-03-01 12:00:00,BTCUSDT,BUY,"60000,5",0.1BTC,6000USDT,0.1BNB', "Price '60000,5' is no decimal number"),
    ("binance-trades", "2024-03-01 12:00:00,BTCUSDT,BUY,60000,0.1ETH,6000USDT,0.1BNB", "pair 'BTCUSDT' has no quote asset that is known"),
    ("binance-trades", "2024-03-01 12:00:00,BTCUSDT,BUY,60000,0.1BTC,6000USDT,0.1", "Fee '0.1' names no asset"),
    ("binance-trades-market", "2024-03-01 12:00:00,BTCUSD,BUY,60000,0.1,6000,0,BNB", "pair 'BTCUSD' has no quote asset that is known"),
    ("koinly-universal", "2024-03-01 12:00 UTC,1,ETH,0.9,ETH,,,,,,,", "ETH was sent and received: between which accounts is not told"),
    ("koinly-universal", "2024-03-01 12:00 UTC,1,ETH,,,,,,,reward,,", "'reward' is a income, but the amount goes the other way"),
    ("koinly-universal", "2024-03-01 12:00 UTC,1,ETH,,,,,,,to pool,,", "'to pool' means nothing here; give it a kind in a mapping's [kinds]"),
    ("koinly-universal", "2024-03-01 12:00 UTC,1,,,,,,,,,,", "Sent Amount 1 has no asset"),
    ("cointracking-trades", '"Trade","1","BTC","5","USD","6","USD","K","","","01.03.2024 12:00"', "the fee 6 is more than the 5 it is part of"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "reason"), BAD)
def test_refused(tmp_path: Path, name: str, row: str, reason: str) -> None:
    """What is unclear is rejected with its line and the reason."""
    events = read(tmp_path, name, row)
    assert [(one.line, one.reason) for one in events.rejected] == [(2, reason)]
    assert events.fills.height + events.movements.height == 0


def test_ledger_rows_of_one_trade(tmp_path: Path) -> None:
    """The rows of one id are one fill, with the fees of both; what was not booked, or moves inside, is left out."""
    events = read(
        tmp_path,
        "kraken-ledgers",
        ",R0,2024-03-01 11:59:00,deposit,,currency,ZEUR,spot,100,0,",
        "L1,T1,2024-03-01 12:00:00,trade,,currency,ZEUR,spot,-100,0.18,0",
        "L2,T1,2024-03-01 12:00:00,trade,,currency,XXBT,spot,0.003,0.000001,0",
        "L3,B1,2024-03-01 12:01:00,transfer,spottostaking,currency,DOT,spot,-3,0,0",
        "L4,B2,2024-03-01 12:01:00,transfer,stakingfromspot,currency,DOT.S,spot,2,0,0",
    )
    row = events.fills.row(0, named=True)
    assert (row["symbol"], row["side"], row["amount"], row["cost"]) == ("BTC/EUR", "buy", "0.003", "100")
    assert (row["fees"], row["trade_id"]) == ('[["EUR","0.18"],["BTC","0.000001"]]', "T1")
    assert row["price"] == "33333.33333333333333333333333333333333333"
    assert (events.fills.height, events.movements.height) == (1, 0)
    assert events.notes[2:] == (
        "moves inside the account do not cancel out: -1 DOT is not accounted for.",
        "1 row with an asset not booked yet when the export was made: left out.",
        "2 rows with moves of an asset inside the account: left out.",
    )


def test_cross_keeps_both_amounts(tmp_path: Path) -> None:
    """Where the ratio of two amounts never ends, the cost is the quote's own amount."""
    events = read(tmp_path, "koinly-universal", "2024-03-01 12:00 UTC,0.03,BTC,0.7,ETH,,,,,,,")
    row = events.fills.row(0, named=True)
    assert (row["symbol"], row["amount"], row["cost"]) == ("ETH/BTC", "0.7", "0.03")


@pytest.mark.parametrize(
    ("zone", "file", "hours"),
    [
        (None, "Binance-Spot-Trade-History-202603230406(UTC+7)_x.csv", -7),
        (None, "Binance-Spot-Trade-History-202603230406(UTC--6)_x.csv", 6),
        (None, "export.csv", 0),
        ("Europe/Berlin", "export.csv", -1),
        ("UTC+5:30", "export.csv", -5.5),
        ("UTC-3", "Binance-Spot-Trade-History-202603230406(UTC+7)_x.csv", 3),
    ],
)
def test_time_zone(tmp_path: Path, zone: str | None, file: str, hours: float) -> None:
    """A zone comes from the option, else from the file's name, else it is UTC and the notes say so."""
    row = "2024-03-01 12:00:00,BTCUSDT,BUY,60000,0.01BTC,600USDT,0.1BNB"
    events = read(tmp_path, "binance-trades-local", row, choice=Choice(zone=zone), file=file)
    assert events.fills["time_ms"].to_list() == [NOON + round(hours * 3_600_000)]
    assert any("UTC is taken" in note for note in events.notes) == (zone is None and file == "export.csv")


def test_hour_that_comes_twice(tmp_path: Path) -> None:
    """A time of the hour that clocks repeat is refused: it is two instants."""
    row = "2024-10-27 02:30:00,BTCUSDT,BUY,60000,0.01BTC,600USDT,0.1BNB"
    events = read(tmp_path, "binance-trades-local", row, choice=Choice(zone="Europe/Berlin"))
    assert [one.reason[:44] for one in events.rejected] == ["time '2024-10-27 02:30:00' comes twice, or n"]


def test_account(tmp_path: Path) -> None:
    """Rows belong to the account that is named, else to the exchange's name; an export may tell it itself."""
    trade = "T1,O1,XBTUSD,2024-03-01 12:00:00,buy,limit,2,20,0,10,0,,"
    assert read(tmp_path, "kraken-trades", trade).fills["account"].to_list() == ["kraken"]
    assert read(tmp_path, "kraken-trades", trade, choice=Choice(account="main")).fills["account"].to_list() == ["main"]
    told = '"Deposit","1","BTC","-","","-","","Ledger","","","01.03.2024 12:00"'
    assert read(tmp_path, "cointracking-trades", told).movements["account"].to_list() == ["Ledger"]


def test_account_of_the_exchange(tmp_path: Path) -> None:
    """The only account that is read from the exchange is taken; of several, one must be named."""
    path = tmp_path / "trades.csv"
    path.write_text(HEADERS["kraken-trades"] + "\n")
    source = source_of(path, Choice(), {"desk": "kraken", "other": "binance"}, "USD")
    assert source is not None
    assert source.account == "desk"
    with pytest.raises(UsageError, match="may be of a or b, all of kraken"):
        source_of(path, Choice(), {"a": "kraken", "b": "kraken"}, "USD")


def test_semicolons_and_empty_ends(tmp_path: Path) -> None:
    """A spreadsheet's separators, its mark in front and empty fields at the end change nothing."""
    path = tmp_path / "x.csv"
    row = "2024-03-01 12:00:00;BTCUSDT;BUY;60000;0.01BTC;600USDT;0.1BNB;;"
    path.write_text("\ufeff" + HEADERS["binance-trades"].replace(",", ";") + f"\r\n{row}\r\n\r\n")
    source = source_of(path, Choice(), {}, "USD")
    events = read_events(path, source=source)
    assert (events.rejected, events.fills["amount"].to_list()) == ((), ["0.01"])


def test_mapping_of_ones_own(tmp_path: Path) -> None:
    """A mapping names an export's columns, may be like a preset, and may give a word a kind."""
    own = tmp_path / "desk.toml"
    own.write_text('like = "kraken-ledgers"\n[kinds]\nnftfee = "fee"\n[assets]\nABC = "XYZ"\n')
    path = tmp_path / "x.csv"
    path.write_text(f"{HEADERS['kraken-ledgers']}\nL1,R1,2024-03-01 12:00:00,nftfee,,currency,ABC,spot,-1,0,0\n")
    events = read_events(path, source=source_of(path, Choice(mapping=own), {}, "USD"))
    assert events.movements.select("kind", "asset", "amount").rows() == [("fee", "XYZ", "1")]


def test_mapping_from_nothing(tmp_path: Path) -> None:
    """A mapping that is like no preset reads an export nobody has seen."""
    own = tmp_path / "desk.toml"
    own.write_text(
        'shape = "fills"\naccount = "dex"\ntimes = ["%d/%m/%Y %H:%M"]\n[columns]\ntime = "When"\nsymbol = "Pair"\n'
        'side = "Side"\namount = "Qty"\nprice = "Px"\n'
    )
    path = tmp_path / "x.csv"
    path.write_text("When,Pair,Side,Qty,Px\n01/03/2024 12:00,BTC-USD,Buy,1,100\n")
    events = read_events(path, source=source_of(path, Choice(mapping=own), {}, "USD"))
    assert events.fills.select("account", "symbol", "time_ms").rows() == [("dex", "BTC/USD", NOON)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('like = "kraken-trade"', "like 'kraken-trade' is no preset (did you mean 'kraken-trades'?)"),
        ('like = "kraken-trades"\nshap = "fills"', "'shap' is unknown (did you mean 'shape'?)"),
        ('like = "kraken-ledgers"\n[kinds]\nx = "incom"', "'incom' in [kinds] is no kind (did you mean 'income'?)"),
        ('shape = "fills"\n[columns]\ntime = "T"', "[columns] has no side, amount, price."),
        ('shape = "fills"\n[columns]\ntyme = "T"', "'tyme' in [columns] is no column of ours (did you mean 'type'?)"),
        ("=", "cannot be read"),
    ],
)
def test_mapping_that_means_nothing(tmp_path: Path, text: str, message: str) -> None:
    """A mistake in a mapping is told with the word and the closest one that is known."""
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(UsageError) as error:
        read_mapping(own)
    assert message in str(error.value)


def test_choices_that_mean_nothing(tmp_path: Path) -> None:
    """An unknown preset, a preset of other columns, and an account for an events file are refused."""
    path = tmp_path / "x.csv"
    path.write_text("time,account,kind,amount\n")
    with pytest.raises(UsageError, match=r"no preset 'kraken' \(did you mean 'kraken-"):
        source_of(path, Choice(preset="kraken"), {}, "USD")
    with pytest.raises(UsageError, match="for other programs' exports"):
        source_of(path, Choice(account="main"), {}, "USD")
    source = source_of(path, Choice(preset="kraken-trades"), {}, "USD")
    with pytest.raises(ImportRejected, match="has no column 'txid', 'ordertxid'"):
        read_events(path, source=source)


def test_workbook(tmp_path: Path) -> None:
    """A workbook is told for what it is."""
    path = tmp_path / "x.xlsx"
    path.write_bytes(b"PK\x03\x04rest")
    with pytest.raises(ImportRejected, match="is a workbook or an archive"):
        source_of(path, Choice(), {}, "USD")


def test_the_example_mapping_is_valid() -> None:
    """It is what it says: the preset it builds on, with one kind and one asset more."""
    example, base = read_mapping(shipped_file("mapping.example.toml")), preset("kraken-ledgers")
    assert (example.shape, example.needs) == (base.shape, base.needs)
    assert example.kinds == base.kinds | {"nftfee": "fee"}
    assert example.assets == base.assets | {"ABC": "XYZ"}
