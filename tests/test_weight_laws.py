"""The table of laws says what the draws of networks and the laws of theory say."""

import numpy as np
import pytest

from slth.networks import RandomNetwork
from slth.theory.products import ReluProduct
from slth.weight_laws import CONTINUOUS_LAWS, WEIGHT_LAWS, WeightLaw


@pytest.mark.parametrize("name", WEIGHT_LAWS)
def test_moments_are_those_of_drawn_weights(name: WeightLaw) -> None:
    drawn = RandomNetwork.dense((300, 300), seed=1, law=name).weights(0).astype(np.float64)
    moments = WEIGHT_LAWS[name]
    assert np.abs(drawn).mean() == pytest.approx(moments.magnitude, rel=0.01)
    assert np.square(drawn).mean() == pytest.approx(moments.square, rel=0.02)
    assert np.abs(drawn).max() <= moments.largest


@pytest.mark.parametrize("name", CONTINUOUS_LAWS)
def test_the_product_law_has_their_variance(name: WeightLaw) -> None:
    assert ReluProduct(name).variance == pytest.approx(WEIGHT_LAWS[name].square ** 2 / 2)
