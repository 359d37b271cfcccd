"""The tests of pytest-cachekit: stories of small projects, and a few pure functions."""
