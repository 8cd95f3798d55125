"""Targets: the data, and networks that learn it and meet the theorem's hypothesis."""

from copy import deepcopy
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from slth.equivariance import EquivariantLinear
from slth.networks import read
from slth.targets import Dataset, accuracy, digits, group_cnn, lenet5, mlp, mnist, rotated_digits


def test_digits_are_unit_vectors_of_the_orthant() -> None:
    data = digits()
    for x in (data.x_train, data.x_test):
        assert x.dtype == torch.float32
        assert (x >= 0).all()
        norms = torch.linalg.vector_norm(x.double(), dim=1)
        torch.testing.assert_close(norms, torch.ones_like(norms), rtol=0, atol=1e-6)


def test_digits_are_all_there_once() -> None:
    data = digits(seed=3)
    pixels, classes = load_digits(return_X_y=True)
    expected = (pixels / np.linalg.norm(pixels, axis=1, keepdims=True)).astype(np.float32)
    rows = np.vstack([data.x_train.numpy(), data.x_test.numpy()])
    labels = np.concatenate([data.y_train.numpy(), data.y_test.numpy()])
    assert sorted(map(tuple, np.column_stack([rows, labels]).tolist())) == sorted(
        map(tuple, np.column_stack([expected, classes.astype(np.float32)]).tolist())
    )


def test_enlarged_digits_show_the_same_images() -> None:
    small, large = digits(seed=2), digits(seed=2, side=24)
    assert torch.equal(small.y_train, large.y_train)
    assert large.x_test.shape == (450, 576)
    norms = torch.linalg.vector_norm(large.x_test.double(), dim=1)
    torch.testing.assert_close(norms, torch.ones_like(norms), rtol=0, atol=1e-6)
    # Three pixels for one: the middle one sits on the old pixel, where interpolation returns it.
    middles = large.x_test.reshape(-1, 24, 24)[:, 1::3, 1::3].reshape(-1, 64)
    middles = middles / torch.linalg.vector_norm(middles, dim=1, keepdim=True)
    torch.testing.assert_close(middles, small.x_test, rtol=0, atol=1e-6)
    with pytest.raises(ValueError, match="8 x 8 pixels, side=7 is less"):
        digits(side=7)


def test_mnist_is_split_as_usual(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(1, 256, (70_000, 4)).astype(np.float64)
    classes = rng.integers(0, 10, 70_000)

    def fetch(name: str, **_: Any) -> tuple[Any, Any]:
        assert name == "mnist_784"
        return pixels, classes.astype(str).astype(object)

    monkeypatch.setattr("slth.targets.data.fetch_openml", fetch)
    data = mnist()
    assert data.x_train.dtype == torch.float32
    assert data.y_test.dtype == torch.int64
    assert np.array_equal(data.y_train.numpy(), classes[:60_000])
    assert np.array_equal(data.y_test.numpy(), classes[60_000:])
    expected = pixels[60_000:] / np.linalg.norm(pixels[60_000:], axis=1, keepdims=True)
    assert np.array_equal(data.x_test.numpy(), expected.astype(np.float32))


def test_mnist_without_network_names_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(name: str, **_: Any) -> None:
        raise URLError("no network")

    monkeypatch.setattr("slth.targets.data.fetch_openml", fetch)
    with pytest.raises(ConnectionError, match=r"openml\.org.*no network.*digits\(side=28\)"):
        mnist()


def test_split_is_stratified_and_seeded() -> None:
    data = digits(seed=1)
    shares = [torch.bincount(y) / len(y) for y in (data.y_train, data.y_test)]
    assert float((shares[0] - shares[1]).abs().max()) < 0.005
    assert torch.equal(data.x_test, digits(seed=1).x_test)
    assert not torch.equal(data.x_test, digits(seed=2).x_test)


def test_enlarged_digits_are_unit_vectors_that_look_the_same() -> None:
    data, large = digits(seed=1), digits(seed=1, side=24)
    for small, big in ((data.x_train, large.x_train), (data.x_test, large.x_test)):
        assert big.dtype == torch.float32
        assert (big >= 0).all()
        norms = torch.linalg.vector_norm(big.double(), dim=1)
        torch.testing.assert_close(norms, torch.ones_like(norms), rtol=0, atol=1e-6)
        # The middle of each 3 × 3 block of a bilinear enlargement is the pixel itself.
        middles = big.reshape(-1, 24, 24)[:, 1::3, 1::3].flatten(1)
        torch.testing.assert_close(nn.functional.normalize(middles), small, rtol=0, atol=1e-6)
    assert torch.equal(data.y_test, large.y_test)


def test_digits_are_not_made_smaller() -> None:
    with pytest.raises(ValueError, match="8 x 8 pixels, side=7 is less"):
        digits(side=7)


def test_images_are_the_vectors_row_by_row() -> None:
    data = digits(side=12)
    images = data.images()
    assert images.x_train.shape[1:] == images.x_test.shape[1:] == (1, 12, 12)
    assert torch.equal(images.x_test[5, 0, 3], data.x_test[5, 36:48])
    assert images.y_train is data.y_train
    for bad in (images, Dataset(data.x_train[:, 1:], data.y_train, data.x_test, data.y_test)):
        with pytest.raises(ValueError, match="no square image"):
            bad.images()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_mlp_learns_the_digits(seed: int) -> None:
    data = digits()
    net = mlp(seed=seed)
    assert accuracy(net, data.x_test, data.y_test) >= 0.96
    shapes = [layer.shape for layer in read(net).coefficients]
    assert shapes == [(32, 64), (10, 32)]
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_mlp_meets_the_hypothesis_of_theorem_3() -> None:
    for layer in read(mlp((64, 24, 16, 10), seed=1)).coefficients:
        norm = np.linalg.norm(layer.astype(np.float64), 2)
        assert 1 - 1e-6 < norm <= 1.0


def test_mlp_is_reproducible_and_leaves_the_global_state_alone() -> None:
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    digest = read(mlp((64, 8, 10), seed=4)).digest
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads
    torch.manual_seed(6)
    torch.set_num_threads(2 if threads == 1 else 1)
    try:
        assert read(mlp((64, 8, 10), seed=4)).digest == digest
    finally:
        torch.set_num_threads(threads)
    assert read(mlp((64, 8, 10), seed=5)).digest != digest


def test_mlp_without_normalization_is_the_same_function_up_to_a_factor() -> None:
    data = digits()
    widths = (64, 8, 10)
    trained = mlp(widths, data=data, epochs=3, normalize=False)(data.x_test)
    divided = mlp(widths, data=data, epochs=3)(data.x_test)
    factor = trained.norm() / divided.norm()
    assert factor > 2
    torch.testing.assert_close(trained, factor * divided, rtol=1e-4, atol=1e-4)
    longer = mlp(widths, data=data, epochs=4)(data.x_test)
    assert not torch.allclose(divided, longer)


def test_mlp_never_looks_at_the_test_part() -> None:
    data = digits()
    shuffled = Dataset(data.x_train, data.y_train, data.x_test.flip(0), data.y_test)
    widths = (64, 8, 10)
    assert read(mlp(widths, data=shuffled)).digest == read(mlp(widths, data=data)).digest


@pytest.fixture(scope="module", name="images")
def images_fixture() -> Dataset:
    return digits(side=28).images()


@pytest.mark.parametrize("seed", [0, 1])
def test_lenet5_learns_the_digits(seed: int, images: Dataset) -> None:
    net = lenet5(seed=seed)
    assert accuracy(net, images.x_test, images.y_test) >= 0.97
    assert not any(parameter.requires_grad for parameter in net.parameters())


def test_lenet5_has_its_layers(images: Dataset) -> None:
    known = read(lenet5(epochs=1, data=_first(images, 64)))
    assert [array.shape for array in known.coefficients] == [
        (6, 1, 5, 5),
        (16, 6, 5, 5),
        (120, 784),
        (84, 120),
        (10, 84),
    ]
    kinds = " ".join(type(layer).__name__ for layer in known.layers)
    assert kinds == "Conv Relu MaxPool Conv Relu MaxPool Flatten Dense Relu Dense Relu Dense"


def test_lenet5_takes_other_sizes_and_is_reproducible() -> None:
    data = _first(digits(side=12).images(), 128)
    torch.manual_seed(5)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    digest = read(lenet5(seed=4, data=data, epochs=2)).digest
    assert torch.equal(state, torch.get_rng_state())
    assert torch.get_num_threads() == threads
    torch.set_num_threads(2 if threads == 1 else 1)
    try:
        assert read(lenet5(seed=4, data=data, epochs=2)).digest == digest
    finally:
        torch.set_num_threads(threads)
    assert read(lenet5(seed=5, data=data, epochs=2)).digest != digest
    unseen = Dataset(data.x_train, data.y_train, data.x_test.flip(0), data.y_test)
    assert read(lenet5(seed=4, data=unseen, epochs=2)).digest == digest


def test_lenet5_refuses_what_it_cannot_learn() -> None:
    vectors = digits(side=12)
    images = vectors.images()
    with pytest.raises(ValueError, match=r"square grey images .* shape \(144,\)"):
        lenet5(data=vectors)
    with pytest.raises(ValueError, match=r"divisible by 4, .* shape \(1, 9, 9\)"):
        lenet5(data=digits(side=9).images())
    with pytest.raises(ValueError, match="10 classes apart, the data have 11"):
        lenet5(data=Dataset(images.x_train, images.y_train + 1, images.x_test, images.y_test))
    with pytest.raises(ValueError, match="at least one epoch, got epochs=0"):
        lenet5(data=images, epochs=0)


def _first(data: Dataset, count: int) -> Dataset:
    return Dataset(data.x_train[:count], data.y_train[:count], data.x_test, data.y_test)


def test_random_labels_cannot_be_learnt() -> None:
    """Negative control of the accuracy."""
    data = digits()
    order = torch.randperm(len(data.y_train), generator=torch.Generator().manual_seed(0))
    scrambled = Dataset(data.x_train, data.y_train[order], data.x_test, data.y_test)
    assert accuracy(mlp((64, 8, 10), data=scrambled), data.x_test, data.y_test) < 0.3


@pytest.mark.parametrize(
    ("widths", "message"),
    [
        ((64,), "at least two positive widths"),
        ((64, 0, 10), "at least two positive widths"),
        ((63, 10), "do not fit data with 64 inputs"),
        ((64, 9), "do not fit data with 64 inputs and 10 classes"),
    ],
)
def test_refuses_widths_that_do_not_fit(widths: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mlp(widths)


def test_refuses_to_train_for_no_epoch() -> None:
    with pytest.raises(ValueError, match="at least one epoch, got epochs=0"):
        mlp(epochs=0)


def test_accuracy_counts() -> None:
    x = torch.tensor([[0.0, 1.0], [1.0, 0.0], [0.2, 0.1], [0.3, 0.4]])
    assert accuracy(nn.Identity(), x, torch.tensor([1, 0, 1, 0])) == 0.5


@pytest.fixture(name="group_net", scope="module")
def group_net_fixture() -> nn.Sequential:
    return group_cnn()


def test_rotated_digits_are_the_digits_turned() -> None:
    plain, turned = digits(2), rotated_digits(2)
    assert torch.equal(plain.y_train, turned.y_train)
    seen = set()
    for image, original in zip(turned.x_train[:, 0], plain.x_train.reshape(-1, 8, 8), strict=True):
        turns = [k for k in range(4) if torch.equal(torch.rot90(original, k, (0, 1)), image)]
        assert turns
        seen.update(turns)
    assert seen == {0, 1, 2, 3}
    assert torch.equal(turned.x_test, rotated_digits(2).x_test)
    assert not torch.equal(turned.x_test, rotated_digits(3).x_test)


def test_group_cnn_learns_and_does_not_see_turns(group_net: nn.Sequential) -> None:
    data = rotated_digits()
    assert accuracy(group_net, data.x_test, data.y_test) >= 0.94
    assert not any(parameter.requires_grad for parameter in group_net.parameters())
    images = data.x_test[:20].double()
    exact = deepcopy(group_net).double()
    outputs = exact(images)
    for k in (1, 2, 3):
        torch.testing.assert_close(
            exact(torch.rot90(images, k, (2, 3))), outputs, atol=1e-14, rtol=0
        )


def test_networks_that_know_no_turns_do_worse_on_the_same_images(group_net: nn.Sequential) -> None:
    data = rotated_digits()
    ours = accuracy(group_net, data.x_test, data.y_test)
    flat = Dataset(data.x_train.flatten(1), data.y_train, data.x_test.flatten(1), data.y_test)
    dense = mlp((64, 32, 10), data=flat)
    assert accuracy(dense, flat.x_test, flat.y_test) < ours - 0.03
    plain = group_cnn("translations(8x8, 3)", (8, 8))
    assert accuracy(plain, data.x_test, data.y_test) < ours - 0.03
    images = data.x_test[:20]
    assert float((plain(torch.rot90(images, 1, (2, 3))) - plain(images)).abs().max()) > 0.01


def test_group_cnn_meets_the_hypothesis_of_theorem_4(group_net: nn.Sequential) -> None:
    """All layers have norm 1: bounded by the space, attained by the power method."""
    layers = [module for module in group_net if isinstance(module, EquivariantLinear)]
    assert len(layers) == 2
    for layer in layers:
        weight = layer.weight.double()
        assert 1 - 1e-5 < layer.space.norm_bound(weight.numpy()) <= 1.0
        matrix = sum(
            np.kron(weight[:, :, j].numpy(), basis.toarray())
            for j, basis in enumerate(layer.space.basis)
        )
        assert 1 - 1e-5 < np.linalg.norm(matrix, 2) <= 1.0
    linear = group_net[-1]
    assert isinstance(linear, nn.Linear)
    assert 1 - 1e-6 < np.linalg.norm(linear.weight.double().numpy(), 2) <= 1.0


def test_group_cnn_is_reproducible_and_leaves_the_global_state_alone() -> None:
    data = rotated_digits()
    few = Dataset(data.x_train[:100], data.y_train[:100], data.x_test, data.y_test)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    first = group_cnn(channels=(2,), data=few)
    assert torch.equal(state, torch.get_rng_state())
    torch.set_num_threads(2 if threads == 1 else 1)
    try:
        second, other = (
            group_cnn(channels=(2,), data=few),
            group_cnn(channels=(2,), seed=1, data=few),
        )
    finally:
        torch.set_num_threads(threads)
    pairs = list(zip(first.parameters(), second.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(a, b) and not torch.equal(a, c) for a, b, c in pairs)


@pytest.mark.parametrize(
    ("space", "channels", "message"),
    [
        ("cyclic-images(4, 8x8, 3)", (), "needs positive numbers of channels"),
        ("cyclic-images(4, 8x8, 3)", (4, 0), "needs positive numbers of channels"),
        ("cyclic-images(4, 9x9, 3)", (4,), r"does not fit images of shape \(1, 8, 8\)"),
        ("cyclic(8)", (4,), "has no images to lift"),
    ],
)
def test_group_cnn_refuses_what_does_not_fit(
    space: str, channels: tuple[int, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        group_cnn(space, channels)
