"""The documentation: what it shows happens, what it names exists, and nothing is left out."""
