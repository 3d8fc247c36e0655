"""Rate limits: the algorithms, independent of store and transport."""
