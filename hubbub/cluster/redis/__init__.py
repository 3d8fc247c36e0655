"""Bus, presence and rate limits of several instances, in Redis, which may lose all data at any time."""
