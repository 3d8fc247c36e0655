"""Rate limits: the algorithms, without a store and without a transport."""
