"""Measurements of real suites."""
