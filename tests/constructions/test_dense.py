"""One dense layer: against enumeration, and layout of the hidden units."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from slth.constructions import DenseMasks, TicketNotFound, dense_masks, hidden_width
from slth.subset_sum import InstanceTooLarge
from slth.tickets import Objective


def instance(
    seed: int, outputs: int, inputs: int, samples: int, signed: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    hidden = hidden_width(inputs, samples, signed=signed)
    first = rng.uniform(-1, 1, (hidden, inputs)).astype(np.float32)
    second = rng.uniform(-1, 1, (outputs, hidden)).astype(np.float32)
    return rng.uniform(-0.3, 0.3, (outputs, inputs)), first, second


def smallest_error(products: list[float], goal: float, size: int | None) -> float:
    """Smallest error over all subsets of the (given) size."""
    sizes = range(len(products) + 1) if size is None else [size]
    subsets = itertools.chain.from_iterable(itertools.combinations(products, k) for k in sizes)
    return min(abs(sum(subset) - goal) for subset in subsets)


def fewest_live(first: np.ndarray, samples: int, halves: int) -> int:
    """Smallest number of live units of an (input, half)."""
    blocks = first.reshape(first.shape[1], halves, samples, first.shape[1])
    return min(
        int((blocks[column, half, :, column] * (-1) ** half > 0).sum())
        for column in range(first.shape[1])
        for half in range(halves)
    )


def check_layout(masks: DenseMasks, first: np.ndarray, samples: int, halves: int) -> None:
    """Each unit reads its own input only, with the sign of its half, and serves an output."""
    for unit, row in enumerate(masks.first):
        block, half = divmod(unit // samples, halves)
        assert not np.delete(row, block).any()
        if row[block]:
            assert first[unit, block] * (-1) ** half > 0
        assert row[block] == masks.second[:, unit].any()


@given(
    seed=st.integers(0, 10**6),
    outputs=st.integers(1, 3),
    inputs=st.integers(1, 3),
    samples=st.integers(4, 12),
    signed=st.booleans(),
    size=st.sampled_from([None, 1, 2]),
)
@settings(deadline=None, max_examples=60)
def test_best_subsets_against_enumeration(
    seed: int, outputs: int, inputs: int, samples: int, signed: bool, size: int | None
) -> None:
    weights, first, second = instance(seed, outputs, inputs, samples, signed)
    halves = 2 if signed else 1
    if size is not None and size > fewest_live(first, samples, halves):
        with pytest.raises(TicketNotFound, match="too few products"):
            dense_masks(weights, first, second, tolerance=9.0, size=size, signed=signed)
        return
    masks = dense_masks(weights, first, second, tolerance=9.0, size=size, signed=signed)
    check_layout(masks, first, samples, halves)
    for column, half in itertools.product(range(inputs), range(halves)):
        start = (column * halves + half) * samples
        units = [
            unit for unit in range(start, start + samples) if first[unit, column] * (-1) ** half > 0
        ]
        for row in range(outputs):
            products = {
                unit: abs(float(first[unit, column])) * float(second[row, unit]) for unit in units
            }
            chosen = [unit for unit in units if masks.second[row, unit]]
            goal = float(weights[row, column]) * (-1) ** half
            error = abs(sum(products[unit] for unit in chosen) - goal)
            best = smallest_error(list(products.values()), goal, size)
            assert error == pytest.approx(best, abs=1e-14)
            assert size is None or len(chosen) == size


@given(seed=st.integers(0, 10**6), signed=st.booleans())
@settings(deadline=None, max_examples=20)
def test_kept_parameters_stay_within_the_accounting_of_theorem_3(seed: int, signed: bool) -> None:
    outputs, inputs, samples, size = 3, 4, 12, 2
    weights, first, second = instance(seed, outputs, inputs, samples, signed)
    halves = 2 if signed else 1
    assume(fewest_live(first, samples, halves) >= size)
    masks = dense_masks(weights, first, second, tolerance=9.0, size=size, signed=signed)
    kept = int(masks.first.sum() + masks.second.sum())
    assert int(masks.second.sum()) == halves * inputs * outputs * size
    assert kept <= 2 * halves * inputs * outputs * size
    assert first.size + second.size == halves * (inputs**2 + inputs * outputs) * samples


@pytest.mark.parametrize("objective", ["best", "feasible", "fewest"])
def test_every_objective_keeps_the_tolerance(objective: Objective) -> None:
    weights, first, second = instance(5, 4, 3, 24, True)
    tolerance = 0.02
    masks = dense_masks(weights, first, second, tolerance=tolerance, objective=objective)
    kept_first = np.where(masks.first, first, 0).astype(np.float64)
    kept_second = np.where(masks.second, second, 0).astype(np.float64)
    for sign in (1, -1):
        slopes = kept_second @ np.maximum(sign * kept_first, 0)
        assert np.abs(slopes - sign * weights).max() <= tolerance


def test_objectives_differ_in_size() -> None:
    weights, first, second = instance(5, 4, 3, 24, True)
    kept = {
        objective: int(
            dense_masks(weights, first, second, tolerance=0.02, objective=objective).second.sum()
        )
        for objective in ("best", "fewest")
    }
    assert kept["fewest"] < kept["best"]


def test_any_number_of_samples_is_feasible_but_not_optimal() -> None:
    """Hundreds of live products: a first subset is easy, the best one out of reach, and said so."""
    weights, first, second = instance(1, 2, 2, 300, False)
    masks = dense_masks(weights, first, second, tolerance=1e-6, objective="feasible", signed=False)
    check_layout(masks, first, 300, 1)
    slopes = np.where(masks.second, second, 0).astype(float) @ np.where(masks.first, first, 0)
    assert np.abs(slopes - weights).max() <= 1e-6
    with pytest.raises(InstanceTooLarge, match="largest n that can be solved"):
        dense_masks(weights, first, second, tolerance=1e-6, signed=False)


def test_tolerance_is_inclusive() -> None:
    weights, first, second = np.array([[0.5]]), np.array([[1.0]]), np.array([[0.75]])
    masks = dense_masks(weights, first, second, tolerance=0.25, size=1, signed=False)
    assert masks.second.all()
    below = float(np.nextafter(0.25, 0))
    with pytest.raises(TicketNotFound):
        dense_masks(weights, first, second, tolerance=below, size=1, signed=False)


def test_a_zero_weight_needs_no_product_unless_the_size_is_fixed() -> None:
    first, second = np.array([[1.0], [0.5]]), np.array([[0.25, -0.5]])
    masks = dense_masks(np.zeros((1, 1)), first, second, tolerance=0.0, signed=False)
    assert not masks.first.any()
    assert not masks.second.any()
    masks = dense_masks(np.zeros((1, 1)), first, second, tolerance=0.0, size=2, signed=False)
    assert masks.first.all()


def test_names_the_weight_that_is_out_of_reach() -> None:
    weights = np.array([[0.5, 0.5], [0.5, 4.0]])
    _, first, second = instance(0, 2, 2, 8, True)
    with pytest.raises(TicketNotFound, match=r"weight \(1, 1\) = 4, negative half") as caught:
        dense_masks(weights, first, second, tolerance=1.0)
    miss = caught.value.miss
    assert (miss.index, miss.half, miss.weight) == ((1, 1), "negative", 4.0)
    assert miss.live == (first[24:32, 1] < 0).sum()
    products = np.maximum(-first[24:32, 1].astype(float), 0) * second[1, 24:32]
    reachable = np.maximum(-products, 0)
    assert miss.error == pytest.approx(4.0 - reachable.sum(), abs=1e-12)
    assert miss.error > miss.tolerance == 1.0


def test_too_few_live_products() -> None:
    first, second = np.array([[1.0], [-1.0], [-0.5]]), np.array([[1.0, 1.0, 1.0]])
    with pytest.raises(TicketNotFound, match="n=3 samples, 1 of them live") as caught:
        dense_masks(np.array([[0.5]]), first, second, tolerance=9.0, size=2, signed=False)
    assert caught.value.miss.error == np.inf
    with pytest.raises(TicketNotFound, match=r"error 0\.5 reached with n=3 samples, 0 of them"):
        dense_masks(np.array([[0.5]]), -np.abs(first), second, tolerance=0.1, signed=False)


def test_not_found_survives_pickling() -> None:
    first, second = np.array([[1.0]]), np.array([[1.0]])
    with pytest.raises(TicketNotFound) as caught:
        dense_masks(np.array([[0.5]]), first, second, tolerance=0.1, signed=False)
    original = TicketNotFound(caught.value.miss, 3, 17)
    again = pickle.loads(pickle.dumps(original))
    assert str(again) == str(original)
    assert "theory asks for n=17" in str(again)
    assert (again.miss, again.layer, again.suggested_samples) == (original.miss, 3, 17)


def test_refuses_shapes_that_do_not_fit() -> None:
    weights = np.ones((2, 3))
    with pytest.raises(ValueError, match="do not fit a target layer"):
        dense_masks(weights, np.ones((6, 2)), np.ones((2, 6)), tolerance=1.0)
    with pytest.raises(ValueError, match="do not fit a target layer"):
        dense_masks(weights, np.ones((6, 3)), np.ones((2, 7)), tolerance=1.0)
    with pytest.raises(ValueError, match="8 hidden units cannot be shared evenly"):
        dense_masks(weights, np.ones((8, 3)), np.ones((2, 8)), tolerance=1.0)


@pytest.mark.parametrize("objective", ["best", "feasible", "fewest"])
def test_a_zero_weight_keeps_nothing_unless_the_size_is_fixed(objective: Objective) -> None:
    """The third product is 0 up to the tolerance; the empty subset is exact."""
    weights = np.array([[0.5, 0.0], [-0.0, 0.25]])
    first = np.array([[1.0, 1.0], [1.0, 1.0], [1.0, 1.0], [1.0, 1.0]])
    second = np.array([[0.5, 1e-9, 1e-9, 1e-9], [1e-9, 1e-9, 0.25, 1e-9]])
    masks = dense_masks(weights, first, second, tolerance=1e-6, objective=objective, signed=False)
    assert not masks.second[0, 2:].any()
    assert not masks.second[1, :2].any()
    assert masks.second[0, 0]
    assert masks.second[1, 2]
    if objective != "fewest":
        fixed = dense_masks(
            weights, first, second, tolerance=1e-6, size=1, objective=objective, signed=False
        )
        assert [fixed.second[:, :2].sum(1).tolist(), fixed.second[:, 2:].sum(1).tolist()] == [
            [1, 1],
            [1, 1],
        ]
