"""The random network: definition, reproducibility, law."""

import dataclasses
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from slth.networks import Network, RandomNetwork, WeightLaw, random_network
from slth.networks.layers import Conv, Dense, Relu
from slth.networks.random_network import BLOCK
from slth.weight_laws import WEIGHT_LAWS

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
    net = RandomNetwork.dense(widths, seed, "uniform")
    assert net.widths == widths
    for layer, shape in enumerate(net.shapes):
        rows, columns = shape
        weights = net.weights(layer)
        assert weights.dtype == np.float32
        assert weights.shape == (rows, columns)
        assert weights.ravel().tolist() == uniform_by_hand(seed, layer, 0, rows * columns)


def test_each_block_has_its_own_stream() -> None:
    net = RandomNetwork.dense((2, BLOCK // 2 + 3), 7, "uniform")
    weights = net.weights(0).ravel()
    assert weights[BLOCK:].tolist() == uniform_by_hand(7, 0, 1, 6)
    assert weights[:6].tolist() == uniform_by_hand(7, 0, 0, 6)


@given(
    kernel=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    groups=st.integers(1, 3),
    law=st.sampled_from([*WEIGHT_LAWS]),
    data=st.data(),
)
def test_rows_are_those_of_the_whole_layer(
    kernel: tuple[int, int], groups: int, law: WeightLaw, data: st.DataObject
) -> None:
    layer = Conv(2 * groups, 3 * groups, kernel, groups=groups)
    net = RandomNetwork(Network.chain([Dense(4, 5), layer]), 9, law)
    start = data.draw(st.integers(0, 3 * groups))
    stop = data.draw(st.integers(start, 3 * groups))
    whole = net.weights(1)
    assert whole.shape == (3 * groups, 2, *kernel)
    np.testing.assert_array_equal(net.rows(1, start, stop), whole[start:stop])


def test_rows_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that begin and end in the middle of a block, whatever the eight weights of a count."""
    monkeypatch.setattr(random_network, "BLOCK", 40)
    net = RandomNetwork.dense((7, 30), 1)
    whole = net.weights(0)
    assert whole[:1].ravel().tolist() == uniform_by_hand(1, 0, 0, 7)
    assert whole.ravel()[40:80].tolist() == uniform_by_hand(1, 0, 1, 40)
    for start in range(30):
        for stop in range(start, 31):
            np.testing.assert_array_equal(net.rows(0, start, stop), whole[start:stop])


def test_rows_draw_nothing_but_what_is_asked_for() -> None:
    """A layer of 2^60 weights: memory is bounded by the rows."""
    net = RandomNetwork.dense((1 << 20, 1 << 40), 5)
    [last] = net.rows(0, (1 << 40) - 1, 1 << 40)
    block = ((1 << 60) - 1) // BLOCK
    assert last[:4].tolist() == uniform_by_hand(5, 0, block, 4)


def test_refuses_rows_that_do_not_exist() -> None:
    net = RandomNetwork.dense((3, 2), 0)
    for start, stop in ((-1, 1), (1, 3), (2, 1)):
        with pytest.raises(ValueError, match="of a layer with 2"):
            net.rows(0, start, stop)


def test_refuses_a_network_without_weights() -> None:
    with pytest.raises(ValueError, match="needs a layer with weights"):
        RandomNetwork(Network.chain([Relu()]), 0)


def test_wider_layers_begin_with_the_same_rows() -> None:
    narrow, wide = (
        RandomNetwork.dense((4, 5, 2), 1, "uniform"),
        RandomNetwork.dense((4, 9, 2), 1, "uniform"),
    )
    np.testing.assert_array_equal(narrow.weights(0), wide.weights(0)[:5])


def test_uniform_law() -> None:
    weights = RandomNetwork.dense((400, 500), 11, "uniform").weights(0).astype(np.float64).ravel()
    assert stats.kstest(weights, stats.uniform(-1, 2).cdf).pvalue > 1e-3
    assert np.abs(weights).max() < 1
    assert (weights != 0).all()
    odd = weights * 2**24
    assert (odd % 2 == 1).all()
    assert abs(np.corrcoef(weights[:-1], weights[1:])[0, 1]) < 4 / np.sqrt(weights.size)


def test_normal_law() -> None:
    weights = RandomNetwork.dense((400, 500), 11, "normal").weights(0).astype(np.float64).ravel()
    assert stats.kstest(weights, stats.norm.cdf).pvalue > 1e-3
    assert stats.kstest(weights, stats.norm(scale=1.02).cdf).pvalue < 1e-3  # the test has power
    assert (weights != 0).all()


@pytest.mark.parametrize("law", ["uniform", "normal"])
def test_signs_are_those_of_the_other_laws(law: WeightLaw) -> None:
    net = RandomNetwork.dense((300, 400, 7), 11, "signs")
    other = dataclasses.replace(net, law=law)
    for layer in range(2):
        assert net.weights(layer).dtype == np.float32
        np.testing.assert_array_equal(net.weights(layer), np.sign(other.weights(layer)))
    assert (net.weights(0) != np.sign(dataclasses.replace(other, seed=12).weights(0))).any()


@given(word=st.integers(0, 2**32 - 1) | st.integers(2**31 - 600, 2**31 + 600))
def test_every_word_has_one_sign_in_all_laws(word: int) -> None:
    words = np.array([word], np.uint32)
    drawn = {law: draw(words).item() for law, draw in random_network._DRAW.items()}
    assert drawn["signs"] == (1.0 if word >= 2**31 else -1.0)
    assert drawn["uniform"] * drawn["signs"] > 0
    assert drawn["normal"] * drawn["signs"] > 0


def test_products_of_uniform_weights_are_exact_in_float64() -> None:
    net = RandomNetwork.dense((1, 1000, 1), 3, "uniform")
    a, b = net.weights(0)[:, 0].tolist(), net.weights(1)[0].tolist()
    for left, right in zip(a, b, strict=True):
        exact = int(left * 2**24) * int(right * 2**24)
        assert int(left * right * 2**48) == exact


def test_normal_weights_invert_the_distribution_function() -> None:
    net = RandomNetwork.dense((4, 6), 5, "normal")
    law = NormalDist()
    for value, uniform in zip(net.weights(0).ravel(), uniform_by_hand(5, 0, 0, 24), strict=True):
        # The uniform weight keeps 24 of the 32 bits, so it only brackets the probability.
        low, high = (uniform + 1) / 2 - 2.0**-25, (uniform + 1) / 2 + 2.0**-25
        assert law.inv_cdf(low) - 1e-6 <= float(value) <= law.inv_cdf(high) + 1e-6


def test_digest_is_pinned() -> None:
    """A change of this digest means that no stored ticket can be verified any more."""
    digest = "63c55e603dc2975b66ed8518a2e90f350dfee458e495303697b7899ebc4e06ce"
    assert RandomNetwork.dense((3, 8, 2), 42, "uniform").digest() == digest


def test_digest_tells_networks_apart() -> None:
    net = RandomNetwork.dense((3, 8, 2), 42, "uniform")
    others = [
        dataclasses.replace(net, seed=43),
        dataclasses.replace(net, law="normal"),
        dataclasses.replace(net, law="signs"),
        RandomNetwork.dense((3, 8, 3), 42),
        RandomNetwork.dense((8, 3, 2), 42),
        dataclasses.replace(net, architecture=Network.chain([net.layers[0], Dense(8, 2)])),
        dataclasses.replace(
            net, architecture=Network.chain([Conv(3, 8, (1, 1)), Relu(), Conv(8, 2, (1, 1))])
        ),
    ]
    assert len({net.digest(), *(other.digest() for other in others)}) == 8
    assert net.digest() == dataclasses.replace(net).digest()


def test_counts() -> None:
    net = RandomNetwork.dense((3, 8, 2, 5), 0, "uniform")
    assert net.depth == 3
    assert net.n_parameters == 24 + 16 + 10 == sum(net.weights(i).size for i in range(3))


@pytest.mark.parametrize(
    ("widths", "seed", "law", "message"),
    [
        ((3,), 0, "uniform", "widths must be a list of 2 to 4096 entries, got 1"),
        ((3, 0), 0, "uniform", r"widths\[1\] must be an integer >= 1, got 0"),
        ((3, 2.5), 0, "uniform", r"widths\[1\] must be an integer"),
        ((3, True), 0, "uniform", r"widths\[1\] must be an integer"),
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
        RandomNetwork.dense(widths, seed, law)  # type: ignore[arg-type]


@pytest.mark.parametrize("layer", [-1, 2])
def test_refuses_a_layer_that_does_not_exist(layer: int) -> None:
    with pytest.raises(ValueError, match=r"layers 0\.\.1"):
        RandomNetwork.dense((3, 2, 1), 0, "uniform").weights(layer)
