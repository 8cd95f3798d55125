"""One instance at a time, where lists of 64-bit sums are too long or cannot settle it."""
