"""What the theorems say, as functions: entropy, laws, sample sizes, success laws, counts."""

from slth.theory import (
    amplification,
    cover_law,
    coverage,
    entropy,
    laws,
    lower_bound,
    overparameterization,
    pairs,
    products,
    rfss,
    rss,
)

__all__ = [
    "amplification",
    "cover_law",
    "coverage",
    "entropy",
    "laws",
    "lower_bound",
    "overparameterization",
    "pairs",
    "products",
    "rfss",
    "rss",
]
