"""What a person may ask of the turnover of a desk, and what the words they leave out stand for."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Literal, TypedDict

from monitor.clock import DAY, Window
from monitor.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

By = Literal["asset", "account", "portfolio"]
METHODS = ("fifo", "lifo", "hifo", "lofo", "wac")
BOOKS = ("spot", "margin", "linear", "inverse", "option")
ALL_BOOKS = "all"
HEADLINE_BOOK = "spot"
DEFAULT_WINDOW = 7 * DAY


class Options(TypedDict, total=False):
    """The options of `monitor turnover`, by the names of `Question`."""

    window: int | None
    start: int | None
    end: int | None
    as_of: int | None
    by: By
    assets: Sequence[str]
    book: str | None
    method: str | None
    account: str | None
    detail: bool


@dataclass(frozen=True, slots=True)
class Question:
    """One question; instants and `window` in milliseconds, None for the default.

    The window is [start, end) where both are given; else it ends at `end`, or at `as_of`, and is `window` long.
    `assets` empty: all of them. `book`: one of `BOOKS`, or `all`; None shows the rows of every book and totals spot.
    `account`: of one account's own pools alone.
    Without `detail` only the running sums are read: ages, peak, half-life and the median of the holding time, which
    read single lots, are left out.
    """

    window: int | None = None
    start: int | None = None
    end: int | None = None
    as_of: int | None = None
    by: By = "asset"
    assets: Sequence[str] = ()
    book: str | None = None
    method: str | None = None
    account: str | None = None
    detail: bool = True

    def __post_init__(self) -> None:
        """Refuse words that do not exist."""
        known("--by", self.by, ("asset", "account", "portfolio"))
        if self.book is not None:
            known("--book", self.book, (*BOOKS, ALL_BOOKS))
        if self.method is not None:
            known("--method", self.method, METHODS)
        if self.window is not None and self.start is not None:
            raise UsageError("Both --window and --from are given.", "Give a length or a start.")

    @property
    def scope(self) -> str:
        """Return the scope of the pools whose rows are asked about."""
        return "account" if self.by == "account" or self.account else "portfolio"

    def span(self, as_of: int) -> Window:
        """Return the window that is asked about, when the data stands at `as_of`."""
        end = as_of if self.end is None else self.end
        start = self.start
        return Window(end - (self.window or DEFAULT_WINDOW) if start is None else start, end)

    def books(self) -> tuple[str, ...]:
        """Return the books that are asked about."""
        return BOOKS if self.book in {None, ALL_BOOKS} else (str(self.book),)

    def summed(self) -> tuple[str, ...]:
        """Return the books that the totals add up: the headline is spot, other books on request."""
        return (HEADLINE_BOOK,) if self.book is None else self.books()


def known(what: str, value: str, values: Collection[str]) -> None:
    """Refuse a word that is none of `values`.

    Raises:
        UsageError: with the nearest word, and all of them.
    """
    if value not in values:
        raise UsageError(f"{what} {value!r} does not exist.{_nearest(value, values)}", f"Known: {', '.join(values)}.")


def selected(assets: Iterable[str], in_ledger: Collection[str], cash: Collection[str]) -> frozenset[str]:
    """Return the assets asked about as the ledger writes them, whatever the case they were typed in.

    Raises:
        UsageError: the ledger has no such asset (with the nearest), or it counts as cash and has no inventory.
    """
    return frozenset(_selected(asset, in_ledger, cash) for asset in assets)


def _selected(asset: str, in_ledger: Collection[str], cash: Collection[str]) -> str:
    for name in (asset, asset.upper()):
        if name in cash:
            raise UsageError(
                f"{name} counts as cash: it has no inventory and does not turn over.",
                "Take it out of `cash` in the settings to see it as an asset.",
            )
        if name in in_ledger:
            return name
    raise UsageError(
        f"There is no asset {asset!r} in the ledger.{_nearest(asset.upper(), in_ledger)}",
        "`monitor turnover` without an asset lists all.",
    )


def _nearest(value: str, values: Iterable[str]) -> str:
    near = get_close_matches(value, sorted(values), n=1, cutoff=0.5)
    return f" Did you mean {near[0]!r}?" if near else ""
