"""Floor `actions`: what is remembered, and the one place that decides a hit."""
