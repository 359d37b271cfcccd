"""Stories about what caches need of a machine, and what becomes of them together."""
