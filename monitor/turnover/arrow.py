"""The bytes of a column of texts where polars keeps them, by the Arrow C data interface.

Compiled code reads numbers and names straight from there. What polars hands over is Arrow's layout of string views:
16 bytes a text, its length first, then either its bytes (up to 12) or the number of a buffer and a place in it.
https://arrow.apache.org/docs/format/CDataInterface.html
"""

from __future__ import annotations

import ctypes
import weakref
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

VIEWS = b"vu"
FIXED_BUFFERS = 3  # validity, views, and at the end the sizes of the others


class _Schema(ctypes.Structure):
    _fields_ = (
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class _Array(ctypes.Structure):
    _fields_ = (
        ("length", ctypes.c_int64),
        ("null_count", ctypes.c_int64),
        ("offset", ctypes.c_int64),
        ("n_buffers", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("buffers", ctypes.POINTER(ctypes.c_void_p)),
        ("children", ctypes.c_void_p),
        ("dictionary", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


class _Stream(ctypes.Structure):
    _fields_ = (
        ("get_schema", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Schema))),
        ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.POINTER(_Array))),
        ("get_last_error", ctypes.c_void_p),
        ("release", ctypes.c_void_p),
        ("private_data", ctypes.c_void_p),
    )


_release = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


class Place(NamedTuple):
    """Where compiled code finds texts: addresses of the views and of the validity bits (0: none missing)."""

    views: int
    valid: int
    offset: int
    buffers: NDArray[np.int64]


class Texts:
    """A column of texts in one piece, alive as long as this is."""

    def __init__(self, column: pl.Series) -> None:
        """Take the column over; it is copied only if it lies in several pieces."""
        self.column = column.rechunk()
        self.place = Place(0, 0, 0, np.zeros(1, dtype=np.int64))
        if len(column):
            self.place = self._exported()

    def __len__(self) -> int:
        """Return the number of texts, missing ones included."""
        return len(self.column)

    def _exported(self) -> Place:
        capsule = self.column.__arrow_c_stream__(None)
        address = _pointer(capsule, b"arrow_array_stream")
        stream, schema, array = _Stream.from_address(address), _Schema(), _Array()
        failed = stream.get_schema(address, ctypes.byref(schema)) or stream.get_next(address, ctypes.byref(array))
        layout = schema.format
        if schema.release:
            _release(schema.release)(ctypes.addressof(schema))
        if failed or layout != VIEWS or array.length != len(self.column):
            raise TypeError(f"polars gave {layout!r} for texts, not string views; install polars >= 2.1.")
        weakref.finalize(self, lambda: _release(array.release)(ctypes.addressof(array)))
        views = array.buffers[1] + 16 * array.offset
        data = [array.buffers[number] or 0 for number in range(2, array.n_buffers - FIXED_BUFFERS + 2)]
        valid = array.buffers[0] if array.null_count else None
        return Place(views, valid or 0, array.offset, np.array([*data, 0], dtype=np.int64))
