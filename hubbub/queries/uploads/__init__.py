"""SQL of uploads."""
