"""The execution cache."""
