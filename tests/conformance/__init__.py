"""Suites that others wrote, over our caches."""
