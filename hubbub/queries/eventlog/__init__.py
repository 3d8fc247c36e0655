"""SQL of the event log: fast path, slow path and epochs."""
