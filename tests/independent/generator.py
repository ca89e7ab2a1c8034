"""Random events files: every kind of event, ties, shorts, crosses, rebates, dust, missing ids and late rows.

Amounts and prices have few digits, so that everything is exact. Rows that tie in one pool carry numeric ids, because
the format itself gives no other order for them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

from monitor.interchange.columns import EVENT_COLUMNS

DAY = 86_400_000
START = 1_704_067_200_000  # 2024-01-01
DAYS = 40
LEVELS = {"BTC": 40_000, "ETH": 2_500, "SOL": 100, "BNB": 300, "ALT": 2, "NEW": 20, "EUR": 1}
TRADED = ("BTC", "ETH", "SOL", "BNB", "ALT")
ACCOUNTS = ("main", "second", "third")
TRADE = "kind symbol side amount price"
# Rows as the names of their columns and what stands in them.
RARE = (
    (f"{TRADE} fee fee_asset", "trade", "SOL/USDT", "buy", "3", "90", "-0.003", "SOL"),
    (f"{TRADE} fee fee_asset", "trade", "SOL/USDT", "sell", "3", "90", "-0.003", "SOL"),
    (f"{TRADE} fee fee_asset book", "trade", "SOL/USDT", "buy", "3", "90", "0.003", "SOL", "margin"),
    (f"{TRADE} fee fee_asset book", "trade", "SOL/USDT", "sell", "3", "90", "0.003", "SOL", "margin"),
    (f"{TRADE} fee fee_asset book", "trade", "SOL/USDT", "sell", "3", "90", "-0.003", "SOL", "margin"),
    (f"{TRADE} fee fee_asset", "trade", "SOL/ETH", "buy", "2", "0.04", "-0.002", "SOL"),
    (f"{TRADE} book", "trade", "ETH/BTC", "sell", "0.5", "0.05", "margin"),
    (f"{TRADE} fee fee_asset", "trade", "SOL/ETH", "buy", "0.123456789012345678", "0.0404040404040404", "1e-18", "SOL"),
    (TRADE, "trade", "ALT/USDT", "sell", "123.456789012345678901", "2.02"),
    (TRADE, "trade", "ALT/ETH", "buy", "100000.12345678", "0.00123456"),
    ("kind asset amount received fee fee_asset", "transfer", "SOL", "1.5", "1.5", "0.01", "SOL"),
    ("kind asset amount received fee fee_asset", "transfer", "SOL", "1.5", "1.4", "0.001", "BNB"),
    ("kind asset amount fee fee_asset", "deposit", "SOL", "1.5", "0.1;0.001", "SOL;BNB"),
    ("kind asset amount", "income", "SOL", "0"),
    ("kind asset amount value", "opening", "SOL", "2", "0"),
)


@dataclass
class File:
    """An events file as rows of text, and its prices file."""

    rows: list[dict[str, str]] = field(default_factory=list)
    prices: dict[str, list[tuple[int, Fraction]]] = field(default_factory=dict)

    def events_text(self) -> str:
        """The CSV."""
        lines = [",".join(EVENT_COLUMNS)]
        lines += [",".join(row[name] for name in EVENT_COLUMNS) for row in self.rows]
        return "\n".join(lines) + "\n"

    def prices_text(self) -> str:
        """The prices file."""
        rows = [f"{time},{asset},{float(price)!r}" for asset, known in self.prices.items() for time, price in known]
        return "\n".join(["time,asset,price", *rows]) + "\n"


class Generator:
    """One random file."""

    def __init__(self, seed: int, rows: int = 60, kinds: dict[str, int] | None = None) -> None:
        """`kinds` weighs what is drawn."""
        self.random = Random(seed)  # noqa: S311  # a repeatable sequence is the point
        self.file = File()
        self.ids = 0
        self.time = START
        self.kinds = kinds or {
            "trade": 40, "cross": 8, "margin": 8, "linear": 10, "inverse": 5, "liquidation": 2, "dust": 2, "tie": 6,
            "twin": 2, "deposit": 4, "withdrawal": 4, "transfer": 5, "income": 3, "fee": 2, "rebate": 2, "funding": 3,
            "settlement": 1, "convert": 1, "adjust": 2, "write_off": 1,
        }  # fmt: skip
        self.quotes()
        for asset in self.random.sample(TRADED, 3):
            value = str(self.random.randrange(1, 99) * 100) if self.random.random() < 0.7 else ""
            self.row("opening", asset=asset, amount=self.amount(asset, 40), value=value)
        names, weights = list(self.kinds), list(self.kinds.values())
        for name in self.random.choices(names, weights, k=rows):
            self.time += self.random.choice([1, 1_000, 60_000, 3_600_000, 7 * 3_600_000, DAY]) + self.random.randrange(
                5
            )
            getattr(self, f"add_{name}")()
        if self.random.random() < 0.5:
            self.random.shuffle(self.file.rows)

    def quotes(self) -> None:
        """A random walk of prices, from a day before the first event on."""
        for asset, level in LEVELS.items():
            price = Fraction(level)
            points = self.file.prices.setdefault(asset, [])
            time = START - DAY
            while time < START + (DAYS + 60) * DAY:
                points.append((time, price))
                price = max(Fraction(round(price * self.random.randrange(90, 112)), 100), Fraction(1, 100))
                time += self.random.choice([DAY // 2, DAY, 3 * DAY])

    def price(self, asset: str, quote: str = "USD") -> str:
        """A price near the market, in the quote."""
        level = Fraction(LEVELS[asset]) / LEVELS.get(quote, 1)
        return decimal(level * self.random.randrange(700, 1_400) / 1_000, 4)

    def amount(self, asset: str, most: int = 10) -> str:
        """An amount worth some thousands."""
        worth = Fraction(self.random.randrange(1, most * 1_000))
        return decimal(max(worth / LEVELS[asset], Fraction(1, 10_000)), 4)

    def row(self, kind: str, **fields: str) -> dict[str, str]:
        """Add a row; most carry an id."""
        row = dict.fromkeys(EVENT_COLUMNS, "")
        self.ids += 1
        row.update(time=str(self.time), account=self.random.choice(ACCOUNTS), kind=kind, id=str(self.ids))
        if self.random.random() < 0.15:
            row["id"] = ""
        row.update(fields)
        self.file.rows.append(row)
        return row

    def fees(self, base: str, quote: str, amount: str, price: str) -> dict[str, str]:
        """No fee, one, two, or a rebate; in quote, base or a third asset."""
        small = Fraction(amount) / 1_000
        cost = small * Fraction(price)
        choices = {
            "none": ("", ""),
            "quote": (decimal(cost, 8), quote),
            "rebate": ("-" + decimal(cost, 8), quote),
            "base": (decimal(small, 8), base),
            "third": ("0.001", "BNB" if "BNB" not in {base, quote} else "SOL"),
            "two": (f"{decimal(cost, 8)};0.002", f"{quote};{'BNB' if 'BNB' not in {base, quote} else 'SOL'}"),
            "cash": ("0.5", "USDC"),
            "gift": ("-0.001", "ALT" if "ALT" not in {base, quote} else "SOL"),
            "zero": ("0", quote),
        }
        fee, asset = choices[self.random.choice(list(choices))]
        return {"fee": fee, "fee_asset": asset}

    def add_trade(self, kind: str = "trade", book: str = "", **fields: str) -> dict[str, str]:
        """Buy or sell against cash."""
        base, quote = self.random.choice(TRADED), self.random.choice(["USDT", "USDT", "USD", "EUR"])
        amount, price = self.amount(base), self.price(base)
        side = self.random.choice(["buy", "sell"])
        more = self.fees(base, quote, amount, price)
        return self.row(
            kind, symbol=f"{base}/{quote}", side=side, amount=amount, price=price, book=book, **{**more, **fields}
        )

    def add_liquidation(self) -> None:
        """A forced trade on margin."""
        self.add_trade("liquidation", "margin")

    def add_margin(self) -> None:
        """A trade of the margin book."""
        base, quote = self.random.choice(TRADED), "USDT"
        amount, price = self.amount(base), self.price(base)
        fees = self.random.choice([("", ""), (decimal(Fraction(amount) * Fraction(price) / 1_000, 8), quote)])
        side = self.random.choice(["buy", "sell"])
        self.row(
            "trade", symbol=f"{base}/{quote}", side=side, amount=amount, price=price, book="margin",
            fee=fees[0], fee_asset=fees[1],
        )  # fmt: skip

    def add_cross(self) -> None:
        """Buy or sell against another coin."""
        base, quote = self.random.choice([("ETH", "BTC"), ("SOL", "BTC"), ("SOL", "ETH"), ("ALT", "BNB")])
        amount, price = self.amount(base), self.price(base, quote)
        more = self.fees(base, quote, amount, price)
        side = self.random.choice(["buy", "sell"])
        self.row("trade", symbol=f"{base}/{quote}", side=side, amount=amount, price=price, **more)

    def add_linear(self) -> None:
        """A linear contract, long or short."""
        base = self.random.choice(["BTC", "ETH"])
        size = self.random.choice(["0.001", "0.01", "1", ""])
        amount = decimal(Fraction(self.amount(base)) / Fraction(size or "1"), 4)
        price = self.price(base)
        paid = decimal(Fraction(amount) * Fraction(size or "1") * Fraction(price) / 2_000, 8)
        fee, asset = self.random.choice([("", ""), (paid, "USDT"), ("-" + paid, "USDT"), ("0.001", "BNB")])
        self.row(
            "trade", symbol=f"{base}/USDT:USDT", side=self.random.choice(["buy", "sell"]), amount=amount, price=price,
            contract_size=size, fee=fee, fee_asset=asset,
        )  # fmt: skip

    def add_inverse(self) -> None:
        """An inverse contract, long or short."""
        fee, asset = self.random.choice([("", ""), ("0.00001", "BTC"), ("1.25", "USD"), ("-0.5", "USD")])
        self.row(
            "trade", symbol="BTC/USD:BTC", side=self.random.choice(["buy", "sell"]),
            amount=str(self.random.randrange(1, 90)), price=self.price("BTC"), contract_size="100",
            fee=fee, fee_asset=asset,
        )  # fmt: skip

    def add_deposit(self, kind: str = "deposit") -> None:
        """Something comes in, with or without a value."""
        asset = self.random.choice([*TRADED, "USDT", "EUR"])
        amount = self.amount(asset) if asset in TRADED else "500"
        value = decimal(Fraction(amount) * self.random.randrange(1, 90), 2) if self.random.random() < 0.3 else ""
        self.row(kind, asset=asset, amount=amount, value=value)

    def add_income(self) -> None:
        """Staking."""
        self.add_deposit("income")

    def add_rebate(self) -> None:
        """A rebate of its own."""
        self.add_deposit("rebate")

    def add_withdrawal(self) -> None:
        """Something leaves, with or without a network fee."""
        asset = self.random.choice([*TRADED, "USDT"])
        amount = self.amount(asset, 3) if asset in TRADED else "500"
        fee, fee_asset = self.random.choice([("", ""), ("0.0005", asset), ("0.001", "BNB")])
        self.row("withdrawal", asset=asset, amount=amount, fee=fee, fee_asset=fee_asset)

    def add_fee(self) -> None:
        """A fee of its own."""
        self.row("fee", asset=self.random.choice(TRADED), amount="0.01")

    def add_write_off(self) -> None:
        """Lost coins."""
        asset = self.random.choice(TRADED)
        self.row("write_off", asset=asset, amount=self.amount(asset, 1))

    def add_funding(self, kind: str = "funding") -> None:
        """Funding in cash or in coin, paid or received."""
        sign = self.random.choice(["", "-"])
        asset, amount = self.random.choice([("USDT", "12.5"), ("BTC", "0.0004"), ("ETH", "0.01")])
        self.row(kind, asset=asset, amount=sign + amount)

    def add_settlement(self) -> None:
        """Settlement in cash or in coin."""
        self.add_funding("settlement")

    def add_adjust(self) -> None:
        """What nobody can explain."""
        asset = self.random.choice(TRADED)
        self.row("adjust", asset=asset, amount=self.random.choice(["", "-"]) + self.amount(asset, 1))

    def add_convert(self) -> None:
        """A coin is renamed, ten to one."""
        amount = self.amount("ALT", 2)
        account = self.random.choice(ACCOUNTS)
        self.time += 1_000
        self.row(
            "convert", account=account, symbol="ALT/NEW", amount=amount, received=decimal(Fraction(amount) / 10, 8)
        )
        self.time += 1_000

    def add_transfer(self) -> None:
        """Between own accounts, with or without a network fee."""
        asset = self.random.choice(TRADED)
        one, other = self.random.sample(ACCOUNTS, 2)
        amount = self.amount(asset, 3)
        lost = self.random.choice([Fraction(1), Fraction(999, 1_000)])
        self.time += 1_000
        received = decimal(Fraction(amount) * lost, 8)
        self.row("transfer", account=one, asset=asset, amount=amount, to_account=other, received=received)
        self.time += 1_000

    def add_exotic(self) -> None:
        """What is allowed and seldom: margin fees in coins, rebates in the coin bought, fees beside a transfer's."""
        one, other = self.random.sample(ACCOUNTS, 2)
        self.time += 1_000
        if self.random.random() < 0.1:
            self.add_trade(book="margin", fee="0.00001", fee_asset="BNB")
        else:
            names, *values = self.random.choice(RARE)
            fields = dict(zip(names.split(), values, strict=True))
            kind = fields.pop("kind")
            self.row(kind, **fields, **({"account": one, "to_account": other} if kind == "transfer" else {}))
        self.time += 1_000

    def add_dust(self) -> None:
        """Less than a cent."""
        self.row("trade", symbol="ALT/USDT", side=self.random.choice(["buy", "sell"]), amount="0.0001", price="2")

    def add_tie(self) -> None:
        """Several fills of one millisecond; in one account, since an opening is no older or newer than such a tie."""
        account = self.random.choice(ACCOUNTS)
        for _ in range(self.random.randrange(2, 5)):
            self.ids += 1
            self.add_trade(account=account, id=str(self.ids))

    def add_twin(self) -> None:
        """Two fills that look the same and have no id."""
        row = self.add_trade(id="")
        self.file.rows.append(dict(row))


def decimal(number: Fraction, digits: int) -> str:
    """Text of a number cut to so many digits, never an exponent."""
    whole, rest = divmod(int(number * 10**digits), 10**digits)
    return f"{whole}.{rest:0{digits}d}".rstrip("0").rstrip(".")
