"""The stored table of required samples: it is what the success law computes."""

import numpy as np
import pytest

from slth.theory import _samples_table as table
from slth.theory.products import ReluProduct
from slth.theory.rfss import planned_product_samples, required_product_samples
from slth.weight_laws import WeightLaw


@pytest.mark.parametrize(("law", "size"), [("uniform", None), ("normal", 32)])
def test_lines_are_computed_anew(law: WeightLaw, size: int | None) -> None:
    row = int(np.random.default_rng(0).integers(len(table.WEIGHTS)))
    with table.FILE.open("rb") as stream, np.load(stream) as stored:
        lines = stored[f"{law}-free"] if size is None else stored[f"{law}-fixed"]
    kept = lines[row] if size is None else lines[table.SIZES.index(size), row]
    again = table.line(law, size, table.WEIGHTS[row])
    # One sample more or less, where the last bits of another processor decide.
    np.testing.assert_allclose(again, kept, atol=0.02 if size is None else 0.5)
    assert np.mean(np.abs(again - kept) > 1e-5) < 0.1


@pytest.mark.parametrize(
    ("size", "weight", "tolerance", "weights", "law"),
    [
        (None, 0.62, 3e-4, 700, "uniform"),
        (None, 1.7, 2e-2, 50, "normal"),
        (3, 0.8, 6e-3, 2000, "uniform"),
        (7, 0.3, 4e-5, 10_000, "normal"),
        (18, 2.2, 1e-3, 3, "uniform"),
    ],
)
def test_between_its_entries_the_table_is_close(
    size: int | None, weight: float, tolerance: float, weights: int, law: str
) -> None:
    product = ReluProduct(law)  # type: ignore[arg-type]
    exact = required_product_samples(size, weight, tolerance, 0.01, weights=weights, law=product)
    read = planned_product_samples(size, weight, tolerance, 0.01, weights=weights, law=product)
    assert exact - 1 <= read <= 1.06 * exact + 1


def test_the_table_moves_the_right_way() -> None:
    for size in (None, 2, 3, 10):
        base = planned_product_samples(size, 0.9, 1e-3, 0.01, weights=1000)
        assert base < planned_product_samples(size, 0.9, 1e-4, 0.01, weights=1000)
        assert base < planned_product_samples(size, 0.9, 1e-3, 0.01, weights=10**6)
        assert base >= planned_product_samples(size, 0.5, 1e-3, 0.01, weights=1000)


def test_what_the_table_does_not_hold_is_computed_or_refused() -> None:
    assert planned_product_samples(None, 0.1, 0.2, 0.01) == 1  # the empty subset
    assert planned_product_samples(1, 0.5, 1e-2, 0.01) == required_product_samples(
        1, 0.5, 1e-2, 0.01
    )
    assert planned_product_samples(120, 0.5, 1e-2, 0.01) == required_product_samples(
        120, 0.5, 1e-2, 0.01
    )
    with pytest.raises(ValueError, match="no n up to 3,000"):
        planned_product_samples(3, 3.0, 1e-2, 0.01)
    with pytest.raises(ValueError, match="no n up to 1,000,000"):
        planned_product_samples(2, 0.9, 1e-13, 0.01)


def test_nothing_is_simulated_for_what_the_table_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "MissProbability", None)
    for size in (None, 2, 3, 11, 100):
        assert planned_product_samples(size, 0.7, 1e-5, 0.01, weights=12_345) > 20
