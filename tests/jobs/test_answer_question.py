"""What may be asked, and what is meant by what is left out."""

from __future__ import annotations

import pytest

from monitor.clock import DAY, Window
from monitor.errors import UsageError
from monitor.jobs.question import Options, Question, selected

NOW = 100 * DAY


@pytest.mark.parametrize(
    ("options", "window"),
    [
        ({}, Window(93 * DAY, 100 * DAY)),
        ({"window": DAY}, Window(99 * DAY, 100 * DAY)),
        ({"window": DAY, "end": 50 * DAY}, Window(49 * DAY, 50 * DAY)),
        ({"start": 40 * DAY}, Window(40 * DAY, 100 * DAY)),
        ({"start": 40 * DAY, "end": 41 * DAY}, Window(40 * DAY, 41 * DAY)),
    ],
)
def test_span(options: Options, window: Window) -> None:
    """A window without an end reaches up to the instant the data is good for; without a start it is 7 days long."""
    assert Question(**options).span(NOW) == window


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "fifoo"}, "Did you mean 'fifo'?"),
        ({"book": "spto"}, "Did you mean 'spot'?"),
        ({"by": "assets"}, "Did you mean 'asset'?"),
        ({"window": DAY, "start": 5}, "Both --window and --from"),
    ],
)
def test_unknown_words(options: Options, message: str) -> None:
    """A word that does not exist is refused with the nearest that does."""
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        Question(**options)


def test_empty_window_is_refused() -> None:
    """An end before the start is a usage error that names both."""
    with pytest.raises(UsageError, match="is empty"):
        Question(start=5 * DAY, end=4 * DAY).span(NOW)


def test_assets_are_found_whatever_their_case() -> None:
    """`btc` is BTC unless the ledger itself knows a btc."""
    assert selected(["btc", "ETH"], {"BTC", "ETH"}, ()) == {"BTC", "ETH"}
    assert selected(["btc"], {"BTC", "btc"}, ()) == {"btc"}


def test_unknown_asset() -> None:
    """A mistyped asset is refused with the nearest of the ledger."""
    with pytest.raises(UsageError, match=r"no asset 'BTCC' in the ledger\. Did you mean 'BTC'\?"):
        selected(["BTCC"], {"BTC", "ETH"}, ())


def test_cash_does_not_turn_over() -> None:
    """Cash is told apart from an unknown asset."""
    with pytest.raises(UsageError, match="USDT counts as cash"):
        selected(["usdt"], {"BTC"}, {"USDT"})
