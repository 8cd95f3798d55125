"""The random network: definition, reproducibility, law."""

import dataclasses
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from slth.tickets import RandomNetwork
from slth.tickets.random_network import BLOCK

MASK64 = (1 << 64) - 1


def philox4x64(counter: int, key: int) -> list[int]:
    """Ten rounds of Philox4x64 as published by Salmon et al. 2011, in plain integers."""
    c = [(counter >> (64 * word)) & MASK64 for word in range(4)]
    k = [key & MASK64, key >> 64]
    for _ in range(10):
        first, second = 0xD2E7470EE14C6C93 * c[0], 0xCA5A826395121157 * c[2]
        c = [
            (second >> 64) ^ c[1] ^ k[0],
            second & MASK64,
            (first >> 64) ^ c[3] ^ k[1],
            first & MASK64,
        ]
        k = [(k[0] + 0x9E3779B97F4A7C15) & MASK64, (k[1] + 0xBB67AE8584CAA73B) & MASK64]
    return c


def uniform_by_hand(seed: int, layer: int, block: int, size: int) -> list[float]:
    """First weights of a block from the definition."""
    words: list[int] = []
    counter = (layer << 128) | (block << 64)
    while len(words) < size:
        counter += 1  # NumPy increments before it encrypts
        for raw in philox4x64(counter, seed):
            words += [raw & 0xFFFFFFFF, raw >> 32]
    return [(2 * (word >> 8) + 1 - 2**24) / 2**24 for word in words[:size]]


def test_reference_generator_gives_the_published_vector() -> None:
    # kat_vectors of Random123: philox4x64-10, zero counter, zero key.
    assert philox4x64(0, 0) == [
        0x16554D9ECA36314C,
        0xDB20FE9D672D0FDC,
        0xD7E772CEE186176B,
        0x7E68B68AEC7BA23B,
    ]


@given(
    seed=st.integers(0, 2**64 - 1),
    widths=st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple),
)
def test_weights_follow_the_definition(seed: int, widths: tuple[int, ...]) -> None:
    net = RandomNetwork(widths, seed, "uniform")
    for layer, (rows, columns) in enumerate(net.shapes):
        weights = net.weights(layer)
        assert weights.dtype == np.float32
        assert weights.shape == (rows, columns)
        assert weights.ravel().tolist() == uniform_by_hand(seed, layer, 0, rows * columns)


def test_each_block_has_its_own_stream() -> None:
    net = RandomNetwork((2, BLOCK // 2 + 3), 7, "uniform")
    weights = net.weights(0).ravel()
    assert weights[BLOCK:].tolist() == uniform_by_hand(7, 0, 1, 6)
    assert weights[:6].tolist() == uniform_by_hand(7, 0, 0, 6)


def test_wider_layers_begin_with_the_same_rows() -> None:
    narrow, wide = RandomNetwork((4, 5, 2), 1, "uniform"), RandomNetwork((4, 9, 2), 1, "uniform")
    np.testing.assert_array_equal(narrow.weights(0), wide.weights(0)[:5])


def test_uniform_law() -> None:
    weights = RandomNetwork((400, 500), 11, "uniform").weights(0).astype(np.float64).ravel()
    assert stats.kstest(weights, stats.uniform(-1, 2).cdf).pvalue > 1e-3
    assert np.abs(weights).max() < 1
    assert (weights != 0).all()
    odd = weights * 2**24
    assert (odd % 2 == 1).all()
    assert abs(np.corrcoef(weights[:-1], weights[1:])[0, 1]) < 4 / np.sqrt(weights.size)


def test_normal_law() -> None:
    weights = RandomNetwork((400, 500), 11, "normal").weights(0).astype(np.float64).ravel()
    assert stats.kstest(weights, stats.norm.cdf).pvalue > 1e-3
    assert stats.kstest(weights, stats.norm(scale=1.02).cdf).pvalue < 1e-3  # the test has power
    assert (weights != 0).all()


def test_products_of_uniform_weights_are_exact_in_float64() -> None:
    net = RandomNetwork((1, 1000, 1), 3, "uniform")
    a, b = net.weights(0)[:, 0].tolist(), net.weights(1)[0].tolist()
    for left, right in zip(a, b, strict=True):
        exact = int(left * 2**24) * int(right * 2**24)
        assert int(left * right * 2**48) == exact


def test_normal_weights_invert_the_distribution_function() -> None:
    net = RandomNetwork((4, 6), 5, "normal")
    law = NormalDist()
    for value, uniform in zip(net.weights(0).ravel(), uniform_by_hand(5, 0, 0, 24), strict=True):
        # The uniform weight keeps 24 of the 32 bits, so it only brackets the probability.
        low, high = (uniform + 1) / 2 - 2.0**-25, (uniform + 1) / 2 + 2.0**-25
        assert law.inv_cdf(low) - 1e-6 <= float(value) <= law.inv_cdf(high) + 1e-6


def test_digest_is_pinned() -> None:
    """A change of this digest means that no stored ticket can be verified any more."""
    digest = "e5d478334a799db6c6a6243ba4a63c8a2e73e528d9932ee68bc8632a27db07f6"
    assert RandomNetwork((3, 8, 2), 42, "uniform").digest() == digest


def test_digest_tells_networks_apart() -> None:
    net = RandomNetwork((3, 8, 2), 42, "uniform")
    others = [
        dataclasses.replace(net, seed=43),
        dataclasses.replace(net, law="normal"),
        dataclasses.replace(net, widths=(3, 8, 3)),
        dataclasses.replace(net, widths=(8, 3, 2)),
    ]
    assert len({net.digest(), *(other.digest() for other in others)}) == 5
    assert net.digest() == dataclasses.replace(net).digest()


def test_counts() -> None:
    net = RandomNetwork((3, 8, 2, 5), 0, "uniform")
    assert net.depth == 3
    assert net.n_parameters == 24 + 16 + 10 == sum(net.weights(i).size for i in range(3))


@pytest.mark.parametrize(
    ("widths", "seed", "law", "message"),
    [
        ((3,), 0, "uniform", "at least two widths"),
        ((3, 0), 0, "uniform", "positive integers"),
        ((3, 2.5), 0, "uniform", "positive integers"),
        ((3, True), 0, "uniform", "positive integers"),
        ((3, 2), -1, "uniform", "seed must be"),
        ((3, 2), 2**64, "uniform", "seed must be"),
        ((3, 2), "0", "uniform", "seed must be"),
        ((3, 2), 0, "cauchy", "law must be"),
    ],
)
def test_refuses_what_defines_no_network(
    widths: tuple[int, ...], seed: int, law: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        RandomNetwork(widths, seed, law)  # type: ignore[arg-type]


@pytest.mark.parametrize("layer", [-1, 2])
def test_refuses_a_layer_that_does_not_exist(layer: int) -> None:
    with pytest.raises(ValueError, match=r"layers 0\.\.1"):
        RandomNetwork((3, 2, 1), 0, "uniform").weights(layer)
