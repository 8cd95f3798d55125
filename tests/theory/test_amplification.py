"""The arithmetic behind Corollary 1 against the inequalities that it has to satisfy."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.theory import amplification as amp
from slth.theory.entropy import binary_entropy

SIZES = st.integers(1, 10**6)
TOLERANCES = st.floats(2.0**-30, 0.49)
CHANCES = st.floats(0.01, 0.6)


@given(SIZES, TOLERANCES, CHANCES)
def test_enough_blocks_fail_as_rarely_as_promised_and_one_less_may_not(
    k: int, epsilon: float, c_thm: float
) -> None:
    r = int(amp.blocks(k, epsilon, c_thm))
    assert r * np.log1p(-c_thm) <= 4 * np.log(epsilon / k)
    assert np.exp(-c_thm * (r - 1)) > (epsilon / k) ** 4 * (1 - 1e-9)


@given(SIZES, TOLERANCES)
def test_the_union_bound_leaves_less_than_epsilon(k: int, epsilon: float) -> None:
    assert amp.union_bound(k, epsilon) < epsilon
    assert amp.union_bound(k, epsilon, power=1) == pytest.approx(4 / np.sqrt(k))


@given(st.integers(1, 60), TOLERANCES, CHANCES)
def test_block_samples_are_blocks_that_satisfy_theorem_2(
    k: int, epsilon: float, c_thm: float
) -> None:
    r = int(amp.blocks(k, epsilon, c_thm))
    block, rest = divmod(int(amp.block_samples(k, epsilon, c_thm)), r)
    assert rest == 0
    assert block >= 2 * k
    wanted = np.log2(2 * k / epsilon)
    assert block * binary_entropy(k / block) >= wanted - 1e-9
    smaller = block - 1
    assert smaller < 2 * k or smaller * binary_entropy(k / smaller) < wanted


@settings(deadline=None)
@given(st.integers(1, 40), TOLERANCES, CHANCES, st.integers(0, 1000))
def test_sparse_bits_of_the_whole_leave_enough_for_a_block(
    k: int, epsilon: float, c_thm: float, more: int
) -> None:
    r = int(amp.blocks(k, epsilon, c_thm))
    needed = float(amp.sparse_bits(k, epsilon, c_thm))
    high = 2 * k
    while r * high * binary_entropy(k / (r * high)) < needed:
        high *= 2
    low = max(high // 2, 2 * k - 1)
    while high - low > 1:
        middle = (low + high) // 2
        if r * middle * binary_entropy(k / (r * middle)) < needed:
            low = middle
        else:
            high = middle
    block = high + more
    assert block * binary_entropy(k / block) >= np.log2(2 * k / epsilon) - 1e-9


@pytest.mark.parametrize("density", [0.5, 0.25, 0.01])
@pytest.mark.parametrize("epsilon", [0.4, 2.0**-6, 2.0**-12])
def test_repaired_samples_are_the_smallest_that_hold_a_block(
    density: float, epsilon: float
) -> None:
    c_thm = 0.1

    def bits_to_spare(n: int) -> float:
        k = int(density * n)
        block = n // (4 * int(amp.blocks(k, epsilon, c_thm)))
        part = min(k, block // 2)
        wanted = float(np.log2(2 * part / epsilon))
        return block * float(binary_entropy(part / block)) - wanted

    n = amp.repaired_samples(density, epsilon, c_thm)
    assert bits_to_spare(n) >= 0
    assert bits_to_spare(n - 1) < 0


def test_the_repair_needs_the_square_of_the_logarithm() -> None:
    needed = [amp.repaired_samples(0.5, 2.0**-b, 0.1) for b in (10, 20, 40)]
    assert needed[2] / needed[1] > 2.5  # twice the bits: more than a linear law would give
    assert needed[1] / needed[0] > 2


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="epsilon"):
        amp.blocks(2, 1.5, 0.1)
    with pytest.raises(ValueError, match="c_thm"):
        amp.blocks(2, 0.5, 1.0)
    with pytest.raises(ValueError, match="density"):
        amp.repaired_samples(0.6, 0.1, 0.1)
