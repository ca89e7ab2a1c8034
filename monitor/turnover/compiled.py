"""Machine code for the one loop that is sequential by nature, compiled once for each machine.

Numba keeps what it compiled beside the module, or, where that folder is read-only, in the user's cache folder. A
service account often has neither; then a folder of the account's own under the temporary folder serves, if nobody
else can write to it: what lies there is unpickled. Without any place every start compiles anew.
"""

from __future__ import annotations

import os
import stat
import tempfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, cast

import numba
from numba.core import cgutils, types
from numba.extending import intrinsic, register_jitable
from numba.np.numpy_support import carray

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Callable, Iterable, Mapping
    from types import ModuleType

    import numpy as np

F = TypeVar("F", bound="Callable[..., object]")
Shape = TypeVar("Shape", bound="tuple[int, ...]")
Cell = TypeVar("Cell", bound="np.generic")


def part(function: F) -> F:
    """Return the function itself, now usable inside compiled code: interpreted and compiled run the same source."""
    register_jitable(forceinline=True)(function)
    return function


def rare(function: F) -> F:
    """Return the function itself, as `part` does, for what is called too seldom to be worth inlining."""
    register_jitable(function)
    return function


class Module(Protocol):
    """What is used of a piece of machine code."""

    def declare_intrinsic(self, name: str, kinds: list[object], kind: object) -> object:
        """Declare an instruction of the machine."""
        ...


class Builder(Protocol):
    """What is used of the writer of machine code."""

    module: Module

    def inttoptr(self, value: object, kind: object) -> object:
        """Write the conversion of an integer to a pointer."""
        ...

    def call(self, function: object, arguments: list[object]) -> object:
        """Write a call."""
        ...


def _at_address(_context: object, _address: object) -> tuple[object, object]:
    def generate(_: object, builder: Builder, __: object, arguments: tuple[object]) -> object:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), generate


# Turns an integer into a pointer, in compiled code. Arrays that come in by their address own nothing, so compiled code
# counts no references to them: in a loop of small functions that counting takes most of the time.
_pointer = cast("Callable[[int], ctypes.c_void_p]", intrinsic(_at_address))


def _fetched(_context: object, _address: object) -> tuple[object, object]:
    def generate(_: object, builder: Builder, __: object, arguments: tuple[object]) -> object:
        kinds = cgutils.ir  # type: ignore[attr-defined]  # numba does not say that it has it
        whole, nothing = cgutils.int32_t, kinds.VoidType()
        kind = kinds.FunctionType(nothing, [cgutils.voidptr_t, whole, whole, whole])
        fetch = builder.module.declare_intrinsic("llvm.prefetch", [cgutils.voidptr_t], kind)
        # to read, to be kept in every cache, data
        place = builder.inttoptr(arguments[0], cgutils.voidptr_t)
        builder.call(fetch, [place, whole(0), whole(3), whole(1)])
        return arguments[0]

    return types.int64(types.int64), generate


# Asks the memory for what lies at an address before it is needed, in compiled code: rows that lie far apart are each
# waited for otherwise. An address that is nowhere does no harm.
fetch = cast("Callable[[int], int]", intrinsic(_fetched))


@part
def view(address: int, shape: Shape, kind: np.dtype[Cell]) -> np.ndarray[Shape, np.dtype[Cell]]:
    """Return the array that lies at an address, in compiled code only."""
    return carray(_pointer(address), shape, kind)


@part
def bare(array: np.ndarray[Shape, np.dtype[Cell]]) -> np.ndarray[Shape, np.dtype[Cell]]:
    """Return an array that owns nothing, in compiled code only; the one it is made from must outlive it."""
    return carray(_pointer(array.ctypes.data), array.shape, array.dtype)


class Compiled(Protocol):
    """What is asked of a compiled function besides calling it."""

    @property
    def stats(self) -> _Stats:
        """Return how often its machine code came from the cache, and how often it had to be made."""
        ...


class _Stats(Protocol):
    cache_hits: Mapping[object, int]
    cache_misses: Mapping[object, int]


COMPILED: list[Compiled] = []


def compile_cached(function: F, *sources: ModuleType) -> F:
    """Return the compiled form of a function; it is compiled at its first call and cached on disk.

    `sources` are the other modules it has parts from: numba alone would not see that they changed.
    """
    try:
        made = _jit(function, sources, cache=True)
    except RuntimeError:  # numba found no folder it may write to
        folder = _own_folder()
        if folder is not None:
            setattr(numba.config, "CACHE_DIR", str(folder))  # noqa: B010  (numba makes its options at run time, unseen by mypy)
        made = _jit(function, sources, cache=folder is not None)
    COMPILED.append(cast("Compiled", made))
    return made


def stamp(modules: Iterable[ModuleType]) -> int:
    """Return a number that changes with any source text of some modules: numba looks at the compiled one alone."""
    return zlib.crc32(b"".join(Path(str(module.__file__)).read_bytes() for module in modules))


def _jit(function: F, sources: Iterable[ModuleType], *, cache: bool) -> F:
    made = numba.njit(cache=cache, error_model="numpy", nogil=True)(function)
    if cache:
        # What the cache is checked against: the time and size of the function's own file, and now all sources.
        file = made._cache._cache_file  # type: ignore[attr-defined]  # noqa: SLF001  numba has no public way to say it
        file._source_stamp = (file._source_stamp, stamp(sources))  # noqa: SLF001  likewise
    return cast("F", made)


def _own_folder() -> Path | None:
    """Return a folder under the temporary one that belongs to this user alone, None if there is no such."""
    folder = Path(tempfile.gettempdir()) / f"monitor-numba-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return None
    private = stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077
    return folder if private else None
