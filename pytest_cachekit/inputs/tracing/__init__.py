"""Floor `inputs`, part `tracing`: noticing what is read while an action runs."""
