"""What the theorems say, as functions: entropy, laws, sample sizes, success laws, counts."""

from slth.theory import entropy, laws, lower_bound, overparameterization, products, rfss, rss

__all__ = ["entropy", "laws", "lower_bound", "overparameterization", "products", "rfss", "rss"]
