"""The ReLU trick."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from slth.constructions import gadget, products
from slth.constructions.relu import relu

Floats = NDArray[np.float64]
# Multiples of 1/64: every product and sum below is exact in float64.
DYADIC = st.integers(-64, 64).map(lambda value: value / 64)
VECTOR_PAIRS = st.integers(1, 8).flatmap(
    lambda n: st.tuples(*[hnp.arrays(np.float64, n, elements=DYADIC) for _ in range(2)])
)


@given(hnp.arrays(np.float64, 5, elements=DYADIC))
def test_positive_parts(x: Floats) -> None:
    np.testing.assert_array_equal(relu(x) - relu(-x), x)
    np.testing.assert_array_equal(relu(x) + relu(-x), np.abs(x))
    assert (relu(x) * relu(-x) == 0).all()


@given(DYADIC, hnp.arrays(np.float64, 5, elements=DYADIC))
def test_the_trick_itself(w: float, x: Floats) -> None:
    np.testing.assert_array_equal(gadget(x, [w, -w], [1.0, -1.0]), w * x)


@given(VECTOR_PAIRS, hnp.arrays(np.float64, 6, elements=DYADIC))
def test_products_are_the_slopes(weights: tuple[Floats, Floats], x: Floats) -> None:
    a, b = weights
    positive, negative = products(a, b)
    slopes = positive.sum() * relu(x) + negative.sum() * relu(-x)
    np.testing.assert_array_equal(gadget(x, a, b), slopes)
    assert (positive * negative == 0).all()


@given(VECTOR_PAIRS)
def test_outputs_share_the_hidden_units(weights: tuple[Floats, Floats]) -> None:
    a, b = weights
    stacked = products(a, np.stack([b, 2 * b]))
    for half, single in zip(stacked, products(a, b), strict=True):
        np.testing.assert_array_equal(half, [single, 2 * single])


def test_a_dead_unit_contributes_nothing() -> None:
    """Dropping the sign condition on the first layer breaks the trick: the negative control."""
    x = np.array([-2.0, 3.0])
    np.testing.assert_array_equal(gadget(x, [0.5], [2.0]), [0.0, 3.0])
    assert not np.array_equal(gadget(x, [0.5], [2.0]), x)


def test_refuses_weights_that_do_not_belong_together() -> None:
    with pytest.raises(ValueError, match="one weight in and one out"):
        gadget(1.0, [1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="share no hidden units"):
        products([1.0, 2.0], [1.0])
    with pytest.raises(ValueError, match="share no hidden units"):
        products([[1.0]], [1.0])
