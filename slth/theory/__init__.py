"""What the theorems say, as functions: entropy, laws, sample sizes, success laws, counts."""

from slth.theory import (
    at_most,
    coverage,
    entropy,
    heavy_tails,
    laws,
    lower_bound,
    overparameterization,
    products,
    rfss,
    rss,
    sample_mean,
    second_moment,
)

__all__ = [
    "at_most",
    "coverage",
    "entropy",
    "heavy_tails",
    "laws",
    "lower_bound",
    "overparameterization",
    "products",
    "rfss",
    "rss",
    "sample_mean",
    "second_moment",
]
