"""Writes the arrays that test/read/npz.test.ts reads: every element type and order that the reader knows, stored and deflated.

    python tools/training/conformance/numpy_arrays.py test/vectors/numpy
"""

import sys
from pathlib import Path

import numpy as np


def main(folder: Path) -> None:
    grid = np.arange(6).reshape(2, 3)
    arrays = {
        "f4": (grid / 4).astype("<f4"),
        "f8": (grid / 3).astype("<f8"),
        "i4": (grid - 3).astype("<i4"),
        "i8": (grid * 2**40).astype("<i8"),
        "big": (grid / 4).astype(">f4"),
        "fortran": np.asfortranarray(np.arange(24).reshape(2, 3, 4).astype("<f4")),
        "scalar": np.float64(1.5),
        "row": np.array([1, 2, 3], "<i4"),
        "empty": np.zeros((0, 3), "<f4"),
        "special": np.array([np.nan, np.inf, -np.inf, -0.0], "<f4"),
    }
    np.savez(folder / "stored.npz", **arrays)
    np.savez_compressed(folder / "deflated.npz", **arrays)
    np.savez(folder / "refused.npz", half=np.zeros(2, "<f2"))
    np.savez(folder / "objects.npz", allow_pickle=True, record=np.zeros(2, [("a", "<f4")]))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
