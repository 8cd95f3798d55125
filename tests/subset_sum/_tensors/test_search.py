"""The search alone, in integers: against every sum, up to the ends of the 64-bit grid."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.subset_sum._tensors import search
from slth.subset_sum._tensors.search import NOTHING, Half, closest

END = 1 << 60  # no sum of a row exceeds it


def searched(rows: list[list[int]], t: list[int], size: int) -> list[tuple[int, int, int]]:
    V = torch.tensor(rows, dtype=torch.int64).reshape(len(t), -1)
    n = V.shape[1]
    first, second = (Half(V, bits, sized=size >= 0) for bits in (range(n // 2), range(n // 2, n)))
    found = closest(first, second, torch.tensor(t), size)
    return list(zip(*(values.tolist() for values in found), strict=True))


def check(v: list[int], t: int, size: int, found: tuple[int, int, int]) -> None:
    """Compare with all subsets, in Python's integers."""
    distances = {}
    for code in range(1 << len(v)):
        if size in (-1, code.bit_count()):
            distances[code] = sum(x for i, x in enumerate(v) if code >> i & 1) - t
    w, second, code = found
    assert distances[code] == w
    smallest = sorted(map(abs, distances.values()))
    assert abs(w) == smallest[0]
    assert second == (smallest[1] if len(smallest) > 1 else NOTHING)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_best_and_second_best(data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 8))
    size = data.draw(st.integers(-1, n))
    reach = data.draw(st.sampled_from([2, 50, END // max(1, n)]))
    value = st.integers(-reach, reach)
    rows = data.draw(st.lists(st.lists(value, min_size=n, max_size=n), min_size=1, max_size=3))
    far = st.sampled_from([-2 * END - 5, -END - 5, END + 5, 2 * END + 5])
    t = data.draw(st.lists(far | value, min_size=len(rows), max_size=len(rows)))
    for v, target, found in zip(rows, t, searched(rows, t, size), strict=True):
        check(v, target, size, found)


@pytest.mark.parametrize("size", [-1, 1, 4])
def test_no_fence_is_taken_for_a_sum(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Targets as far as they come, and whole sums on the other side; a nearer fence would win."""
    v = [-END // 8] * 8
    for t in (2 * END + 5, -2 * END - 5):
        check(v, t, size, searched([v], [t], size)[0])
        check([-x for x in v], t, size, searched([[-x for x in v]], [t], size)[0])
    monkeypatch.setattr(search, "FENCE", END + 10)
    with pytest.raises((AssertionError, RuntimeError, KeyError, IndexError)):
        check(v, 2 * END + 5, size, searched([v], [2 * END + 5], size)[0])


def test_kept_rows_are_searched_as_before() -> None:
    rng = np.random.default_rng(0)
    V, t = (
        torch.from_numpy(rng.integers(-99, 99, (6, 7))),
        torch.from_numpy(rng.integers(-99, 99, 6)),
    )
    halves = Half(V, range(3), sized=True), Half(V, range(3, 7), sized=True)
    rows = torch.tensor([4, 1])
    before = closest(*halves, t, 2)
    for half in halves:
        half.keep(rows)
    for size in (2, 4):  # from lists built before, and after
        expected = closest(
            Half(V[rows], range(3), sized=True),
            Half(V[rows], range(3, 7), sized=True),
            t[rows],
            size,
        )
        for one, two in zip(closest(*halves, t[rows], size), expected, strict=True):
            assert torch.equal(one, two)
    assert torch.equal(before.code[rows], closest(*halves, t[rows], 2).code)


def test_the_first_of_equal_sums() -> None:
    """In the order of the classes of the first half, then of the subsets of the second."""
    assert searched([[1, 1, 1, 1]], [2], 2)[0][2] == 0b1100
    assert searched([[1, 1, 1, 1]], [1], 1)[0][2] == 0b0100
    assert searched([[1, 1, 1, 1]], [2], -1)[0][2] == searched([[1, 1, 1, 1]] * 2, [2, 2], -1)[1][2]
