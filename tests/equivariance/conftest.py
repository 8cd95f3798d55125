"""One feature space of each family."""

import pytest

from slth.equivariance import Space, space

NAMES = (
    "trivial",
    "cyclic(8)",
    "translations(4x5, 3)",
    "translations(4x4, 2)",
    "cyclic-images(1, 3x4, 3)",
    "cyclic-images(2, 4x3, 3)",
    "cyclic-images(4, 5x5, 3)",
    "dihedral-images(4x4, 3)",
    "sets(5)",
    "graphs(4)",
)


@pytest.fixture(name="feature_space", params=NAMES)
def feature_space_fixture(request: pytest.FixtureRequest) -> Space:
    return space(request.param)
