"""The fixed matrix from 384 to 768 dimensions."""

import hashlib

import numpy as np
import pytest
from model_fixtures.weights import expansion_matrix
from model_fixtures.weights.minilm_to_768_dimensions import hadamard


def test_shape_and_entries() -> None:
    """The matrix is 768 x 384 and read-only, and all its entries have the magnitude 1/sqrt(768)."""
    matrix = expansion_matrix()
    assert matrix.shape == (768, 384)
    assert matrix.dtype == np.dtype(np.float64)
    assert not matrix.flags.writeable
    assert set(np.unique(np.abs(matrix))) == {1 / np.sqrt(768)}


@pytest.mark.difference("embedding-weights")
def test_columns_are_orthonormal() -> None:
    """The columns are orthonormal to 1e-12."""
    matrix = expansion_matrix()
    assert np.abs(matrix.T @ matrix - np.eye(384)).max() < 1e-12


@pytest.mark.difference("embedding-weights")
def test_lengths_and_cosines_are_kept() -> None:
    """Expanding vectors preserves their lengths and cosines to 1e-12."""
    vectors = np.random.default_rng(7).normal(size=(20, 384))
    expanded = vectors @ expansion_matrix().T
    assert expanded.shape == (20, 768)
    assert np.abs(expanded @ expanded.T - vectors @ vectors.T).max() < 1e-12 * 768
    lengths, before = np.linalg.norm(expanded, axis=1), np.linalg.norm(vectors, axis=1)
    assert np.abs(lengths / before - 1).max() < 1e-12
    cosines = (expanded @ expanded.T) / np.outer(lengths, lengths)
    assert np.abs(cosines - (vectors @ vectors.T) / np.outer(before, before)).max() < 1e-12


def test_same_matrix_everywhere() -> None:
    """The signs never change, so that vectors from different machines can be compared."""
    signs = np.packbits(expansion_matrix() > 0).tobytes()
    assert (
        hashlib.sha256(signs).hexdigest()
        == "41f79b74d1c990c33f9aaabd8040fb4d3c2e71d950299f9c4fed11ec585da0fc"
    )


@pytest.mark.parametrize("order", [1, 2, 8, 12, 24, 768])
def test_hadamard_is_exact(order: int) -> None:
    """Entries are 1 and -1, and the matrix times its transpose is exactly the order times one."""
    matrix = hadamard(order).astype(np.float64)  # fast, and exact for integers
    assert set(np.unique(matrix)) <= {-1, 1}
    assert np.array_equal(matrix.T @ matrix, order * np.eye(order))


@pytest.mark.parametrize("order", [3, 20, 36])
def test_no_such_hadamard(order: int) -> None:
    """Orders for which there is no construction are refused."""
    with pytest.raises(ValueError, match=f"there is no construction for order {order}: "):
        hadamard(order)
