"""What the caching library promises, over every backend and both faces."""
