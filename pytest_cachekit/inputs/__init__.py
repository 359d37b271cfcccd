"""Floor `inputs`: what was read, and whether it is still the same."""
