"""ccxt venue by venue: each class is found by its name, others stay away, and an unknown form is imported whole."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def told(code: str, folder: Path | None = None) -> list[str]:
    """Run a program in a fresh process and return what it printed; modules of `folder` come first."""
    first = f"import sys; sys.path.insert(0, {str(folder)!r})\n" if folder else "import sys\n"
    run = subprocess.run([sys.executable, "-c", first + code], check=True, capture_output=True, text=True)
    return run.stdout.split()


def test_only_venues_asked_for_are_imported() -> None:
    """After asking for Binance's contracts, its module and its parent's are there, and no other venue's."""
    code = (
        "from monitor.exchanges.library import ccxt\n"
        "from monitor.config.venues import known_exchanges\n"
        "print(ccxt.binanceusdm.__name__, ccxt.binance.__name__)\n"
        "print(*sorted(known_exchanges() & {name.rpartition('.')[2] for name in sys.modules if 'ccxt.async' in name}))"
    )
    assert told(code) == ["binanceusdm", "binance", "binance", "binanceusdm"]


def test_the_jobs_import_no_venue() -> None:
    """Whichever of their modules is imported first: one that took ccxt itself would bring every venue along."""
    code = (
        "import monitor.jobs.cycle\n"
        "from monitor.config.venues import known_exchanges\n"
        "print(*sorted(known_exchanges() & {name.rpartition('.')[2] for name in sys.modules if 'ccxt.' in name}))"
    )
    assert told(code) == []


def test_every_venue_is_found_by_its_name() -> None:
    """Each of ccxt's ids is a class that makes an exchange of that id, in whatever order and way it is imported."""
    code = (
        "from monitor.exchanges.library import ccxt, Exchange, lean\n"
        "assert 'ccxt.async_support.kraken' not in sys.modules and not lean()\n"
        "from ccxt.async_support import kraken\n"
        "assert kraken is ccxt.kraken\n"
        "__import__('ccxt.async_support.okx')\n"
        "wrong = [name for name in reversed(ccxt.exchanges) if getattr(ccxt, name)().id != name]\n"
        "assert all(issubclass(getattr(ccxt, name), Exchange) for name in ccxt.exchanges)\n"
        "print(len(ccxt.exchanges) > 90, *wrong)"
    )
    assert told(code) == ["True"]


def test_another_form_of_ccxt_is_imported_whole(tmp_path: Path) -> None:
    """A package that does not list its exchanges runs as it is, with every import it has."""
    files = {
        "ccxt/__init__.py": "from ccxt.one import one",
        "ccxt/one.py": "class one: pass",
        "ccxt/base/__init__.py": "",
        "ccxt/base/errors.py": "",
        "ccxt/base/types.py": "Entry = object",
        "ccxt/async_support/__init__.py": "",
        "ccxt/async_support/base/__init__.py": "",
        "ccxt/async_support/base/exchange.py": "Exchange = object",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    code = (
        "import monitor.exchanges.library as it\nprint('ccxt.one' in sys.modules, type(sys.modules['ccxt']).__name__)"
    )
    assert told(code, tmp_path) == ["True", "module"]
