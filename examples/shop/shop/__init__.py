"""A shop that remembers what its supplier asks for things."""
