"""The key by which an event is known: the same event twice is one row, two identical events are two.

A fill with an id has the key the exchange's own answer gives it, so that a fill read from a file and from the
exchange is one fill. Without a usable id the key is a digest of the canonical row and its place among identical rows
of the file: importing a file twice adds nothing, and two equal fills in one file both count.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import polars as pl

from monitor.interchange.columns import BOOKS, FILL_KINDS, KINDS
from monitor.interchange.venues import CLAIM, FILE

if TYPE_CHECKING:
    from monitor.interchange.venues import Venues

# Columns that make a row what it is, as canonical text.
CANONICAL = (
    "account",
    "time_ms",
    "kind",
    "symbol",
    "side",
    "amount_exact",
    "price_exact",
    "asset",
    "value_exact",
    "fees",
    "order_id",
    "to_account",
    "received_exact",
    "book",
    "contract_size_exact",
)
SEPARATOR = "|"
WHOLE_KEY = rf"^(?:{'|'.join((*BOOKS, *KINDS, 'ledger', 'dust', 'digest'))})\|.*\|"


def named(frame: pl.DataFrame) -> pl.DataFrame:
    """Add `key`, and `nameless` where it is a digest that still lacks its place among identical rows.

    An id of zeros is no id: some venues give it to every conversion of dust.
    """
    usable = pl.when(pl.col("id").str.strip_chars("0") != "").then("id")
    keys = frame.with_columns(usable.alias("id")).select(key=_id_key())["key"]
    nameless = keys.is_null()
    if nameless.any():
        keys = keys.scatter(nameless.arg_true(), _digests(frame.filter(nameless)))
    return frame.with_columns(keys, nameless=nameless)


def keyed(frame: pl.DataFrame, venues: Venues, *, ask_all: bool = False) -> pl.DataFrame:
    """Complete the `key` of a whole file's `named` rows; add `repeat` and `clash`.

    `repeat`: the same row was there before. `clash`: the same id was, but of another event. The database is asked
    which fills it knows under another key: those of accounts that an exchange is read for, or with `ask_all`
    everybody's.
    """
    if frame["nameless"].any():
        frame = frame.with_columns(_counted(frame["key"], frame["nameless"]))
    frame = frame.with_columns(_as_stored(frame, venues, ask_all=ask_all))
    # Hashes take a fraction of the memory that pairs of texts do, and where all differ so do the pairs.
    hashes = pl.col("key").hash() ^ pl.col("account").to_physical().hash()
    if frame.select(hashes.n_unique()).item() == frame.height:
        return frame.with_columns(repeat=pl.lit(value=False), clash=pl.lit(value=False))
    doubled = pl.int_range(pl.len()).over("account", "key") > 0
    same = _canonical() == _canonical().first().over("account", "key")
    return frame.with_columns(repeat=doubled & same, clash=doubled & ~same)


def _as_stored(frame: pl.DataFrame, venues: Venues, *, ask_all: bool) -> pl.Series:
    """Return the keys, those of fills that the database knows under another key as it knows them."""
    wanted = pl.lit(value=True) if ask_all else pl.col("exchange") != FILE
    asked = frame.select(pl.col("kind").is_in(FILL_KINDS) & wanted).to_series()
    if not asked.any():
        return frame["key"]
    named = (pl.col("id").str.strip_chars("0") != "") & ~pl.col("id").str.contains(WHOLE_KEY)
    told = frame.filter(asked).with_columns(trade_id=pl.when(named).then("id")).select("account", *CLAIM)
    grain = grain_of(frame)
    stored = [
        (account, key, found)
        for (account,), rows in told.group_by("account", maintain_order=True)
        for key, found in venues.stored_keys(str(account), rows.select(CLAIM).rows(), grain).items()
    ]
    known = pl.DataFrame(stored, {"account": pl.String, "key": pl.String, "stored": pl.String}, orient="row")
    joined = frame.select(pl.col("account").cast(pl.String), "key").with_columns(asked=asked)
    joined = joined.join(known, on=["account", "key"], how="left", maintain_order="left")
    return joined.select(pl.when("asked").then(pl.coalesce("stored", "key")).otherwise("key").alias("key")).to_series()


def grain_of(frame: pl.DataFrame) -> int:
    """Return how fine the times of a file's fills are, in ms: whole minutes, whole seconds, or 1."""
    times = frame["time_ms"].filter(frame["kind"].is_in(FILL_KINDS))
    return next((grain for grain in (60_000, 1_000) if bool((times % grain == 0).all())), 1)


def _canonical() -> pl.Expr:
    """Return the text that two equal rows share, however they were written."""
    return pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in CANONICAL], separator="\x1f")


def _id_key() -> pl.Expr:
    """Return the key of rows with an id, null for the others, as the exchange's own rows are keyed.

    An exported row without an id of the venue's carries its key in the id column: it is that very row.
    """
    order = pl.col("order_id").fill_null("")
    fill = pl.concat_str("book", "market", "id", order, "side", separator=SEPARATOR)
    movement = pl.concat_str("kind", "asset", "id", separator=SEPARATOR)
    return (
        pl.when(pl.col("id").str.contains(WHOLE_KEY))
        .then("id")
        .when(pl.col("kind").is_in(FILL_KINDS))
        .then(fill)
        .otherwise(movement)
    )


def _digests(frame: pl.DataFrame) -> pl.Series:
    """Return `digest|hex|`, which identical rows share."""
    texts = frame.select(text=_canonical())["text"].cast(pl.Binary)
    return pl.Series([f"digest|{blake2b(text, digest_size=16).hexdigest()}|" for text in texts], dtype=pl.String)


def _counted(keys: pl.Series, nameless: pl.Series) -> pl.Series:
    """Return the keys, digests with their place among identical rows of the file."""
    digests = keys.filter(nameless).to_frame("key")
    # Counting within groups costs as much as all the digests, and most files have no two equal rows.
    unique = digests["key"].n_unique() == digests.height
    ordinal = pl.lit(0) if unique else pl.int_range(pl.len()).over("key")
    return keys.scatter(nameless.arg_true(), digests.select(pl.format("{}{}", "key", ordinal)).to_series())
