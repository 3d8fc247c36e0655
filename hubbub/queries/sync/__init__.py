"""SQL of the reconciler."""
