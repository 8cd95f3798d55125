"""Numbers are taken as they are written, or refused: nothing is rounded without a word."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from slth.subset_sum import (
    count,
    covering_radius,
    covering_radius_bounds,
    solve,
    solve_many,
    solve_window,
    sums,
)

ODD = 2**53 + 1  # float64 has no such integer
THIRD = np.longdouble(1) / 3

TAKERS: dict[str, Callable[[Any], object]] = {
    "solve": lambda x: solve(x, 0.25),
    "solve_many": lambda x: solve_many(x, [0.25]),
    "count": lambda x: count(x, 0.25, tolerance=0.0),
    "sums": sums,
    "covering_radius": covering_radius,
    "covering_radius_bounds": covering_radius_bounds,
    "solve_window": lambda x: solve_window(x, 0.25, tolerance=1e300, rng=0),
}


@pytest.fixture(params=TAKERS)
def take(request: pytest.FixtureRequest) -> Callable[[Any], object]:
    return TAKERS[request.param]


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.array([1, ODD]), f"holds {ODD}, which float64 would round"),
        (np.array([-ODD]), f"holds {-ODD}, which"),
        (np.array([2**64 - 1], np.uint64), f"holds {2**64 - 1}, which"),
        ([1, ODD], f"holds {ODD}, which"),
        ([0.5, ODD], f"holds {ODD}, which"),  # NumPy makes this float64 on its own
        ([0.5, np.int64(ODD)], f"holds {ODD}, which"),
        ([2**63 + 1, -1], f"holds {2**63 + 1}, which"),
        ([2**70 + 1], f"holds {2**70 + 1}, which"),
        ([10**5000], "holds 2\\^16610, which"),
        (torch.tensor([ODD]), f"holds {ODD}, which"),
        (np.ma.array([1.0, 2.0], mask=[False, True]), "has masked entries"),
        ([np.ma.masked, 1.0], "has masked entries"),
        ([Fraction(1, 3)], r"must hold real numbers, not objects such as Fraction\(1, 3\)"),
        ([0.5, Decimal("0.1")], "not objects such as 0.5|not objects such as Decimal"),
        ([None, 1.0], "not objects such as None"),
        (["0.1"], "must hold real numbers, not <U3"),
        ([[1.0], [1.0, 2.0]], "in the shape of an array: .* inhomogeneous"),
        (torch.eye(2).to_sparse()[0], "a sparse, quantized or nested tensor"),
        (
            torch.empty(2, device="meta"),
            "in the shape of an array: .* meta tensor",
        ),
        (
            [torch.tensor(0.5, requires_grad=True)],
            "in the shape of an array: .* grad",
        ),
    ],
)
def test_what_would_be_rounded_or_guessed_is_refused(
    samples: Any, message: str, take: Callable[[Any], object]
) -> None:
    with pytest.raises(ValueError, match=message):
        take(samples)


@pytest.mark.skipif(np.finfo(np.longdouble).nmant == 52, reason="long double is float64 here")
@pytest.mark.parametrize("value", [THIRD, np.longdouble("1e400"), np.longdouble(2**53) + 1])
def test_long_doubles(value: np.longdouble, take: Callable[[Any], object]) -> None:
    with pytest.raises(ValueError, match=r"holds .*, which float64 would round"):
        take(np.array([0.5, value]))
    with pytest.raises(ValueError, match=r"[zZ] holds .*, which float64 would round"):
        solve([0.5], value)  # type: ignore[arg-type]
    assert str(take(np.array([0.5, 0.75], np.longdouble))) == str(take(np.array([0.5, 0.75])))


@pytest.mark.parametrize(
    "samples",
    [
        torch.tensor([0.5, 0.75, -2.0], dtype=torch.bfloat16),
        torch.tensor([0.5, 0.75, -2.0], requires_grad=True),
        torch.nn.Parameter(torch.tensor([0.5, 0.75, -2.0])) * 1,
        torch.tensor([1 - 0.5j, 1 - 0.75j, 1 + 2j]).conj().imag,  # read through a pending sign
        np.ma.array([0.5, 0.75, -2.0]),
        np.ma.array([0.5, 0.75, -2.0], mask=[False] * 3),
        np.array([0.5, 0.75, -2.0], np.float16),
        np.array([0.5, 0.75, -2.0], ">f4"),
    ],
)
def test_what_is_exact_is_taken(samples: Any, take: Callable[[Any], object]) -> None:
    assert str(take(samples)) == str(take([0.5, 0.75, -2.0]))


def test_long_integers_that_float64_holds() -> None:
    for large in ([2**60, 2**61 + 2**10, -1], np.array([2**60, 2**61 + 2**10, -1])):
        assert solve(large, 2**60, size=2).indices.tolist() == [0, 2]
        assert count(large, 2**60, tolerance=1) == 2
    assert solve([2**70, 1], 2**70).indices.tolist() == [0]
    assert solve_many([2**70, 2**71], [2**70, 2**71]).errors.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    "value", ["0.1", b"1", True, np.True_, 1j, Fraction(1, 2), Decimal(1), object(), ODD]
)
def test_targets_and_tolerances(value: Any) -> None:
    for name in ("z", "tolerance"):
        arguments = {"z": 0.5, "tolerance": 0.5, name: value}
        with pytest.raises(ValueError, match=f"^{name}[ =]"):
            solve([0.5], objective="feasible", **arguments)
        with pytest.raises(ValueError, match=f"^{name}[ =]"):
            count([0.5], **arguments)
    exact: Any
    for exact in (np.float32(0.5), np.array(0.5), torch.tensor(0.5, requires_grad=True)):
        assert count([0.5], exact, tolerance=exact) == 2
    with pytest.raises(ValueError, match="Z must hold real numbers, not <U3"):
        solve_many([0.5], ["0.1"])
    with pytest.raises(ValueError, match=f"X holds {ODD}, which"):
        solve_many([[0.5, ODD], [1.0, 2.0]], [0.5, 0.5])


@pytest.mark.parametrize("value", [1.0, "1", None, [1]])
def test_whole_numbers(value: Any) -> None:
    if value is not None:
        with pytest.raises(ValueError, match=r"^size=.* must be an integer"):
            solve([0.5], 0.5, size=value)
        with pytest.raises(ValueError, match=r"^threads=.* must be an integer"):
            solve_many([0.5], [0.5], threads=value)
    for name in ("window", "attempts"):
        with pytest.raises(ValueError, match=rf"^{name}=.* must be an integer"):
            solve_window([0.5], 0.5, tolerance=0.1, rng=0, **{name: value})
    with pytest.raises(ValueError, match=r"^cells=.* must be an integer"):
        covering_radius_bounds([0.5], cells=value)
