"""Heavy experiments of the chapters: one module per grid, each a function of one cell."""
