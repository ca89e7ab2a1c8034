"""ccxt without the exchanges nobody asked for: a venue's module is imported when its class is first wanted.

ccxt's two packages import the modules of all their exchanges, one after the other: 66 MB and most of a second for the
two or three that a desk has. Here each package runs without those lines, and finds a class when it is asked for.
Should ccxt ever be put together differently, it is imported whole, as it is.

All of this package takes ccxt from here, so that nobody imports it first.
"""

from __future__ import annotations

import ast
import importlib
import sys
from contextlib import suppress
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import ModuleType

OUTER, INNER = "ccxt", "ccxt.async_support"


def lean() -> bool:
    """Import ccxt's packages without their exchanges, unless they are imported already; return whether that was done.

    Whatever cannot be done leaves no trace: the next import of ccxt is then the usual one.
    """
    if OUTER in sys.modules:
        return False
    try:
        outer = _opened(OUTER)
        inner = _opened(INNER)
        setattr(outer, "async_support", inner)  # noqa: B010 - a module's type has no such name
    except Exception:  # noqa: BLE001 - any failure of this shortcut means: take the usual way
        for name in [name for name in sys.modules if name == OUTER or name.startswith(f"{OUTER}.")]:
            del sys.modules[name]
        return False
    return True


class Package(ModuleType):
    """A package of ccxt's, in which a venue's name is its class, as ccxt has it, whenever its module was imported."""

    venues: frozenset[str] = frozenset()

    def __getattr__(self, name: str) -> object:
        """Import a venue's module when its class is first asked for."""
        if name not in self.venues:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        importlib.import_module(f"{self.__name__}.{name}")
        return vars(self)[name]

    def __setattr__(self, name: str, value: object) -> None:
        """Keep the class where the import of a module would bind the module to its name."""
        super().__setattr__(
            name, getattr(value, name) if name in self.venues and isinstance(value, ModuleType) else value
        )


def _opened(package: str) -> ModuleType:
    """Return a package that was run without the imports of its exchanges.

    Raises:
        ImportError: there is no such package, or it names no exchanges.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(package)
    tree = ast.parse(Path(spec.origin).read_bytes(), spec.origin)
    names = _exchanges(tree)
    if not names:
        raise ImportError(package)
    tree.body = [line for line in tree.body if not _imports_one(line, package, names)]
    module = module_from_spec(spec)
    module.__class__ = Package
    setattr(module, "venues", names)  # noqa: B010 - module_from_spec is not told of the class
    sys.modules[package] = module
    exec(compile(tree, spec.origin, "exec"), vars(module))  # noqa: S102 - it is the package's own text
    return module


def _exchanges(tree: ast.Module) -> frozenset[str]:
    """Return the list `exchanges` of a package."""
    for line in tree.body:
        if isinstance(line, ast.Assign) and [ast.unparse(one) for one in line.targets] == ["exchanges"]:
            with suppress(ValueError):
                return frozenset(ast.literal_eval(line.value))
    return frozenset()


def _imports_one(line: ast.stmt, package: str, names: frozenset[str]) -> bool:
    """Tell whether a line is `from package.NAME import NAME` of an exchange."""
    return (
        isinstance(line, ast.ImportFrom)
        and line.level == 0
        and [alias.name for alias in line.names] == [(line.module or "").removeprefix(f"{package}.")]
        and line.names[0].name in names
    )


lean()

import ccxt.async_support as ccxt  # noqa: E402 - only now it is lean
from ccxt.async_support.base.exchange import Exchange  # noqa: E402 - likewise
from ccxt.base import errors  # noqa: E402 - likewise
from ccxt.base.types import Entry  # noqa: E402 - likewise

__all__ = ["Entry", "Exchange", "ccxt", "errors", "lean"]
