"""What the theorems say, as functions: entropy, laws, sample sizes, success laws, counts."""

from slth.theory import (
    amplification,
    at_most,
    cover_law,
    coverage,
    entropy,
    heavy_tails,
    laws,
    lower_bound,
    overparameterization,
    pairs,
    products,
    rfss,
    rss,
    sample_mean,
    second_moment,
)

__all__ = [
    "amplification",
    "at_most",
    "cover_law",
    "coverage",
    "entropy",
    "heavy_tails",
    "laws",
    "lower_bound",
    "overparameterization",
    "pairs",
    "products",
    "rfss",
    "rss",
    "sample_mean",
    "second_moment",
]
