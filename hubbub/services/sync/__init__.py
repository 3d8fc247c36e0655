"""State that a client receives when it connects, and reconciliation of the caches."""
