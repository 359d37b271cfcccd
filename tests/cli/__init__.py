"""The command, and what it tells."""
