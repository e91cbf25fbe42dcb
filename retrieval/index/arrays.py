"""Several arrays in one file, mapped into memory: read when they are looked into, and no sooner."""

import mmap
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_ALIGNMENT = 64  # bytes, as numpy's own format has it
Array = npt.NDArray[Any]


def save_arrays(path: Path, arrays: Iterable[Array]) -> None:
    """Writes arrays one after another, each in numpy's own format."""
    with path.open("wb") as file:
        for array in arrays:
            np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
            file.write(bytes(-file.tell() % _ALIGNMENT))


def map_arrays(path: Path) -> list[Array]:
    """The arrays of a file that `save_arrays` wrote. They outlive the file.

    Raises:
        OSError, ValueError: it is missing or no such file.
    """
    arrays: list[Array] = []
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        while file.tell() < len(mapped):
            np.lib.format.read_magic(file)
            shape, _, dtype = np.lib.format.read_array_header_1_0(file)
            array: Array = np.ndarray(shape, dtype, mapped, file.tell())
            arrays.append(array)
            end = file.tell() + array.nbytes
            file.seek(end + -end % _ALIGNMENT)
    return arrays
