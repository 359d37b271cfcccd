"""Laboratories that try to fool the cache."""
