"""Floor `plugin`: pytest."""
