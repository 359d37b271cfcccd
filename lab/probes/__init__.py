"""Small projects, one for each way in which an outcome can change, and their runner."""
