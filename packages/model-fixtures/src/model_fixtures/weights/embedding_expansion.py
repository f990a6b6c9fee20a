"""The fixed matrix that expands MiniLM's 384 dimensions to the 768 that clients expect."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ROWS = 768
COLUMNS = 384
# The quadratic residues modulo 11, for Paley's construction of a Hadamard matrix of order 12.
RESIDUES = frozenset({1, 3, 4, 5, 9})


def hadamard(order: int) -> "NDArray[np.int8]":
    """Return a Hadamard matrix (entries 1 and -1, orthogonal columns) of order 12 * 2**n or 2**n.

    It is computed with integers alone, so it is the same on every machine.

    Raises:
        ValueError: the order has another form.
    """
    import numpy as np

    matrix = np.ones((1, 1), dtype=np.int8)
    if order % 12 == 0:
        # Paley's matrix is the identity plus a skew matrix of Legendre symbols bordered by ones.
        skew = np.zeros((12, 12), dtype=np.int8)
        skew[0, 1:] = 1
        skew[1:, 0] = -1
        for row in range(11):
            for column in range(11):
                if row != column:
                    skew[row + 1, column + 1] = 1 if (row - column) % 11 in RESIDUES else -1
        matrix = skew + np.eye(12, dtype=np.int8)
    doubling = np.array([[1, 1], [1, -1]], dtype=np.int8)
    while matrix.shape[0] < order:
        matrix = np.kron(matrix, doubling)
    if matrix.shape[0] != order:
        raise ValueError(f"there is no construction for order {order}: choose 2**n or 12 * 2**n")
    return matrix


@cache
def expansion_matrix() -> "NDArray[np.float64]":
    """Return the read-only 768 x 384 matrix M with orthonormal columns.

    For row vectors x of 384 numbers, `x @ M.T` has 768, and all lengths and cosines are preserved.
    M is the first 384 columns of a Hadamard matrix of order 768 (Paley's of order 12 times
    Sylvester's of order 64), divided by the square root of 768. All its entries have the same
    magnitude, so no dimension of the result is empty.
    """
    import numpy as np

    signs = hadamard(ROWS)[:, :COLUMNS].astype(np.float64)
    matrix: NDArray[np.float64] = signs / np.sqrt(np.float64(ROWS))
    matrix.flags.writeable = False
    return matrix
