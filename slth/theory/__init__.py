"""What the theorems say, as functions: entropy, laws, sample sizes, success laws, counts."""

from slth.theory import (
    coverage,
    entropy,
    laws,
    lower_bound,
    overparameterization,
    products,
    rfss,
    rss,
)

__all__ = [
    "coverage",
    "entropy",
    "laws",
    "lower_bound",
    "overparameterization",
    "products",
    "rfss",
    "rss",
]
