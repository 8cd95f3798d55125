"""The solvers on tensors, on their device; all that needs torch is in here."""
